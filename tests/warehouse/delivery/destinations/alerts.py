"""A made-up alert."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from warehouse.delivery.mappings.alert import CanonicalAlert, canonical_alert


def alert(events: Sequence[Any], identity: str = "alert_0001") -> CanonicalAlert:
    """An alert over some canonical events, found just now."""
    now = datetime.now(UTC)
    row = {
        "alert_id": identity,
        "rule_id": "6e2f0a3c-0000-4000-8000-000000000001",
        "rule_version": "1",
        "title": "Many failed sign-ins",
        "severity": "high",
        "first_at": now,
        "last_at": now,
        "detected_at": now,
        "event_ids": [one.event_id for one in events],
        "entities": {"actor_email": "person1@example.com"},
    }
    return canonical_alert(row, events)
