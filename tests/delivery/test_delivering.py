"""From the archive to a receiver over real HTTP: what arrives, what is on record, where the position stands."""

import json
from collections import Counter
from collections.abc import Callable

import duckdb
import pytest

from assets import delivery_rows
from tests.delivery.conftest import Shop
from tests.delivery.receiver import Answer, Receiver, settings
from tests.delivery.test_faults import OK, letters
from warehouse.archive.verify import verify
from warehouse.delivery.receipts import from_parquet


def receipts(shop: Shop) -> list[dict[str, object]]:
    found = []
    for path in sorted((shop.site.root / "receipts").rglob("*.parquet")):
        found += from_parquet(path.read_bytes()).to_pylist()
    return found


def test_every_archived_event_arrives_once_with_a_receipt_and_a_checkpoint_goes_along(
    shop: Shop, receiver: Receiver
) -> None:
    report = shop.deliver(settings("soc", receiver.url))["soc"]
    events = shop.events()
    assert sorted(receiver.ids()) == events
    assert (report.selected, report.delivered, report.dead) == (len(events), len(events), 0)
    assert report.stopped is None
    kept = [one for one in receipts(shop) if one["entry_seq"] is not None]
    assert sorted(one["event_id"] for one in kept) == events  # type: ignore[type-var]
    assert {one["status"] for one in kept} == {"delivered"}
    (checkpoint,) = receiver.checkpoints()
    told = checkpoint["raw"]
    assert told["note"].split("\n")[:3] == [told["origin"], str(told["size"]), told["root"]]
    assert report.checkpoint == told["size"]
    served = shop.state().served()["soc"]
    assert served.passed == len(events)
    assert verify(shop.site.store(), deep=True).findings == []


def test_who_asks_for_one_destination_or_some_days_opens_their_receipts_and_no_other(
    shop: Shop, receivers: Callable[[], Receiver]
) -> None:
    shop.deliver(settings("siem", receivers().url), settings("soc", receivers().url))
    (day,) = {path.parent.name.removeprefix("dt=") for path in (shop.site.root / "receipts").rglob("*.parquet")}
    known = shop.site.sql(
        "select destination, cast(dt as varchar), count(*) from deliveries group by 1, 2 order by 1"
    )
    assert [row[:2] for row in known] == [("siem", day), ("soc", day)]
    # the first file of all is read for its columns; another that is opened makes the question fail
    for path in (shop.site.root / "receipts/soc").rglob("*.parquet"):
        path.chmod(0o644)
        path.write_bytes(b"damaged")
    with pytest.raises(duckdb.Error):
        shop.site.sql("select count(*) from deliveries")
    asked = "select count(*) from deliveries where "
    assert shop.site.sql(f"{asked} destination = 'siem' and status = 'delivered'") == [(known[0][2],)]
    assert shop.site.sql(f"{asked} dt < date '{day}' and status = 'delivered'") == [(0,)]


def test_a_second_run_sends_nothing_and_writes_nothing(shop: Shop, receiver: Receiver) -> None:
    shop.deliver(settings("soc", receiver.url))
    arrived, size = len(receiver.stored), shop.state().size
    report = shop.deliver(settings("soc", receiver.url))["soc"]
    assert (report.selected, len(receiver.stored), shop.state().size) == (0, arrived, size)


def test_what_is_pulled_later_is_sent_then_and_nothing_twice(shop: Shop, receiver: Receiver) -> None:
    shop.deliver(settings("soc", receiver.url))
    shop.pull_more()
    shop.deliver(settings("soc", receiver.url))
    assert sorted(receiver.ids()) == shop.events()


def test_a_run_whose_time_is_over_leaves_the_rest_to_the_next_and_each_gets_on(
    shop: Shop, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delivery_rows, "ROWS_AT_ONCE", 60)
    events, before = shop.events(), 0
    while before < len(events):
        report = shop.deliver(settings("soc", receiver.url), most_seconds=0)["soc"]
        assert 0 < report.delivered <= 60
        assert report.stopped is None
        before += report.delivered
    assert sorted(receiver.ids()) == events


def test_destinations_take_different_slices_each_from_its_own_position(
    shop: Shop, receivers: Callable[[], Receiver]
) -> None:
    everything, some = receivers(), receivers()
    condition = "type = 'claude_chat_created' or unknown_event"
    reports = shop.deliver(
        settings("cheap", everything.url), settings("soc", some.url, slice=condition, batch_events=7)
    )
    assert sorted(everything.ids()) == shop.events()
    assert sorted(some.ids()) == shop.events(condition)
    assert 0 < len(some.ids()) < len(everything.ids())
    assert reports["soc"].position == reports["cheap"].position


