"""Splunk's Common Information Model: `cim.csv` says the data model, tags and action of each type (reference 1.9).

Promise: the event carries CIM's own field names, so it is found in the data models with the tags of the add-on
under `deploy/siem/splunk` and nothing else. No field ever holds the word `unknown` for a value that is not there:
the model fills that in itself.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

from warehouse.delivery.mappings.alert import CanonicalAlert, more
from warehouse.delivery.mappings.canonical import MAPPING_VERSION, SOURCE, CanonicalEvent, given, to_canonical
from warehouse.delivery.mappings.tables import TypeTable, outcomes, severities

VERSION: Final = "8.5.0"
APP: Final = "claude"
DEST: Final = "claude.ai"
VENDOR_PRODUCT: Final = "Anthropic Claude"

_ACTION: Final = outcomes("cim_action")
_STATUS: Final = outcomes("cim_status")
_FAILED: Final = "failure"


class _Row(NamedTuple):
    model: str
    action: str
    change_type: str
    object_category: str


ROWS: Final = TypeTable(
    "cim", lambda row: _Row(row["model"], row["action"], row["change_type"], row["object_category"])
)


def to_cim(event: CanonicalEvent) -> dict[str, Any]:
    """One event as a flat Splunk event; `raw` is the vendor's record.

    In a Change of an account `user` is the account that changed and `src_user` the one who changed it; everywhere
    else `user` is the actor.
    """
    row = ROWS[event.type]
    known = event.kind.taken
    subject = event.subject
    who = event.actor_email or event.actor_id
    document: dict[str, Any] = {
        "event_id": event.event_id,
        "event_time": event.event_time or event.stamp,
        "source_label": SOURCE,
        "mapping_version": MAPPING_VERSION,
        "type": event.type,
        "category": known.category,
        "verb": known.verb,
        "outcome": event.outcome,
        "severity": event.severity,
        "vendor_product": VENDOR_PRODUCT,
        "signature": event.type,
        "signature_id": event.type,
        "app": APP,
        "dest": DEST,
        "data_model": row.model,
        "unknown_event": event.unknown_event,
        "commit_seq": event.commit_seq,
        "version": event.version,
        "fold": event.fold,
    }
    target = subject.user_email or subject.user_id
    if row.model == "Authentication":
        document["action"] = _ACTION[event.outcome]
        if event.outcome == _FAILED:
            document["reason"] = event.type
    else:
        document["object_category"] = row.object_category or known.object
        if row.action:
            document["action"] = row.action
    if row.model == "Change":
        document["command"] = event.type
        if row.change_type:
            document["change_type"] = row.change_type
        if _STATUS[event.outcome]:
            document["status"] = _STATUS[event.outcome]
    if row.change_type == "AAA" and target is not None:
        document.update(given(user=target, user_id=subject.user_id, src_user=who, src_user_id=event.actor_id))
    else:
        if who is not None:
            document["user"] = who
        if event.actor_id is not None:
            document["user_id"] = event.actor_id
        if target is not None:
            document["target_user"] = target
    _add_rest(document, event)
    document["raw"] = event.raw
    return document


def _add_rest(document: dict[str, Any], event: CanonicalEvent) -> None:
    """The fields that stand in every data model, where the record has them."""
    subject = event.subject
    if event.actor_type is not None:
        document["user_type"] = event.actor_type
    if event.client_ip is not None:
        document["src"] = document["src_ip"] = event.client_ip
    if event.user_agent is not None:
        document["user_agent"] = event.user_agent
    if event.organization_uuid is not None:
        document["vendor_account"] = event.organization_uuid
    if subject.object_id is not None:
        document["object_id"] = document["object"] = subject.object_id
    if subject.object_name is not None:
        document["object"] = subject.object_name
    if subject.group_id is not None:
        document["group_id"] = subject.group_id
    if event.unknown_fields:
        document["unknown_fields"] = event.unknown_fields


def to_cim_alert(alert: CanonicalAlert) -> dict[str, Any]:
    """One alert for the Alerts data model (tag `alert`), with the canonical events it names."""
    first = alert.events[0] if alert.events else None
    document: dict[str, Any] = {
        "event_id": alert.alert_id,
        "event_time": alert.event_time,
        "source_label": SOURCE,
        "mapping_version": MAPPING_VERSION,
        "type": "alert",
        "category": "alert",
        "data_model": "Alerts",
        "vendor_product": VENDOR_PRODUCT,
        "app": APP,
        "dest": DEST,
        "id": alert.alert_id,
        "signature": alert.title,
        "signature_id": alert.rule_id,
        "rule_version": alert.rule_version,
        "severity": severities("cim")[alert.severity],
        "first_at": alert.first_at,
        "last_at": alert.last_at,
        "detected_at": alert.detected_at,
        "event_ids": alert.event_ids,
        "entities": alert.entities,
        **more(alert),
        "events": [to_canonical(event) for event in alert.events],
    }
    if first is not None:
        who = first.actor_email or first.actor_id
        if who is not None:
            document["user"] = who
        if first.client_ip is not None:
            document["src"] = first.client_ip
    return document
