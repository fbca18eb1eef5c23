"""An alert in canonical form: the columns of `alerts` and the canonical events it names.

Promise: no event id is lost; an alert whose events are not at hand still names them. An alert that further events
have joined is told from its earlier form by `version` and `fold`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec

from warehouse.delivery.mappings.canonical import MAPPING_VERSION, SOURCE, CanonicalEvent, given, to_canonical
from warehouse.wire.times import parse_rfc3339


class CanonicalAlert(msgspec.Struct):
    """One alert. Times as in `CanonicalEvent`; `stamp` is when it was detected, `event_time` its last event's.

    So an alert on a window that was pulled days late is new in the SIEM, and says that its events are old.
    """

    alert_id: str
    rule_id: str
    rule_version: str
    title: str
    severity: str
    first_at: str
    last_at: str
    detected_at: str
    event_ids: list[str]
    entities: Any
    events: list[CanonicalEvent]
    stamp: str
    stamp_us: int
    version: int = 1
    fold: str = "first"
    dedup_key: str | None = None
    tags: list[str] | None = None
    runbook: str | None = None

    @property
    def id(self) -> str:
        """The alert's id, as `delivery.port` asks for it."""
        return self.alert_id

    @property
    def time(self) -> str:
        """When it was detected, as `delivery.port` asks for it."""
        return self.stamp

    @property
    def document_id(self) -> str:
        """The alert's id, with its version behind it from the second on, as for an event."""
        return self.alert_id if self.version <= 1 else f"{self.alert_id}.v{self.version}"

    @property
    def event_time(self) -> str:
        """When the last of its events happened."""
        return self.last_at


def canonical_alert(row: Mapping[str, Any], events: Sequence[CanonicalEvent] = ()) -> CanonicalAlert:
    """The alert of one row of `alerts` (times as datetimes or RFC 3339 texts), with its events that are at hand.

    `entities` may be JSON, as the table has it. `version`, `fold`, `dedup_key`, `tags`, `runbook` may be absent.

    Raises KeyError when a column is missing, ValueError when a time is none.
    """
    detected = _moment(row["detected_at"])
    return CanonicalAlert(
        alert_id=str(row["alert_id"]),
        rule_id=str(row["rule_id"]),
        rule_version=str(row["rule_version"]),
        title=str(row["title"]),
        severity=str(row["severity"]),
        first_at=_text(_moment(row["first_at"])),
        last_at=_text(_moment(row["last_at"])),
        detected_at=_text(detected),
        event_ids=list(row["event_ids"] or ()),
        entities=_entities(row["entities"]),
        events=list(events),
        stamp=_text(detected),
        stamp_us=int(detected.timestamp()) * 1_000_000 + detected.microsecond,
        version=row.get("version") or 1,
        fold=row.get("fold") or "first",
        dedup_key=row.get("dedup_key"),
        tags=list(row.get("tags") or ()) or None,
        runbook=row.get("runbook"),
    )


def to_canonical_alert(alert: CanonicalAlert) -> dict[str, Any]:
    """The alert as it goes out where no schema is asked for."""
    return {
        "alert_id": alert.alert_id,
        "event_time": alert.event_time,
        "source": SOURCE,
        "mapping_version": MAPPING_VERSION,
        "rule_id": alert.rule_id,
        "rule_version": alert.rule_version,
        "title": alert.title,
        "severity": alert.severity,
        "first_at": alert.first_at,
        "last_at": alert.last_at,
        "detected_at": alert.detected_at,
        "event_ids": alert.event_ids,
        "entities": alert.entities,
        **more(alert),
        "events": [to_canonical(event) for event in alert.events],
    }


def more(alert: CanonicalAlert) -> dict[str, Any]:
    """Which version of the alert it is, and what helps a person on: key of like alerts, tags, runbook."""
    return {
        "version": alert.version,
        "fold": alert.fold,
        **given(dedup_key=alert.dedup_key, tags=alert.tags, runbook=alert.runbook),
    }


def _entities(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    try:
        return msgspec.json.decode(value)
    except msgspec.DecodeError:
        return value


def _moment(value: Any) -> datetime:
    if isinstance(value, str):
        return parse_rfc3339(value)
    if not isinstance(value, datetime) or value.tzinfo is None:
        raise ValueError(f"{value!r} is no time with a zone, as the columns of `alerts` are")
    return value.astimezone(UTC)


def _text(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
