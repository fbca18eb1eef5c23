"""`deliver`, `replay`, `dead-letters` and `status` as a person or a script calls them, over a real webhook."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from assets.delivery_preview import Preview, preview
from tests.delivery.conftest import Command, Shop
from tests.delivery.receiver import Receiver, plain, receiving, settings


@pytest.fixture
def webhook() -> Iterator[Receiver]:
    with receiving() as receiver:
        yield receiver


def configured(shop: Shop, *tables: str) -> None:
    path = shop.site.folder / "ledgerline.toml"
    path.write_text(path.read_text() + "\n" + "\n".join(tables))


def table(name: str, url: str, slice: str = "all") -> str:
    return (
        f'[[destinations]]\nname = "{name}"\ntype = "webhook"\nbody = "ndjson"\nslice = "{slice}"\nurl = "{url}"\n'
    )


def ids(receiver: Receiver) -> list[str]:
    return sorted(one["event_id"] for one in receiver.stored if one.get("type") != "ledgerline_checkpoint")


def test_the_whole_life_of_a_destination_by_command(shop: Shop, webhook: Receiver, ledgerline: Command) -> None:
    site, events = shop.site, shop.events()
    configured(shop, table("soc", webhook.url))
    preview = ledgerline(site, "deliver", "--dry-run", "--json")
    assert preview.code == 0
    (would,) = preview.json()["destinations"]
    assert (would["selected"], webhook.requests) == (len(events), [])
    assert sum(would["types"].values()) == len(events)
    poison = events[3]
    webhook.answer = lambda _n, documents: (
        (400, {}, b"no") if any(one["event_id"] == poison for one in documents) else (200, {}, b"")
    )
    done = site.run("deliver", "--json")  # a process of its own, as a scheduler has it
    assert done.code == 1
    (one,) = done.json()["destinations"]
    promised = {"name", "slice", "selected", "delivered", "retried", "dead", "position", "checkpoint"}
    assert promised <= set(one)
    assert (one["selected"], one["delivered"], one["dead"]) == (len(events), len(events) - 1, 1)
    letters = ledgerline(site, "dead-letters", "soc", "--json")
    assert letters.code == 1
    (letter,) = letters.json()
    assert set(letter) == {"destination", "batch_id", "event_ids", "status", "reason", "first_at", "attempts"}
    assert letter["event_ids"] == [poison]
    status = ledgerline(site, "status", "--json").json()
    (seen,) = status["destinations"]
    assert (seen["name"], seen["behind"], seen["dead"]) == ("soc", 0, 1)
    assert seen["position"] == one["position"]
    assert {"dead_letters"} <= {finding["code"] for finding in status["findings"]}
    webhook.answer = lambda _n, _documents: (200, {}, b"")
    assert ledgerline(site, "dead-letters", "soc", "--retry").code == 0
    assert ids(webhook) == events
    assert ledgerline(site, "dead-letters").code == 0
    again = ledgerline(site, "replay", "soc", "--from", "2026-11-19", "--to", "2026-11-20", "--json")
    assert again.code == 0
    assert len(ids(webhook)) == len(events) + again.json()["destinations"][0]["delivered"]
    assert ledgerline(site, "deliver").out == "soc: nothing is due\n"
    assert ledgerline(site, "verify", "--json").json()["findings"] == []


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["deliver", "sox"], "Did you mean soc?"),
        (["dead-letters", "sox"], "Did you mean soc?"),
        (["replay", "sox", "--from", "2026-11-19", "--to", "2026-11-20"], "Did you mean soc?"),
        (["deliver", "--dry-run", "--follow"], "exclude each other"),
    ],
)
def test_what_cannot_be_run_ends_with_2_and_says_what_would_do(
    shop: Shop, arguments: list[str], said: str, ledgerline: Command
) -> None:
    configured(shop, table("soc", "http://127.0.0.1:9"))
    ended = ledgerline(shop.site, *arguments)
    assert ended.code == 2
    assert said in ended.err


@pytest.mark.parametrize(
    "slice", ["drop table audit_events", "typ = 'a'", "type in (select 1)", "type > created_at"]
)
def test_a_slice_that_is_none_is_refused_before_anything_is_sent(
    shop: Shop, webhook: Receiver, slice: str, ledgerline: Command
) -> None:
    configured(shop, table("soc", webhook.url, slice))
    ended = ledgerline(shop.site, "deliver")
    assert ended.code in (1, 2)
    assert webhook.requests == []
    assert "slice" in ended.err + ended.out


def test_a_refused_slice_is_told_with_the_name_of_its_destination(
    shop: Shop, webhook: Receiver, ledgerline: Command
) -> None:
    configured(shop, table("lake", webhook.url), table("soc", webhook.url, "select where from"))
    ended = ledgerline(shop.site, "deliver")
    assert ended.code == 2
    assert "destination soc: the slice 'select where from' is not SQL" in ended.err
    assert "<class" not in ended.err


def test_a_dry_run_goes_on_past_a_condition_that_an_event_cannot_be_asked(
    shop: Shop, webhook: Receiver, ledgerline: Command
) -> None:
    configured(
        shop,
        table("odd", webhook.url, "created_at > 'banana'"),
        table("lake", webhook.url),
    )
    ended = ledgerline(shop.site, "deliver", "--dry-run", "--json")
    odd, lake = ended.json()["destinations"]
    assert "cannot be asked of audit_events" in odd["stopped"]
    assert lake["selected"] == len(shop.events())


def test_a_dry_run_tells_what_a_day_brings_when_nothing_is_due(shop: Shop, receiver: Receiver) -> None:
    one = settings("lake", receiver.url)

    def previewed() -> Preview:
        with shop.open() as workshop:
            workshop.destinations = (one,)
            workshop.clock = lambda: datetime(2026, 11, 22, 12, tzinfo=UTC)
            (found,) = preview(workshop, ["lake"], load=lambda _type: plain())
        return found

    before = previewed()
    shop.deliver(one)
    after = previewed()
    assert (before.selected, after.selected) == (len(shop.events()), 0)
    assert after.daily_bytes == before.daily_bytes > 0


def test_without_a_destination_there_is_nothing_to_deliver(shop: Shop, ledgerline: Command) -> None:
    ended = ledgerline(shop.site, "deliver", "--json")
    assert ended.code == 2
    assert json.loads(ended.out)["error"]["kind"] == "configuration"


def test_two_destinations_with_one_name_are_refused_with_the_line(
    shop: Shop, webhook: Receiver, ledgerline: Command
) -> None:
    configured(shop, table("soc", webhook.url), table("soc", webhook.url))
    ended = ledgerline(shop.site, "deliver")
    assert ended.code == 2
    assert "is taken by the destination in line" in ended.err


def test_a_url_with_a_credential_is_never_printed(shop: Shop, ledgerline: Command) -> None:
    configured(shop, table("soc", "https://anna:hunter2hunter2@siem.example.com"))
    for arguments in (["deliver"], ["status"], ["doctor"]):
        ended = ledgerline(shop.site, *arguments)
        assert ended.code == 2
        assert "hunter2" not in ended.out + ended.err


@pytest.mark.slow
def test_a_receiver_that_is_not_there_stops_the_run_with_1_and_loses_nothing(
    shop: Shop, ledgerline: Command
) -> None:
    configured(shop, table("soc", "https://nowhere.invalid"))
    ended = ledgerline(shop.site, "deliver", "--json")
    assert ended.code == 1
    (one,) = ended.json()["destinations"]
    assert "no connection" in one["stopped"]
    assert one["dead"] == 0
