"""What a run leaves on record that could not read, or not write: what is so, and no event is lost."""

import time
from datetime import datetime
from typing import Any

import duckdb
import pytest

from assets.delivering import deliver
from assets.delivery_again import retry
from tests.delivery.conftest import QUICK, Shop
from tests.delivery.receiver import Answer, Receiver, plain, settings
from tests.delivery.test_faults import OK, letters, refusing
from tests.promises.mortal import Counted, give
from warehouse.archive.errors import StoreUnreachable
from warehouse.archive.local import LocalStore
from warehouse.archive.store import Exists, Stored
from warehouse.delivery import engine
from warehouse.delivery.chunk import Report
from warehouse.delivery.port import Limits


class FailsOnce(Counted):
    """Does not answer one put: the first under a folder."""

    def __init__(self, store: LocalStore, folder: str) -> None:
        super().__init__(store)
        self.folder: str | None = folder

    def put_if_absent(self, key: str, data: bytes, retain_until: datetime | None) -> Stored | Exists:
        if self.folder is not None and key.startswith(self.folder):
            self.folder = None
            raise StoreUnreachable("no answer, this once")
        return super().put_if_absent(key, data, retain_until)


def send_again(shop: Shop, receiver: Receiver) -> list[Report]:
    with shop.open() as workshop:
        workshop.destinations = [settings("soc", receiver.url)]
        return retry(workshop, ["soc"], patience=QUICK, load=lambda _type: plain())


def test_a_retry_that_cannot_read_the_events_leaves_the_dead_letters_open(shop: Shop, receiver: Receiver) -> None:
    poison = set(shop.events()[5:8])
    receiver.answer = refusing(poison)
    shop.deliver(settings("soc", receiver.url))
    before = letters(shop)
    receiver.answer = lambda _number, _documents: OK
    files = sorted((shop.site.root / "tables").rglob("*.parquet"))
    away = [path.rename(path.with_suffix(".away")) for path in files]
    with pytest.raises(duckdb.Error):
        send_again(shop, receiver)
    for path in away:
        path.rename(path.with_suffix(".parquet"))
    assert letters(shop) == before
    (report,) = send_again(shop, receiver)
    assert (report.delivered, letters(shop)) == (3, [])
    assert poison <= set(receiver.ids())


@pytest.mark.parametrize("folder", ["receipts/", "dead_letters/", "log/checkpoint/"])
def test_what_an_entry_was_to_say_that_could_not_be_written_is_sent_again_and_on_record_then(
    shop: Shop, receiver: Receiver, monkeypatch: pytest.MonkeyPatch, folder: str
) -> None:
    monkeypatch.setattr(engine, "ENTRY_SECONDS", 0.05)
    events = shop.events()
    poison = set(events[::40])
    refused = refusing(poison)

    def slowly(number: int, documents: list[dict[str, Any]]) -> Answer:
        time.sleep(0.05)
        return refused(number, documents)

    receiver.answer = slowly
    few = plain(limits=Limits(events=20, raw=10**6, separator=1, concurrency=3))
    with shop.open() as workshop:
        workshop.destinations = [settings("soc", receiver.url)]
        give(workshop, FailsOnce(workshop.archive.store, folder))
        with pytest.raises(StoreUnreachable, match="this once"):
            deliver(workshop, load=lambda _type: few, patience=QUICK)
    receiver.answer = refused
    shop.deliver(settings("soc", receiver.url))
    assert {one for letter in letters(shop) for one in letter["event_ids"]} == poison
    on_record = shop.site.sql("select event_id, status from deliveries where entry_seq is not null order by 1")
    assert on_record == [(one, "dead" if one in poison else "delivered") for one in events]
