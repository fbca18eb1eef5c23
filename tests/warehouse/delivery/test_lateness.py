"""What is late is judged by the time that the receiver would file it under."""

from datetime import timedelta
from types import SimpleNamespace
from typing import Any

from tests.warehouse.delivery.destinations.rig import alert, events, iso, just_now, settings
from tests.warehouse.delivery.mappings.rows import record, rows
from warehouse.delivery.destinations import datadog
from warehouse.delivery.engine import Chunk, Run, Target
from warehouse.delivery.mappings.canonical import canonical_events
from warehouse.delivery.positions import BEGINNING, Position


def noted(*batch: Any) -> list[str | None] | None:
    """What the receipts of these events would say of their time, at Datadog, which takes 18 hours."""
    book: Any = SimpleNamespace(begun=BEGINNING, ahead=(), passed=0, served=None)
    target = Target("soc", "datadog", "all", datadog, settings("datadog", {"api_key": "fake"}))
    count = len(batch)
    numbers = list(range(count))
    chunk = Chunk(
        ["a"] * count, [1] * count, [1] * count, numbers, [None] * count, batch, Position(1, count), count
    )
    _, notes, aside = Run(target, book)._encoded(chunk)
    assert not aside
    return notes


def test_an_event_is_late_by_its_own_time() -> None:
    (fresh,) = events(1)
    (old,) = events(1, created_at=iso(just_now(hours=20)))
    assert noted(fresh, old) == [None, "restamped"]


def test_an_event_whose_record_tells_no_time_is_late_by_when_it_was_seen() -> None:
    (timeless,) = canonical_events(rows(record(created_at="some day")))  # seen on 2026-11-23
    assert timeless.event_us is None
    assert noted(timeless) == ["restamped"]


def test_an_alert_about_old_events_is_as_fresh_as_its_detection() -> None:
    of = events(2, created_at=iso(just_now(days=9)))
    past = just_now() - timedelta(days=9)
    assert noted(alert(of, first_at=past, last_at=past)) is None
