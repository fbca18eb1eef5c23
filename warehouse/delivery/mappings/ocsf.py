"""Open Cybersecurity Schema Framework 1.5: `ocsf.csv` says the class and activity of each type (reference 8.2).

Promise: an event has what its class requires, or goes out in the next general class that its record satisfies,
never with an invented noun: `FALLBACK` says which. Held to the published schema by a test.
"""

from __future__ import annotations

import csv
from typing import Any, Final, NamedTuple

from warehouse.delivery.mappings.address import is_address, is_mailbox
from warehouse.delivery.mappings.alert import CanonicalAlert, more
from warehouse.delivery.mappings.canonical import MAPPING_VERSION, SOURCE, CanonicalEvent
from warehouse.delivery.mappings.tables import HERE, TypeTable, outcomes, severities

VERSION: Final = "1.5.0"
PRODUCT: Final = {"name": "Claude", "vendor_name": "Anthropic"}

BASE, FINDING, ACCOUNT, AUTHENTICATION, ENTITY = 0, 2004, 3001, 3002, 3004
ACCESS, GROUP, WEB, API, FILE = 3005, 3006, 6001, 6003, 6006

# Where a record lacks what the class requires: the class that it goes out in instead.
FALLBACK: Final = {
    ACCOUNT: ENTITY,  # nobody named as the account
    AUTHENTICATION: BASE,  # nobody named as the one who signs in
    ACCESS: ENTITY,  # nobody named as the one who gets the right
    GROUP: ENTITY,  # no group named
    API: BASE,  # no address
    FILE: WEB,  # no address
}
# The activity of the class fallen back on; the others have the same number in both.
_FALLBACK_ACTIVITY: Final = {
    (ACCOUNT, 2): 8,
    (ACCOUNT, 5): 9,
    (ACCOUNT, 6): 4,
    (ACCESS, 1): 3,
    (ACCESS, 2): 3,
    (GROUP, 3): 3,
    (GROUP, 4): 3,
    (GROUP, 5): 4,
    (GROUP, 6): 1,
    (FILE, 2): 2,
    (FILE, 8): 3,
    (FILE, 14): 2,
}

_STATUS_ID: Final = {outcome: int(number) for outcome, number in outcomes("ocsf").items()}
_STATUS: Final = {"success": "Success", "failure": "Failure", "attempt": "Attempt", "unknown": "Unknown"}
_SEVERITY_ID: Final = severities("ocsf")
_SEVERITY: Final = {
    "informational": "Informational",
    "low": "Low",
    "medium": "Medium",
    "high": "High",
    "critical": "Critical",
}
_SERVICE: Final = {"name": "Claude"}
_ACTOR_BY_PROFILE: Final = frozenset({BASE, FINDING, WEB})  # classes that have an actor with the profile `host`
_HOST: Final = ["host"]
_USER_TYPES: Final = {"user_actor": (1, "User"), "system_actor": (3, "System")}


def _classes() -> dict[tuple[int, int], dict[str, Any]]:
    with (HERE / "ocsf_classes.csv").open(newline="", encoding="utf-8") as file:
        found = {}
        for row in csv.DictReader(file):
            class_uid, activity_id = int(row["class_uid"]), int(row["activity_id"])
            found[class_uid, activity_id] = {
                "class_uid": class_uid,
                "class_name": row["class_name"],
                "category_uid": int(row["category_uid"]),
                "category_name": row["category_name"],
                "activity_id": activity_id,
                "activity_name": row["activity_name"],
                "type_uid": class_uid * 100 + activity_id,
                "type_name": f"{row['class_name']}: {row['activity_name']}",
            }
        return found


CLASSES: Final = _classes()


class _Row(NamedTuple):
    class_uid: int
    base: dict[str, Any]  # the eight fields of its class and activity
    fallback: dict[str, Any]


