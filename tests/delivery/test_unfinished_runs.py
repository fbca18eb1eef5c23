"""What a run leaves on record that could not read, or not write: what is so, and no event is lost."""

import os
import signal
import time
from datetime import datetime
from typing import Any

import duckdb
import pytest

from assets.delivering import deliver
from assets.delivery_again import replay, retry
from tests.delivery.conftest import FIRST, NEXT, QUICK, Shop
from tests.delivery.receiver import Answer, Receiver, plain, settings
from tests.delivery.test_faults import OK, letters, refusing
from tests.promises.mortal import Counted, give
from warehouse.archive.errors import StoreUnreachable
from warehouse.archive.local import LocalStore
from warehouse.archive.store import Exists, Stored
from warehouse.delivery import engine
from warehouse.delivery.chunk import Report
from warehouse.delivery.port import Limits
from warehouse.wire.times import midnight
from warehouse.wire.windows import Window


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


class Interrupted(Counted):
    """Ctrl-C while the so-and-so-many-th file of dead letters is read, which takes its time."""

    def __init__(self, store: LocalStore, at: int) -> None:
        super().__init__(store)
        self.left = at

    def get(self, key: str, version_id: str | None = None) -> bytes:
        if key.startswith("dead_letters/"):
            self.left -= 1
            if not self.left:
                time.sleep(0.3)  # until whoever waits for this thread does
                os.kill(os.getpid(), signal.SIGINT)
                time.sleep(0.5)
        return super().get(key, version_id)


def send_again(shop: Shop, receiver: Receiver, *, interrupted_at: int | None = None) -> list[Report]:
    with shop.open() as workshop:
        workshop.destinations = [settings("soc", receiver.url)]
        if interrupted_at is not None:
            give(workshop, Interrupted(workshop.archive.store, interrupted_at))
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


@pytest.mark.parametrize("file", [1, 2])
def test_an_interrupt_while_letters_are_read_sends_nothing_more(shop: Shop, receiver: Receiver, file: int) -> None:
    receiver.answer = refusing(set(shop.events()[5:8]))
    shop.deliver(settings("soc", receiver.url))
    with shop.open() as workshop:
        workshop.destinations = [settings("soc", receiver.url)]
        window = Window(midnight(FIRST), midnight(NEXT))
        replay(workshop, "soc", window, patience=QUICK, load=lambda _type: plain())
    before = letters_by_file(shop)
    assert len(before) == 2
    receiver.answer = lambda _number, _documents: OK
    sent = len(receiver.ids())
    usual = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt):
            send_again(shop, receiver, interrupted_at=file)
    finally:
        signal.signal(signal.SIGINT, usual)
    assert letters_by_file(shop) == before[file - 1 :]
    assert len(receiver.ids()) - sent == sum(before[: file - 1])


def letters_by_file(shop: Shop) -> list[int]:
    return [file.rows for file in shop.state().served()["soc"].dead]
