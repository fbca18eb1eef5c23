"""What a run leaves on record that could not read, or not write: what is so, and no event is lost."""

import duckdb
import pytest

from assets.delivery_again import retry
from tests.delivery.conftest import QUICK, Shop
from tests.delivery.receiver import Receiver, plain, settings
from tests.delivery.test_faults import letters, refusing
from warehouse.delivery.chunk import Report


def send_again(shop: Shop, receiver: Receiver) -> list[Report]:
    with shop.open() as workshop:
        workshop.destinations = [settings("soc", receiver.url)]
        return retry(workshop, ["soc"], patience=QUICK, load=lambda _type: plain())


def test_a_retry_that_cannot_read_the_events_leaves_the_dead_letters_open(shop: Shop, receiver: Receiver) -> None:
    poison = set(shop.events()[5:8])
    receiver.answer = refusing(poison)
    shop.deliver(settings("soc", receiver.url))
    before = letters(shop)
    receiver.answer = lambda _number, _documents: (200, {}, b"")
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
