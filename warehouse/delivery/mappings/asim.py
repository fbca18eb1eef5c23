"""Microsoft Sentinel: the columns of `ClaudeAuditLogs_CL`, and each type's ASIM schema in `asim.csv` (5.6, 5.7).

Promise: a row has no column that `COLUMNS` does not declare (Sentinel drops those without a word), and none of a
reserved name. The parsers under `deploy/siem/sentinel` make ASIM events of it, with no table but this.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

from warehouse.delivery.mappings.alert import CanonicalAlert, more
from warehouse.delivery.mappings.canonical import MAPPING_VERSION, SOURCE, CanonicalEvent, to_canonical
from warehouse.delivery.mappings.tables import TypeTable, outcomes, severities

VERSION: Final = "0.1"
TABLE: Final = "ClaudeAuditLogs_CL"
STREAM: Final = "Custom-ClaudeAuditLogs_CL"

# Column -> its type, in the table and in the stream of the data collection rule alike.
COLUMNS: Final[dict[str, str]] = {
    "TimeGenerated": "datetime",
    "EventId": "string",
    "EventTime": "datetime",
    "EventType": "string",
    "EventCategory": "string",
    "EventVerb": "string",
    "EventOutcome": "string",
    "EventSeverity": "string",
    "EventSource": "string",
    "MappingVersion": "string",
    "OrganizationId": "string",
    "ActorType": "string",
    "ActorId": "string",
    "ActorEmail": "string",
    "ClientIp": "string",
    "UserAgent": "string",
    "ObjectType": "string",
    "ObjectId": "string",
    "ObjectName": "string",
    "TargetUserId": "string",
    "TargetUserEmail": "string",
    "GroupId": "string",
    "AsimSchema": "string",
    "AsimEventType": "string",
    "AsimEventResult": "string",
    "AsimEventSeverity": "string",
    "AsimObjectType": "string",
    "UnknownEvent": "boolean",
    "UnknownFields": "dynamic",
    "RecordVersion": "int",
    "RecordFold": "string",
    "CommitSeq": "long",
    "AlertRuleId": "string",
    "AlertTitle": "string",
    "AlertEventIds": "dynamic",
    "RawEvent": "dynamic",
}

_RESULT: Final = outcomes("asim")
_SEVERITY: Final = severities("asim")


class _Row(NamedTuple):
    schema: str
    event_type: str
    object_type: str


ROWS: Final = TypeTable("asim", lambda row: _Row(row["schema"], row["event_type"], row["object_type"]))


def to_asim(event: CanonicalEvent) -> dict[str, Any]:
    """One event as a row of `ClaudeAuditLogs_CL`; a column without a value is left out, and null in Sentinel."""
    row = ROWS[event.type]
    known = event.kind.taken
    subject = event.subject
    document: dict[str, Any] = {
        "TimeGenerated": event.stamp,
        "EventId": event.event_id,
        "EventType": event.type,
        "EventCategory": known.category,
        "EventVerb": known.verb,
        "EventOutcome": event.outcome,
        "EventSeverity": event.severity,
        "EventSource": SOURCE,
        "MappingVersion": MAPPING_VERSION,
        "ObjectType": known.object,
        "AsimSchema": row.schema,
        "AsimEventType": row.event_type,
        "AsimEventResult": _RESULT[event.outcome],
        "AsimEventSeverity": _SEVERITY[event.severity],
        "UnknownEvent": event.unknown_event,
        "RecordVersion": event.version,
        "RecordFold": event.fold,
        "CommitSeq": event.commit_seq,
        "RawEvent": event.raw,
    }
    if event.event_time is not None:
        document["EventTime"] = event.event_time
    if event.organization_uuid is not None:
        document["OrganizationId"] = event.organization_uuid
    if event.actor_type is not None:
        document["ActorType"] = event.actor_type
    if event.actor_id is not None:
        document["ActorId"] = event.actor_id
    if event.actor_email is not None:
        document["ActorEmail"] = event.actor_email
    if event.client_ip is not None:
        document["ClientIp"] = event.client_ip
    if event.user_agent is not None:
        document["UserAgent"] = event.user_agent
    if row.object_type:
        document["AsimObjectType"] = row.object_type
    if subject.object_id is not None:
        document["ObjectId"] = subject.object_id
    if subject.object_name is not None:
        document["ObjectName"] = subject.object_name
    if subject.user_id is not None:
        document["TargetUserId"] = subject.user_id
    if subject.user_email is not None:
        document["TargetUserEmail"] = subject.user_email
    if subject.group_id is not None:
        document["GroupId"] = subject.group_id
    if event.unknown_fields:
        document["UnknownFields"] = event.unknown_fields
    return document


def to_asim_alert(alert: CanonicalAlert) -> dict[str, Any]:
    """One alert as a row of the same table: `EventCategory` is `alert`, `RawEvent` holds its canonical events."""
    first = alert.events[0] if alert.events else None
    document: dict[str, Any] = {
        "TimeGenerated": alert.stamp,
        "EventId": alert.alert_id,
        "EventTime": alert.event_time,
        "EventType": "alert",
        "EventCategory": "alert",
        "EventSeverity": alert.severity,
        "EventSource": SOURCE,
        "MappingVersion": MAPPING_VERSION,
        "AsimSchema": "AlertEvent",
        "AsimEventType": "Alert",
        "AsimEventResult": "NA",
        "AsimEventSeverity": _SEVERITY[alert.severity],
        "UnknownEvent": any(event.unknown_event for event in alert.events),
        "AlertRuleId": alert.rule_id,
        "AlertTitle": alert.title,
        "AlertEventIds": alert.event_ids,
        "RecordVersion": alert.version,
        "RecordFold": alert.fold,
        "RawEvent": {
            "rule_version": alert.rule_version,
            "first_at": alert.first_at,
            "last_at": alert.last_at,
            "detected_at": alert.detected_at,
            "entities": alert.entities,
            **more(alert),
            "events": [to_canonical(event) for event in alert.events],
        },
    }
    if first is not None:
        for name, value in {
            "OrganizationId": first.organization_uuid,
            "ActorType": first.actor_type,
            "ActorId": first.actor_id,
            "ActorEmail": first.actor_email,
            "ClientIp": first.client_ip,
            "UserAgent": first.user_agent,
        }.items():
            if value is not None:
                document[name] = value
    return document
