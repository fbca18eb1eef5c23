"""Datadog's standard attributes: `datadog.csv` says `evt.category` of each type (reference 2.5).

Promise: `status` follows the severity, `timestamp` is in milliseconds, and `message` is always there. Tags,
service and host are the destination's own.
"""

from __future__ import annotations

from typing import Any, Final

from warehouse.delivery.mappings.alert import CanonicalAlert, more
from warehouse.delivery.mappings.canonical import MAPPING_VERSION, SOURCE, CanonicalEvent, given, to_canonical
from warehouse.delivery.mappings.tables import TypeTable, outcomes, severities

VERSION: Final = "2026"
DDSOURCE: Final = "anthropic"

ROWS: Final = TypeTable("datadog", lambda row: row["evt_category"])
_OUTCOME: Final = outcomes("datadog")
_STATUS: Final = severities("datadog")


def to_datadog(event: CanonicalEvent) -> dict[str, Any]:
    """One event as a log for the Logs intake, without `ddtags`, `service` and `hostname`."""
    known = event.kind.taken
    subject = event.subject
    who = event.actor_email or event.actor_id or event.actor_type
    thing: dict[str, Any] = {"type": known.object}
    if subject.object_id is not None:
        thing["id"] = subject.object_id
    if subject.object_name is not None:
        thing["name"] = subject.object_name
    document: dict[str, Any] = {
        "ddsource": DDSOURCE,
        "message": f"{who}: {event.type} ({event.outcome})",
        "status": _STATUS[event.severity],
        "timestamp": event.stamp_us // 1000,
        "event_id": event.event_id,
        "event_time": event.event_time,
        "source_label": SOURCE,
        "mapping_version": MAPPING_VERSION,
        "evt": {
            "name": event.type,
            "category": ROWS[event.type],
            "outcome": _OUTCOME[event.outcome],
            "verb": known.verb,
        },
        "category": known.category,
        "severity": event.severity,
        "object": thing,
        "unknown_event": event.unknown_event,
        "archive": {"commit_seq": event.commit_seq, "version": event.version, "fold": event.fold},
        "record": event.raw,
    }
    if event.event_time is None:
        del document["event_time"]
    if who is not None:
        document["usr"] = given(
            id=event.actor_id, email=event.actor_email, name=event.actor_email, type=event.actor_type
        )
    if event.client_ip is not None:
        document["network"] = {"client": {"ip": event.client_ip}}
    if event.user_agent is not None:
        document["http"] = {"useragent": event.user_agent}
    if event.organization_uuid is not None:
        document["organization"] = {"id": event.organization_uuid}
    if subject.user_id or subject.user_email or subject.group_id:
        document["target"] = given(
            user_id=subject.user_id, user_email=subject.user_email, group_id=subject.group_id
        )
    if event.unknown_fields:
        document["unknown_fields"] = event.unknown_fields
    return document


def to_datadog_alert(alert: CanonicalAlert) -> dict[str, Any]:
    """One alert as a log; its canonical events under `events`."""
    first = alert.events[0] if alert.events else None
    document: dict[str, Any] = {
        "ddsource": DDSOURCE,
        "message": alert.title,
        "status": _STATUS[alert.severity],
        "timestamp": alert.stamp_us // 1000,
        "event_id": alert.alert_id,
        "event_time": alert.event_time,
        "source_label": SOURCE,
        "mapping_version": MAPPING_VERSION,
        "evt": {"name": alert.rule_id, "category": "alert"},
        "severity": alert.severity,
        "rule": {"id": alert.rule_id, "name": alert.title, "version": alert.rule_version},
        "first_at": alert.first_at,
        "last_at": alert.last_at,
        "detected_at": alert.detected_at,
        "event_ids": alert.event_ids,
        "entities": alert.entities,
        "alert": more(alert),
        "events": [to_canonical(event) for event in alert.events],
    }
    if first is not None:
        usr = given(id=first.actor_id, email=first.actor_email, type=first.actor_type)
        if usr:
            document["usr"] = usr
        if first.client_ip is not None:
            document["network"] = {"client": {"ip": first.client_ip}}
    return document
