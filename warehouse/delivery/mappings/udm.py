"""Google SecOps' Unified Data Model: `udm.csv` says `metadata.eventType` of each type (reference 10).

Promise: an event type whose required nouns are not in the record (a user to create, a group to change) is sent as
the next general one, never with an invented noun; a record with no actor at all is a `GENERIC_EVENT`.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

from warehouse.delivery.mappings.address import is_address
from warehouse.delivery.mappings.alert import CanonicalAlert, more
from warehouse.delivery.mappings.canonical import MAPPING_VERSION, SOURCE, CanonicalEvent
from warehouse.delivery.mappings.tables import TypeTable, outcomes, severities

VERSION: Final = "v1"
VENDOR: Final = "Anthropic"
PRODUCT: Final = "Claude"

_ACTION: Final = {outcome: [action] if action else None for outcome, action in outcomes("udm").items()}
_SEVERITY: Final = severities("udm")
# What the service refuses an event of this type without, beyond a principal.
NEEDS_TARGET_USER: Final = frozenset({"USER_CREATION", "USER_DELETION", "USER_CHANGE_PERMISSIONS"})
NEEDS_GROUP: Final = frozenset({"GROUP_CREATION", "GROUP_DELETION", "GROUP_MODIFICATION", "GROUP_UNCATEGORIZED"})
_OWN: Final = frozenset({"USER_LOGIN", "USER_LOGOUT"})


class _Row(NamedTuple):
    event_type: str
    resource_type: str


ROWS: Final = TypeTable("udm", lambda row: _Row(row["event_type"], row["resource_type"]))


def to_udm(event: CanonicalEvent) -> dict[str, Any]:
    """One event in UDM's JSON form (the value of `udm` in `events:import`)."""
    row = ROWS[event.type]
    known = event.kind.taken
    subject = event.subject
    principal = _party(event.actor_id, event.actor_email)
    if event.client_ip is not None and is_address(event.client_ip):
        principal["ip"] = [event.client_ip]
    target = _party(subject.user_id, subject.user_email)
    target["application"] = PRODUCT
    kind = row.event_type
    # who signs in, and who closes the own account, is both the doer and the one it is done to
    if "user" in principal and (kind in _OWN or (kind == "USER_DELETION" and "user" not in target)):
        target["user"] = principal["user"]
    if subject.group_id is not None:
        target["group"] = {"productObjectId": subject.group_id}
    if (kind in NEEDS_TARGET_USER and "user" not in target) or (kind in NEEDS_GROUP and "group" not in target):
        kind = "USER_RESOURCE_UPDATE_PERMISSIONS" if kind == "USER_CHANGE_PERMISSIONS" else "USER_UNCATEGORIZED"
    if not principal:
        kind = "GENERIC_EVENT"
    resource: dict[str, Any] = {"resourceSubtype": known.object}
    if row.resource_type:
        resource["resourceType"] = row.resource_type
    if subject.object_id is not None:
        resource["productObjectId"] = subject.object_id
    if subject.object_name is not None:
        resource["name"] = subject.object_name
    target["resource"] = resource
    metadata: dict[str, Any] = {
        "eventTimestamp": event.stamp,
        "eventType": kind,
        "vendorName": VENDOR,
        "productName": PRODUCT,
        "productLogId": event.event_id,
        "productEventType": event.type,
        "description": f"{known.verb} {known.object}",
    }
    result: dict[str, Any] = {
        "severity": _SEVERITY[event.severity],
        "categoryDetails": [known.category],
        "summary": event.outcome,
    }
    action = _ACTION[event.outcome]
    if action is not None:
        result["action"] = action
    additional: dict[str, Any] = {
        "source": SOURCE,
        "mapping_version": MAPPING_VERSION,
        "event_time": event.event_time,
        "unknown_event": event.unknown_event,
        "actor_type": event.actor_type,
        "version": event.version,
        "fold": event.fold,
        "commit_seq": event.commit_seq,
        "record": event.raw,
    }
    for name in ("event_time", "actor_type"):
        if additional[name] is None:
            del additional[name]
    if event.unknown_fields:
        additional["unknown_fields"] = event.unknown_fields
    if event.organization_uuid is not None:
        additional["organization_uuid"] = event.organization_uuid
    document: dict[str, Any] = {
        "metadata": metadata,
        "target": target,
        "securityResult": [result],
        "additional": additional,
    }
    if principal:
        document["principal"] = principal
    if event.user_agent is not None:
        document["network"] = {"http": {"userAgent": event.user_agent}}
    if kind in _OWN:
        document["extensions"] = {
            "auth": {"type": "SSO" if event.type.startswith("sso_") else "AUTHTYPE_UNSPECIFIED"}
        }
    return document


def to_udm_alert(alert: CanonicalAlert) -> dict[str, Any]:
    """One alert as a `GENERIC_EVENT` with an alerting security result."""
    first = alert.events[0] if alert.events else None
    principal = _party(first.actor_id, first.actor_email) if first is not None else {}
    if first is not None and first.client_ip is not None and is_address(first.client_ip):
        principal["ip"] = [first.client_ip]
    document: dict[str, Any] = {
        "metadata": {
            "eventTimestamp": alert.stamp,
            "eventType": "GENERIC_EVENT",
            "vendorName": VENDOR,
            "productName": PRODUCT,
            "productLogId": alert.alert_id,
            "productEventType": "alert",
            "description": alert.title,
        },
        "target": {"application": PRODUCT},
        "securityResult": [
            {
                "severity": _SEVERITY[alert.severity],
                "alertState": "ALERTING",
                "ruleId": alert.rule_id,
                "ruleName": alert.title,
                "ruleVersion": alert.rule_version,
                "summary": alert.title,
            }
        ],
        "additional": {
            "source": SOURCE,
            "mapping_version": MAPPING_VERSION,
            "event_time": alert.event_time,
            "first_at": alert.first_at,
            "last_at": alert.last_at,
            "event_ids": alert.event_ids,
            "entities": alert.entities,
            **more(alert),
        },
    }
    if principal:
        document["principal"] = principal
    return document


def _party(identity: str | None, email: str | None) -> dict[str, Any]:
    if identity is None and email is None:
        return {}
    user: dict[str, Any] = {}
    if identity is not None:
        user["userid"] = identity
    if email is not None:
        user["emailAddresses"] = [email]
    return {"user": user}
