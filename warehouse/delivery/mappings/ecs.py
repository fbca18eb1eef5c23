"""Elastic Common Schema 9: `ecs.csv` says the category and type of each event type (reference 3.5).

Promise: every field is an ECS field, or stands under `anthropic`. `event.action` is the vendor's type.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import msgspec

from warehouse.delivery.mappings.address import is_address
from warehouse.delivery.mappings.alert import CanonicalAlert, more
from warehouse.delivery.mappings.canonical import MAPPING_VERSION, SOURCE, CanonicalEvent, given
from warehouse.delivery.mappings.tables import TypeTable, outcomes, severities

VERSION: Final = "9.5.0"
MODULE: Final = "anthropic"
DATASET: Final = "anthropic.audit"  # with the default data stream: logs-anthropic.audit-default


def _ready(value: Any) -> msgspec.Raw:
    """A part that never changes, written once: most of the time goes into writing, not into making documents."""
    return msgspec.Raw(msgspec.json.encode(value))


_ECS: Final = _ready({"version": VERSION})
_OBSERVER: Final = _ready({"vendor": "Anthropic", "product": "Claude"})
_OUTCOME: Final = outcomes("ecs")
_TAGGED: Final = _ready(["unknown_event"])


class _Row(NamedTuple):
    category: msgspec.Raw
    type: msgspec.Raw


ROWS: Final = TypeTable(
    "ecs", lambda row: _Row(_ready(row["category"].split("|")), _ready(row["event_type"].split("|")))
)
_SEVERITY: Final = {name: int(number) for name, number in severities("ecs").items()}


def to_ecs(event: CanonicalEvent) -> dict[str, Any]:
    """One event as an ECS document; its `_id` is `document_id`, so that a resend is refused as held already."""
    row = ROWS[event.type]
    known = event.kind.taken
    subject = event.subject
    who = event.actor_email or event.actor_id
    thing: dict[str, Any] = {"type": known.object}
    if subject.object_id is not None:
        thing["id"] = subject.object_id
    if subject.object_name is not None:
        thing["name"] = subject.object_name
    vendor: dict[str, Any] = {
        "source": SOURCE,
        "mapping_version": MAPPING_VERSION,
        "category": known.category,
        "verb": known.verb,
        "outcome": event.outcome,
        "severity": event.severity,
        "object": thing,
        "unknown_event": event.unknown_event,
        "archive": {"commit_seq": event.commit_seq, "version": event.version, "fold": event.fold},
        "record": event.raw,
    }
    document: dict[str, Any] = {
        "@timestamp": event.stamp,
        "ecs": _ECS,
        "message": f"{who or event.actor_type}: {event.type} ({event.outcome})",
        "event": {
            "id": event.event_id,
            "kind": "event",
            "category": row.category,
            "type": row.type,
            "outcome": _OUTCOME[event.outcome],
            "action": event.type,
            "severity": _SEVERITY[event.severity],
            "module": MODULE,
            "dataset": DATASET,
        },
        "observer": _OBSERVER,
        "anthropic": vendor,
    }
    if event.actor_type is not None:
        vendor["actor_type"] = event.actor_type
    if event.event_time is not None:
        vendor["event_time"] = event.event_time
    if event.unknown_event:
        document["tags"] = _TAGGED
    if event.unknown_fields:
        vendor["unknown_fields"] = event.unknown_fields
    user: dict[str, Any] = {}
    users = []
    if event.actor_id is not None:
        user["id"] = event.actor_id
        users.append(event.actor_id)
    if event.actor_email is not None:
        user["email"] = event.actor_email
        users.append(event.actor_email)
    if who is not None:
        user["name"] = who
    if subject.user_id is not None or subject.user_email is not None:
        user["target"] = target = given(id=subject.user_id, email=subject.user_email)
        users += target.values()
    if user:
        document["user"] = user
    related: dict[str, Any] = {}
    if users:
        related["user"] = users
    if event.client_ip is not None:
        if is_address(event.client_ip):
            document["source"] = {"address": event.client_ip, "ip": event.client_ip}
            related["ip"] = [event.client_ip]
        else:
            document["source"] = {"address": event.client_ip}
    if related:
        document["related"] = related
    _add_rest(document, event)
    return document


def _add_rest(document: dict[str, Any], event: CanonicalEvent) -> None:
    """What stands by itself: agent, organisation, group, file."""
    subject = event.subject
    if event.user_agent is not None:
        document["user_agent"] = {"original": event.user_agent}
    if event.organization_uuid is not None:
        document["organization"] = {"id": event.organization_uuid}
    if subject.group_id is not None:
        document["group"] = {"id": subject.group_id}
    if subject.object_name is not None and event.kind.taken.category == "file":
        document["file"] = {"name": subject.object_name}


def to_ecs_alert(alert: CanonicalAlert) -> dict[str, Any]:
    """One alert as an ECS document of kind `alert`; its events' ids are in `anthropic.alert.event_ids`."""
    users = sorted({text for event in alert.events for text in (event.actor_id, event.actor_email) if text})
    addresses = sorted({e.client_ip for e in alert.events if e.client_ip is not None and is_address(e.client_ip)})
    document: dict[str, Any] = {
        "@timestamp": alert.stamp,
        "ecs": _ECS,
        "message": alert.title,
        "event": {
            "id": alert.alert_id,
            "kind": "alert",
            "category": ["intrusion_detection"],
            "type": ["info"],
            "action": alert.rule_id,
            "severity": int(severities("ecs")[alert.severity]),
            "module": MODULE,
            "dataset": DATASET,
            "start": alert.first_at,
            "end": alert.last_at,
        },
        "rule": {"id": alert.rule_id, "name": alert.title, "version": alert.rule_version},
        "observer": _OBSERVER,
        "anthropic": {
            "source": SOURCE,
            "mapping_version": MAPPING_VERSION,
            "severity": alert.severity,
            "event_time": alert.event_time,
            "alert": {
                "detected_at": alert.detected_at,
                "event_ids": alert.event_ids,
                # one flattened field, which takes an object only
                "entities": alert.entities if isinstance(alert.entities, dict) else {"value": alert.entities},
                **more(alert),
                "event_types": sorted({event.type for event in alert.events}),
            },
        },
    }
    related = given(user=users or None, ip=addresses or None)
    if related:
        document["related"] = related
    return document
