"""What a destination's trouble does: to the event, to the batch, to the destination, and to nobody else."""

import json
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from assets.delivery_again import dead_letters, replay, retry
from tests.delivery.conftest import NEXT, QUICK, Shop
from tests.delivery.receiver import Answer, Receiver, plain, settings
from warehouse.delivery.errors import Halted
from warehouse.delivery.port import Limits, Refused
from warehouse.wire.times import midnight
from warehouse.wire.windows import Window

OK: Answer = (200, {}, b"")


def refusing(
    poison: set[str], answer: Answer = (400, {}, b"bad event")
) -> Callable[[int, list[dict[str, Any]]], Answer]:
    """Refuses every request with one of these events in it."""
    return lambda _number, documents: answer if poison & {one["event_id"] for one in documents} else OK


def letters(shop: Shop) -> list[dict[str, Any]]:
    with shop.site.open(for_writing=False) as workshop:
        return dead_letters(workshop)


def twice(receiver: Receiver) -> int:
    """Events that arrived more than once."""
    return sum(count > 1 for count in Counter(receiver.ids()).values())


def test_a_batch_that_is_sent_again_is_the_same_bytes(shop: Shop, receiver: Receiver) -> None:
    receiver.answer = lambda number, _documents: (503, {}, b"") if number % 3 else OK
    report = shop.deliver(
        settings("soc", receiver.url),
        modules={"plain": plain(limits=Limits(events=500, raw=10**6, separator=1, concurrency=1))},
    )["soc"]
    assert sorted(receiver.ids()) == shop.events()
    assert report.retried > 0
    bodies = Counter(receiver.requests)
    assert max(bodies.values()) == 3
    assert twice(receiver) == 0


@pytest.mark.fault(
    "The receiver stores a batch, and the connection breaks before it says so.",
    area="delivery",
    data="The same bytes are sent again. The events are there twice and in the receipts once.",
    user="The report counts them as `retried`.",
    recovery="Nothing: receivers know an event by its id.",
)
def test_what_was_stored_before_the_connection_broke_arrives_twice_and_nothing_else(
    shop: Shop, receiver: Receiver
) -> None:
    receiver.answer = lambda number, _documents: None if number == 2 else OK
    one = plain(limits=Limits(events=20, raw=10**6, separator=1, concurrency=1))
    shop.deliver(settings("soc", receiver.url), modules={"plain": one})
    assert set(receiver.ids()) == set(shop.events())
    assert twice(receiver) == 20


@pytest.mark.fault(
    "The receiver refuses one event.",
    area="delivery",
    data="It goes to the dead letters. Its neighbours are delivered.",
    user="`deliver` and `status` count it as `dead`; exit 1.",
    recovery="Mend the cause, then `ledgerline dead-letters --retry`.",
)
def test_an_event_that_is_refused_is_dead_and_its_neighbours_pass(shop: Shop, receiver: Receiver) -> None:
    poison = set(shop.events()[5:8])
    receiver.answer = refusing(poison)
    report = shop.deliver(settings("soc", receiver.url))["soc"]
    assert set(receiver.ids()) == set(shop.events()) - poison
    assert (report.dead, report.delivered) == (3, len(shop.events()) - 3)
    found = letters(shop)
    assert {one for letter in found for one in letter["event_ids"]} == poison
    assert {letter["reason"] for letter in found} == {"answered 400"}
    assert shop.state().served()["soc"].passed == len(shop.events())
    again = shop.deliver(settings("soc", receiver.url))["soc"]
    assert again.selected == 0


@pytest.mark.fault(
    "One event makes the receiver fail each time.",
    area="delivery",
    data="It goes to the dead letters once other events have passed.",
    user="Exit 1 with the reason.",
    recovery="Mend the cause, then `ledgerline dead-letters --retry`.",
)
def test_an_event_that_makes_the_receiver_fail_for_ever_is_dead_once_others_pass(
    shop: Shop, receiver: Receiver
) -> None:
    poison = {shop.events()[11]}
    receiver.answer = refusing(poison, (500, {}, b""))
    report = shop.deliver(settings("soc", receiver.url))["soc"]
    assert set(receiver.ids()) == set(shop.events()) - poison
    assert (report.dead, report.stopped) == (1, None)
    (letter,) = letters(shop)
    assert "while others passed" in letter["reason"]