def test_a_later_destination_begins_at_the_beginning(shop: Shop, receivers: Callable[[], Receiver]) -> None:
    first, second = receivers(), receivers()
    shop.deliver(settings("soc", first.url))
    shop.pull_more()
    shop.deliver(settings("soc", first.url), settings("lake", second.url))
    assert sorted(first.ids()) == sorted(second.ids()) == shop.events()


def test_the_order_of_the_log_is_kept_where_one_request_goes_at_a_time(shop: Shop, receiver: Receiver) -> None:
    from tests.delivery.receiver import plain
    from warehouse.delivery.port import Limits

    one = plain(limits=Limits(events=20, raw=100_000, separator=1, concurrency=1))
    shop.deliver(settings("soc", receiver.url), modules={"plain": one})
    order = [
        row[0] for row in shop.site.sql("select id from audit_event_versions order by commit_seq, page, position")
    ]
    assert receiver.ids() == order


def test_receipts_carry_what_the_receiver_said_and_how_old_each_event_was(shop: Shop, receiver: Receiver) -> None:
    shop.deliver(settings("soc", receiver.url))
    kept = receipts(shop)
    assert {one["ack"] for one in kept} == {"ok 200"}
    assert all(one["age_seconds"] > 0 for one in kept if one["entry_seq"] is not None)  # type: ignore[operator]
    batches = Counter(one["batch_id"] for one in kept)
    assert len(batches) == len(receiver.requests)
    assert json.dumps(kept, default=str).count(receiver.url) == 0


def test_a_destination_that_halts_among_the_first_of_many_commits_has_a_position_there(
    shop: Shop, receiver: Receiver
) -> None:
    shop.pull_more()  # several commits, which are read together
    receiver.answer = lambda _number, _documents: (403, {}, b"")
    report = shop.deliver(settings("soc", receiver.url))["soc"]
    assert report.stopped is not None
    assert report.stopped.halted
    served = shop.state().served()["soc"]
    assert (served.passed, report.delivered) == (0, 0)
    receiver.answer = lambda _number, _documents: (200, {}, b"")
    shop.deliver(settings("soc", receiver.url))
    assert sorted(receiver.ids()) == shop.events()


def test_alerts_go_out_with_their_events_and_each_once(shop: Shop, receivers: Callable[[], Receiver]) -> None:
    from tests.delivery.receiver import alerts_module

    receiver, one_rule = receivers(), receivers()
    module = {"plain": alerts_module()}
    shop.deliver(settings("soc", receiver.url, slice="alerts"), modules=module)
    raised = shop.site.sql("select alert_id, version, rule_id, len(event_ids) from alert_versions order by 1, 2")
    arrived = [one for one in receiver.stored if "alert_id" in one]
    assert sorted((one["alert_id"], one["version"]) for one in arrived) == [row[:2] for row in raised]
    assert len(raised) > 0
    assert {one["alert_id"]: len(one["events"]) for one in arrived} == {row[0]: row[3] for row in raised}
    rule = raised[0][2]
    shop.deliver(
        settings("soc", receiver.url, slice="alerts"), settings("one", one_rule.url, slice=rule), modules=module
    )
    assert [one for one in receiver.stored if "alert_id" in one] == arrived
    assert {one["rule_id"] for one in one_rule.stored if "alert_id" in one} == {rule}
    kept = shop.site.sql("select event_id from deliveries where destination = 'soc' and entry_seq is not null")
    assert sorted(kept) == sorted((row[0],) for row in raised)


def test_a_checkpoint_that_is_refused_is_on_record_and_no_dead_letter(shop: Shop, receiver: Receiver) -> None:
    def answer(_number: int, documents: list[dict[str, object]]) -> Answer:
        return (400, {}, b"") if any(one["type"] == "ledgerline_checkpoint" for one in documents) else OK

    receiver.answer = answer
    report = shop.deliver(settings("soc", receiver.url))["soc"]
    assert (report.delivered, report.dead, report.checkpoint) == (len(shop.events()), 0, None)
    assert (letters(shop), shop.state().served()["soc"].dead_letters) == ([], 0)
    (refused,) = [one for one in receipts(shop) if one["status"] == "dead"]
    assert str(refused["event_id"]).startswith("ledgerline_checkpoint/")
    assert refused["reason"] == "answered 400"
