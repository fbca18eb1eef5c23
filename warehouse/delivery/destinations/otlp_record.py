"""An event as a log record of OpenTelemetry's data model, whatever form it is written in.

Names are the semantic conventions' where they have one (`user.id`, `client.address`, `user_agent.original`), the
Elastic Common Schema's where that has one (`event.id`, `event.action`), and begin with `anthropic.` otherwise.
"""

from datetime import datetime
from typing import Any, NamedTuple

from warehouse.delivery.documents import as_json, described
from warehouse.delivery.mappings.alert import CanonicalAlert
from warehouse.delivery.mappings.canonical import MAPPING_VERSION, SOURCE, CanonicalEvent
from warehouse.delivery.mappings.event_kind import NOTHING, EventKind
from warehouse.delivery.mappings.schemas import SCHEMAS

SCOPE = "ledgerline"
# Severity to number and text: data model, "Field: SeverityNumber"
SEVERITIES = {
    "informational": (9, "INFO"),
    "low": (10, "INFO2"),
    "medium": (13, "WARN"),
    "high": (17, "ERROR"),
    "critical": (21, "FATAL"),
}


Pairs = list[tuple[str, str | bool | int]]


class Record(NamedTuple):
    """time, observed: nanoseconds since 1970, 0 where a form has no number for it; body: JSON; once:
    attributes that differ from event to event.

    groups: attributes whose values come again and again, each as a function and its arguments:
    `group[0](*group[1:])` gives the pairs, and what they were written as is worth remembering under the group.
    """

    time: int
    observed: int
    severity: str
    name: str
    body: bytes
    once: Pairs
    groups: tuple[tuple[Any, ...], ...]


def record_of(event: CanonicalEvent | CanonicalAlert, restamp: str | None) -> Record:
    """The record of an event or an alert; `restamp` takes the place of its time, `event.time` stays true."""
    stamp = event.stamp_us * 1000 if restamp is None else _nanoseconds(restamp)
    if isinstance(event, CanonicalAlert):
        return _alert(event, stamp)
    once: Pairs = [("event.id", event.event_id)]
    if event.event_time is not None:
        once.append(("event.time", event.event_time))
    about = event.subject
    if about is not NOTHING:
        once += [
            (name, value)
            for name, value in (
                ("anthropic.object.id", about.object_id),
                ("anthropic.object.name", about.object_name),
                ("anthropic.target.user.id", about.user_id),
                ("anthropic.target.user.email", about.user_email),
                ("anthropic.target.group.id", about.group_id),
            )
            if value is not None
        ]
    if event.unknown_fields:
        once.append(("anthropic.unknown_fields", ",".join(event.unknown_fields)))
    observed = stamp if event.observed_us is None else event.observed_us * 1000
    return Record(
        _unsigned(stamp),
        _unsigned(observed),
        event.severity,
        f"anthropic.{event.type}",
        bytes(event.raw),
        once,
        (
            (_what, event.kind, event.outcome, event.severity, event.unknown_event, event.version, event.fold),
            (_who, event.actor_type, event.actor_id, event.actor_email),
            (_where, event.client_ip, event.user_agent),
            (_organization, event.organization_id, event.organization_uuid, event.commit_seq),
        ),
    )


def _what(kind: EventKind, outcome: str, severity: str, unknown: bool, version: int, fold: str) -> Pairs:
    known = kind.taken
    return [
        ("event.action", kind.type),
        ("event.outcome", outcome),
        ("anthropic.source", SOURCE),
        ("anthropic.mapping_version", MAPPING_VERSION),
        ("anthropic.category", known.category),
        ("anthropic.verb", known.verb),
        ("anthropic.severity", severity),
        ("anthropic.object.type", known.object),
        ("anthropic.unknown_event", unknown),
        ("anthropic.archive.version", version),
        ("anthropic.archive.fold", fold),
    ]


def _who(kind: str | None, identity: str | None, email: str | None) -> Pairs:
    return _given(("anthropic.actor.type", kind), ("user.id", identity), ("user.email", email))


def _where(address: str | None, agent: str | None) -> Pairs:
    return _given(("client.address", address), ("user_agent.original", agent))


def _organization(identity: str | None, uuid: str | None, commit_seq: int | None) -> Pairs:
    return _given(
        ("anthropic.organization.id", identity),
        ("anthropic.organization.uuid", uuid),
        ("anthropic.archive.commit_seq", commit_seq),
    )


def _given(*pairs: tuple[str, str | int | None]) -> Pairs:
    return [(name, value) for name, value in pairs if value is not None]


def _alert(alert: CanonicalAlert, stamp: int) -> Record:
    once: Pairs = [("event.id", alert.alert_id), ("event.time", alert.event_time)]
    rule = (_rule, alert.rule_id, alert.rule_version, alert.title, alert.severity)
    body = as_json(described(alert, SCHEMAS["canonical"]))
    return Record(stamp, alert.stamp_us * 1000, alert.severity, "anthropic.alert", body, once, (rule,))


def _rule(identity: str, version: str, title: str, severity: str) -> Pairs:
    return [
        ("event.kind", "alert"),
        ("rule.id", identity),
        ("rule.version", version),
        ("rule.name", title),
        ("anthropic.source", SOURCE),
        ("anthropic.mapping_version", MAPPING_VERSION),
        ("anthropic.severity", severity),
    ]


def _unsigned(nanoseconds: int) -> int:
    """A time before 1970, or after 2554, is an unknown one; the true one stands in `event.time`."""
    return nanoseconds if 0 <= nanoseconds < 2**64 else 0


def _nanoseconds(text: str) -> int:
    moment = datetime.fromisoformat(text)
    return (int(moment.replace(microsecond=0).timestamp()) * 1_000_000 + moment.microsecond) * 1000