@pytest.mark.fault(
    "The receiver is down.",
    area="delivery",
    data="Nothing goes to the dead letters. The position stays where it was.",
    user="Exit 1 and how much is behind.",
    recovery="Run it again when the receiver is up.",
)
def test_a_receiver_that_is_down_makes_nothing_dead_and_keeps_the_position(shop: Shop, receiver: Receiver) -> None:
    receiver.answer = lambda _number, _documents: (500, {}, b"")
    report = shop.deliver(settings("soc", receiver.url))["soc"]
    assert (report.dead, report.delivered) == (0, 0)
    assert report.stopped is not None
    assert not report.stopped.halted
    assert shop.state().served()["soc"].passed == 0
    receiver.answer = lambda _number, _documents: OK
    shop.deliver(settings("soc", receiver.url))
    assert sorted(receiver.ids()) == shop.events()


def test_a_receiver_that_goes_down_in_mid_work_makes_nothing_dead(shop: Shop, receiver: Receiver) -> None:
    receiver.answer = lambda number, _documents: OK if number <= 3 else (503, {}, b"")
    report = shop.deliver(
        settings("soc", receiver.url),
        modules={"plain": plain(limits=Limits(events=10, raw=10**6, separator=1, concurrency=3))},
    )["soc"]
    assert (report.dead, report.delivered) == (0, 30)
    receiver.answer = lambda _number, _documents: OK
    shop.deliver(settings("soc", receiver.url))
    assert sorted(receiver.ids()) == shop.events()  # what was ahead of the position is not sent again


@pytest.mark.fault(
    "The receiver refuses the credential.",
    area="delivery",
    data="Nothing is dropped. Other destinations go on.",
    user="Exit 1: the destination is halted.",
    recovery="Replace the token and run it again.",
)
def test_a_refused_credential_halts_and_drops_nothing_and_others_are_served(
    shop: Shop, receivers: Callable[[], Receiver]
) -> None:
    broken, well = receivers(), receivers()
    broken.answer = lambda _number, _documents: (403, {}, b"")
    reports = shop.deliver(settings("broken", broken.url), settings("well", well.url))
    assert sorted(well.ids()) == shop.events()
    stopped = reports["broken"].stopped
    assert stopped is not None
    assert stopped.halted
    assert "token is refused" in stopped.reason
    assert letters(shop) == []
    assert len(broken.requests) <= 3
    assert shop.state().served()["broken"].halted is not None


def test_a_credential_that_expires_in_mid_batch_goes_on_where_it_halted(shop: Shop, receiver: Receiver) -> None:
    receiver.answer = lambda number, _documents: OK if number <= 4 else (401, {}, b"")
    one = plain(limits=Limits(events=10, raw=10**6, separator=1, concurrency=2))
    first = shop.deliver(settings("soc", receiver.url), modules={"plain": one})["soc"]
    assert first.stopped is not None
    assert first.delivered == 40
    receiver.answer = lambda _number, _documents: OK
    shop.deliver(settings("soc", receiver.url), modules={"plain": one})
    assert sorted(receiver.ids()) == shop.events()
    assert shop.state().served()["soc"].halted is None


@pytest.mark.fault(
    "One destination is slow.",
    area="delivery",
    data="The others are served meanwhile.",
    user="`status` shows its lag.",
    recovery="Nothing.",
)
def test_a_slow_destination_delays_no_other(shop: Shop, receivers: Callable[[], Receiver]) -> None:
    slow, well = receivers(), receivers()
    done: list[float] = []

    def sleepy(_number: int, _documents: list[dict[str, Any]]) -> Answer:
        time.sleep(0.6)
        return OK

    def noting(_number: int, _documents: list[dict[str, Any]]) -> Answer:
        done.append(time.monotonic())
        return OK

    slow.answer, well.answer = sleepy, noting
    shop.deliver(settings("slow", slow.url), settings("well", well.url))
    ended = time.monotonic()
    assert sorted(slow.ids()) == sorted(well.ids()) == shop.events()
    assert ended - done[-2] > 0.6


def test_what_the_receiver_asks_to_wait_is_waited_and_beyond_that_is_left_to_the_next_run(
    shop: Shop, receiver: Receiver
) -> None:
    asked: list[float] = []

    def busy(number: int, _documents: list[dict[str, Any]]) -> Answer:
        asked.append(time.monotonic())
        return (429, {"retry-after": "1"}, b"") if number == 1 else OK

    receiver.answer = busy
    one = {"plain": plain(limits=Limits(events=10_000, raw=10**7, separator=1, concurrency=1))}
    shop.deliver(settings("soc", receiver.url), modules=one)
    assert asked[1] - asked[0] >= 1
    receiver.answer = lambda _number, _documents: (429, {"retry-after": "3600"}, b"")
    report = shop.deliver(settings("other", receiver.url), modules=one)["other"]
    assert report.stopped is not None
    assert "3600 s" in report.stopped.reason