def _row(row: dict[str, str]) -> _Row:
    class_uid, activity_id = int(row["class_uid"]), int(row["activity_id"])
    second = FALLBACK.get(class_uid, BASE)
    activity = 99 if second == BASE else _FALLBACK_ACTIVITY.get((class_uid, activity_id), activity_id)
    return _Row(class_uid, CLASSES[class_uid, activity_id], CLASSES[second, activity])


ROWS: Final = TypeTable("ocsf", _row)


def to_ocsf(event: CanonicalEvent) -> dict[str, Any]:
    """One event in OCSF's JSON form; what has no place in its class is under `unmapped`, the record included."""
    row = ROWS[event.type]
    known = event.kind.taken
    subject = event.subject
    actor = _actor(event)
    endpoint = {"ip": event.client_ip} if event.client_ip is not None and is_address(event.client_ip) else None
    target = _user(subject.user_id, subject.user_email)
    own = _own(row.class_uid, event, actor, endpoint, target)
    base, class_uid = row.base, row.class_uid
    if own is None:
        base = row.fallback
        class_uid = base["class_uid"]
        own = _own(class_uid, event, actor, endpoint, target) or {}
    metadata: dict[str, Any] = {
        "version": VERSION,
        "product": PRODUCT,
        "uid": event.event_id,
        "event_code": event.type,
        "log_name": "activities",
        "log_provider": SOURCE,
        "log_version": MAPPING_VERSION,
    }
    if event.event_time is not None:
        metadata["original_time"] = event.event_time
    if event.organization_uuid is not None:
        metadata["tenant_uid"] = event.organization_uuid
    unmapped: dict[str, Any] = {
        "source": SOURCE,
        "mapping_version": MAPPING_VERSION,
        "event_time": event.event_time,
        "type": event.type,
        "category": known.category,
        "verb": known.verb,
        "object": known.object,
        "outcome": event.outcome,
        "actor_type": event.actor_type,
        "unknown_event": event.unknown_event,
        "version": event.version,
        "fold": event.fold,
        "commit_seq": event.commit_seq,
        "record": event.raw,
    }
    for name in ("event_time", "actor_type"):
        if unmapped[name] is None:
            del unmapped[name]
    if event.unknown_fields:
        unmapped["unknown_fields"] = event.unknown_fields
    document: dict[str, Any] = {
        **base,
        "time": event.stamp_us // 1000,
        "severity_id": int(_SEVERITY_ID[event.severity]),
        "severity": _SEVERITY[event.severity],
        "message": f"{event.type} ({event.outcome})",
        "metadata": metadata,
        **own,
        "unmapped": unmapped,
    }
    if class_uid != FINDING:  # a finding's status is that of its investigation
        document["status_id"] = _STATUS_ID[event.outcome]
        document["status"] = _STATUS[event.outcome]
    if actor is not None:
        document["actor"] = actor
        if class_uid in _ACTOR_BY_PROFILE:
            metadata["profiles"] = _HOST
    if class_uid not in (BASE, FINDING):
        if endpoint is not None:
            document["src_endpoint"] = endpoint
        if event.user_agent is not None and class_uid != FILE:
            document["http_request"] = {"user_agent": event.user_agent}
    return document


