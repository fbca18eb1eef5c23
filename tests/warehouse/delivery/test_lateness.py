"""What is late is judged by the time that the receiver would file it under."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.warehouse.delivery.destinations.rig import alert, events, iso, just_now, settings
from tests.warehouse.delivery.mappings.rows import record, rows
from warehouse.delivery.destinations import datadog
from warehouse.delivery.encoding import Encoding
from warehouse.delivery.late import LatePolicy
from warehouse.delivery.mappings.canonical import canonical_events
from warehouse.delivery.port import Late, Refused


def encoding(policy: Late | None = None) -> Encoding:
    """For Datadog, which takes 18 hours."""
    late = LatePolicy.of(datadog.LIMITS, policy)
    return Encoding(datadog, settings("datadog", {"api_key": "fake"}), late, 1_000_000)


def noted(*batch: Any) -> list[str | None] | None:
    """What the receipts of these events would say of their time."""
    _, notes, aside = encoding().frames(batch, datetime.now(UTC))
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


def test_a_late_event_goes_out_under_the_present_time_with_its_own_beside_it() -> None:
    now = datetime.now(UTC)
    (fresh,), (old,) = events(1), events(1, created_at=iso(just_now(hours=20)))
    frames, _, _ = encoding().frames([fresh, old], now)
    found = [json.loads(frame) for frame in frames]
    assert [one["event_time"] for one in found] == [fresh.event_time, old.event_time]
    assert [one["timestamp"] for one in found] == [fresh.stamp_us // 1000, int(now.timestamp() * 1000)]


def test_a_late_event_that_is_to_be_skipped_is_not_encoded_and_its_neighbours_are() -> None:
    (fresh,), (old,) = events(1), events(1, created_at=iso(just_now(hours=20)))
    frames, notes, aside = encoding("skip").frames([old, fresh], datetime.now(UTC))
    assert (frames[0], notes, list(aside), aside[0].status) == (b"", None, [0], "skipped")
    assert "17:00:00" in (aside[0].reason or "")
    assert json.loads(frames[1])["event_id"] == fresh.event_id


def test_an_event_that_is_gone_from_the_archive_is_dead_whatever_the_policy() -> None:
    (fresh,) = events(1)
    _, _, aside = encoding().frames([Refused(reason="is not in the archive any more"), fresh], datetime.now(UTC))
    assert {place: (one.status, one.reason) for place, one in aside.items()} == {
        0: ("dead", "is not in the archive any more")
    }