def test_a_request_that_is_too_large_is_halved_until_it_fits(shop: Shop, receiver: Receiver) -> None:
    receiver.answer = lambda _number, documents: (413, {}, b"") if len(documents) > 3 else OK
    report = shop.deliver(settings("soc", receiver.url))["soc"]
    assert sorted(receiver.ids()) == shop.events()
    assert (report.dead, twice(receiver)) == (0, 0)


def test_of_a_batch_with_single_verdicts_only_the_refused_are_dead_and_only_the_busy_sent_again(
    shop: Shop, receiver: Receiver
) -> None:
    poison, busy = set(shop.events()[:2]), set(shop.events()[4:9])
    seen: set[str] = set()

    def by_item(_number: int, documents: list[dict[str, Any]]) -> Answer:
        verdicts = []
        for one in documents:
            name = one["event_id"]
            verdicts.append(400 if name in poison else 429 if name in busy - seen else 201)
            seen.add(name)
        return 207, {}, json.dumps(verdicts).encode()

    receiver.answer = by_item
    report = shop.deliver(settings("soc", receiver.url))["soc"]
    assert sorted(receiver.ids()) == sorted(set(shop.events()) - poison)
    assert (report.dead, report.retried) == (2, 5)


def test_an_event_that_cannot_be_encoded_is_dead_before_anything_is_sent(shop: Shop, receiver: Receiver) -> None:
    odd, large, broken = shop.events()[3:6]
    whole = plain().encode

    def encode(event: Any) -> bytes | Refused:
        if event.event_id == odd:
            return Refused(reason="has no place in this schema")
        if event.event_id == large:
            return b"x" * 6000
        if event.event_id == broken:
            raise KeyError("field")
        frame = whole(event, None, None)
        assert isinstance(frame, bytes)
        return frame

    limits = Limits(events=50, raw=100_000, event=5_000, separator=1)
    report = shop.deliver(settings("soc", receiver.url), modules={"plain": plain(limits=limits, encode=encode)})[
        "soc"
    ]
    assert report.dead == 3
    assert sorted(receiver.ids()) == sorted(set(shop.events()) - {odd, large, broken})
    reasons = " ".join(letter["reason"] for letter in letters(shop))
    for words in ("no place in this schema", "6000 bytes", "KeyError"):
        assert words in reasons


@pytest.mark.fault(
    "The code of one destination has a fault.",
    area="delivery",
    data="Its position stays where it was. The others are served.",
    user="Exit 1: it is called a fault of Ledgerline.",
    recovery="Report it.",
)
def test_a_module_that_fails_stops_its_destination_and_no_other(
    shop: Shop, receivers: Callable[[], Receiver]
) -> None:
    first, second = receivers(), receivers()
    faulty = plain()
    faulty.classify = lambda _response, _count: []
    reports = shop.deliver(
        settings("faulty", first.url, type="faulty"),
        settings("well", second.url),
        modules={"faulty": faulty, "plain": plain()},
    )
    assert reports["faulty"].stopped is not None
    assert sorted(second.ids()) == shop.events()


def test_a_destination_that_cannot_begin_says_so_once_in_the_log(
    shop: Shop, receivers: Callable[[], Receiver]
) -> None:
    module = plain()

    def connect(_settings: Any) -> Any:
        raise Halted("the token is not there", remedy="set SOC_TOKEN")

    module.connect = connect
    first = shop.deliver(settings("soc", "http://127.0.0.1:1"), modules={"plain": module})["soc"]
    assert str(first.stopped) == "the token is not there. set SOC_TOKEN"
    size = shop.state().size
    shop.deliver(settings("soc", "http://127.0.0.1:1"), modules={"plain": module})
    assert shop.state().size == size


def test_a_slice_that_is_none_stops_its_destination_only(shop: Shop, receivers: Callable[[], Receiver]) -> None:
    first, second = receivers(), receivers()
    reports = shop.deliver(settings("a", first.url, slice="drop table x"), settings("b", second.url))
    assert reports["a"].stopped is not None
    assert sorted(second.ids()) == shop.events()


def test_a_condition_that_an_event_cannot_be_asked_stops_its_destination_and_repeats_no_value(
    shop: Shop, receivers: Callable[[], Receiver]
) -> None:
    first, second = receivers(), receivers()
    condition = "cast(actor_email as integer) = 1"
    reports = shop.deliver(settings("a", first.url, slice=condition), settings("b", second.url))
    assert sorted(second.ids()) == shop.events()
    told = str(reports["a"].stopped)
    assert "cannot be asked of audit_events" in told
    assert "audit_events where ..." in told
    assert "@" not in told.replace(condition, "")
    assert first.ids() == []