def _own(
    class_uid: int,
    event: CanonicalEvent,
    actor: dict[str, Any] | None,
    endpoint: dict[str, Any] | None,
    target: dict[str, Any] | None,
) -> dict[str, Any] | None:
    """What a class requires beyond the base, and its neighbours; None where the record does not have it."""
    known = event.kind.taken
    subject = event.subject
    own: dict[str, Any] | None = None
    if class_uid == ENTITY:
        own = {"entity": _thing(event)}
    elif class_uid == WEB:
        own = {"web_resources": [_thing(event)]}
    elif class_uid == AUTHENTICATION:
        if actor is not None and "user" in actor:
            own = {"user": actor["user"], "service": _SERVICE}
    elif class_uid == FILE:
        if actor is not None and endpoint is not None:
            own = {"file": {**_thing(event), "type_id": 1, "type": "Regular File"}}
    elif class_uid == ACCOUNT:
        who = target
        if who is None and known.object == "account" and actor is not None:
            who = actor.get("user")  # one's own account
        if who is not None:
            own = {"user": who}
    elif class_uid == ACCESS:
        if target is not None:
            own = {"user": target, "privileges": [subject.object_name or subject.object_id or known.object]}
    elif class_uid == GROUP:
        if subject.group_id is not None:
            own = {"group": {"uid": subject.group_id}}
            if target is not None:
                own["user"] = target
    elif class_uid == API:
        if actor is not None and endpoint is not None:
            own = {"api": {"operation": event.type, "service": _SERVICE}}
    elif class_uid == FINDING:
        own = {
            "finding_info": {"uid": event.event_id, "title": event.type, "types": [known.category]},
            "status_id": 1,
            "status": "New",
        }
        evidence = {}
        if actor is not None:
            evidence["actor"] = actor
        if endpoint is not None:
            evidence["src_endpoint"] = endpoint
        if evidence:
            own["evidences"] = [evidence]
    return own


def _thing(event: CanonicalEvent) -> dict[str, Any]:
    subject = event.subject
    kind = event.kind.taken.object
    thing = {"name": subject.object_name or subject.object_id or kind}
    if subject.object_id is not None:
        thing["uid"] = subject.object_id
    thing["type"] = kind
    return thing


def _actor(event: CanonicalEvent) -> dict[str, Any] | None:
    user = _user(event.actor_id, event.actor_email)
    if user is not None:
        type_id, name = _USER_TYPES.get(event.actor_type or "", (99, event.actor_type or "Other"))
        user["type_id"] = type_id
        user["type"] = name
        return {"user": user}
    return {"app_name": event.actor_type} if event.actor_type is not None else None


def _user(identity: str | None, email: str | None) -> dict[str, Any] | None:
    if identity is None and email is None:
        return None
    user: dict[str, Any] = {"name": email or identity}
    if identity is not None:
        user["uid"] = identity
    if email is not None and is_mailbox(email):
        user["email_addr"] = email
    return user


def to_ocsf_alert(alert: CanonicalAlert) -> dict[str, Any]:
    """One alert as a Detection Finding; its events are related events, and their facts evidences."""
    severity_id = int(_SEVERITY_ID[alert.severity])
    evidences = []
    for event in alert.events:
        evidence: dict[str, Any] = {"uid": event.event_id, "name": event.type}
        actor = _actor(event)
        if actor is not None:
            evidence["actor"] = actor
        if event.client_ip is not None and is_address(event.client_ip):
            evidence["src_endpoint"] = {"ip": event.client_ip}
        evidence["data"] = {"event_time": event.event_time, "outcome": event.outcome}
        evidences.append(evidence)
    document: dict[str, Any] = {
        **CLASSES[FINDING, 1 if alert.version <= 1 else 2],
        "time": alert.stamp_us // 1000,
        "severity_id": severity_id,
        "severity": _SEVERITY.get(alert.severity.lower(), "High"),
        "status_id": 1,
        "status": "New",
        "message": alert.title,
        "metadata": {
            "version": VERSION,
            "product": {"name": "Ledgerline"},
            "uid": alert.alert_id,
            "original_time": alert.event_time,
            "log_name": "alerts",
            "log_provider": SOURCE,
            "log_version": MAPPING_VERSION,
        },
        "finding_info": {
            "uid": alert.alert_id,
            "title": alert.title,
            "analytic": {
                "uid": alert.rule_id,
                "name": alert.title,
                "version": alert.rule_version,
                "type_id": 1,
                "type": "Rule",
            },
            "related_events": [{"uid": event_id} for event_id in alert.event_ids],
        },
        "unmapped": {
            "source": SOURCE,
            "mapping_version": MAPPING_VERSION,
            "event_time": alert.event_time,
            "first_at": alert.first_at,
            "last_at": alert.last_at,
            "entities": alert.entities,
            **more(alert),
        },
    }
    if evidences:
        document["evidences"] = evidences
    return document