@pytest.mark.parametrize("policy", ["send", "restamp", "skip"])
def test_late_events_go_by_the_policy_and_it_is_on_record(shop: Shop, receiver: Receiver, policy: str) -> None:
    from datetime import timedelta

    limits = Limits(events=50, raw=10**6, separator=1, oldest=timedelta(days=3))
    report = shop.deliver(settings("soc", receiver.url, late=policy), modules={"plain": plain(limits=limits)})[
        "soc"
    ]
    now = shop.served.clock.now()
    late = set(shop.events(f"created_at < timestamptz '{now - timedelta(days=3)}'"))
    assert 0 < len(late) < len(shop.events())
    arrived = {one["event_id"]: one for one in receiver.stored}
    if policy == "skip":
        assert set(receiver.ids()) == set(shop.events()) - late
        assert report.skipped == len(late)
        kept = shop.site.sql("select event_id, reason from deliveries where status = 'skipped'")
        assert {row[0] for row in kept} == late
        assert all("late = skip" in row[1] for row in kept)
    else:
        assert set(receiver.ids()) == set(shop.events())
    if policy == "restamp":
        assert report.restamped == len(late)
        assert all(
            arrived[one]["stamp"][:10] == f"{now:%Y-%m-%d}" != arrived[one]["event_time"][:10] for one in late
        )
        kept = shop.site.sql("select event_id from deliveries where late = 'restamped'")
        assert {row[0] for row in kept} == late
    if policy == "send":
        assert all(arrived[one]["stamp"] == arrived[one]["event_time"] for one in late)


def test_dead_letters_are_sent_again_when_what_was_wrong_is_mended(shop: Shop, receiver: Receiver) -> None:
    poison = set(shop.events()[5:8])
    receiver.answer = refusing(poison)
    shop.deliver(settings("soc", receiver.url))
    mended = sorted(poison)[:2]
    receiver.answer = refusing(poison - set(mended))
    with shop.open() as workshop:
        workshop.destinations = [settings("soc", receiver.url)]
        (report,) = retry(workshop, ["soc"], patience=QUICK, load=lambda _type: plain())
    assert (report.delivered, report.dead) == (2, 1)
    assert set(mended) <= set(receiver.ids())
    (letter,) = letters(shop)
    assert letter["event_ids"] == [*(poison - set(mended))]
    assert letter["attempts"] > 1
    receiver.answer = lambda _number, _documents: OK
    with shop.open() as workshop:
        workshop.destinations = [settings("soc", receiver.url)]
        retry(workshop, ["soc"], patience=QUICK, load=lambda _type: plain())
    assert letters(shop) == []
    assert sorted(set(receiver.ids())) == shop.events()
    assert shop.site.sql("select count(*) from dead_letters") == [(0,)]


def test_a_retry_that_meets_a_closed_door_leaves_the_letters_as_they_are(shop: Shop, receiver: Receiver) -> None:
    receiver.answer = refusing(set(shop.events()[5:8]))
    shop.deliver(settings("soc", receiver.url))
    before = letters(shop)
    receiver.answer = lambda _number, _documents: (401, {}, b"")
    with shop.open() as workshop:
        workshop.destinations = [settings("soc", receiver.url)]
        (report,) = retry(workshop, ["soc"], patience=QUICK, load=lambda _type: plain())
    assert report.stopped is not None
    assert letters(shop) == before


def test_a_replay_sends_a_window_again_and_leaves_the_position(shop: Shop, receiver: Receiver) -> None:
    one = settings("soc", receiver.url, slice="type <> 'claude_chat_viewed'")
    shop.deliver(one)
    before, position = Counter(receiver.ids()), shop.state().served()["soc"].position
    with shop.open() as workshop:
        workshop.destinations = [one]
        window = Window(midnight(NEXT.replace(day=19)), midnight(NEXT))
        report = replay(workshop, "soc", window, patience=QUICK, load=lambda _type: plain())
    again = Counter(receiver.ids()) - before
    day = "created_at >= timestamptz '2026-11-19' and created_at < timestamptz '2026-11-20'"
    wanted = shop.events(f"type <> 'claude_chat_viewed' and {day}")
    assert sorted(again.elements()) == wanted
    assert report.delivered == len(wanted) > 0
    assert shop.state().served()["soc"].position == position
