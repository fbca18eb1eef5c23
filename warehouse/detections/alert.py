"""An alert: what a rule found, which events prove it, and who it is about.

Promise: the id of an alert follows from the rule, the group and its first event, so that the same find has the
same id whenever and wherever it is made; later events never change it.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

import pyarrow as pa

from warehouse.detections.rule import Rule
from warehouse.tables.alerts import ALERTS


@dataclass(frozen=True, kw_only=True)
class Find:
    """A chain of events that a rule's statement answered: group values by field, events in order of time."""

    rule: Rule
    group: Mapping[str, str | None]
    first_at: datetime
    last_at: datetime
    event_ids: tuple[str, ...]
    commit_seqs: tuple[int, ...]


@dataclass(frozen=True, kw_only=True)
class Alert:
    """One version of an alert. `fold` is `first`, or `revised` where events joined an alert that was there."""

    alert_id: str
    find: Find
    detected_at: datetime
    through_seq: int
    version: int
    fold: str

    def row(self) -> dict[str, object]:
        rule, find = self.find.rule, self.find
        return {
            "alert_id": self.alert_id,
            "rule_id": rule.id,
            "rule_version": rule.version,
            "title": rule.title,
            "severity": rule.level,
            "first_at": find.first_at,
            "last_at": find.last_at,
            "event_ids": list(find.event_ids),
            "commit_seqs": list(find.commit_seqs),
            "events": len(find.event_ids),
            "entities": json.dumps(find.group, sort_keys=True, ensure_ascii=False),
            "dedup_key": dedup_key(find),
            "tags": list(rule.tags),
            "runbook": runbook(rule),
            "detected_at": self.detected_at,
            "through_seq": self.through_seq,
            "version": self.version,
            "fold": self.fold,
        }


def alert_id(find: Find) -> str:
    """32 hex digits of the rule, the group and the first event."""
    return _digest(find.rule.id, json.dumps(find.group, sort_keys=True), find.event_ids[0])


def dedup_key(find: Find) -> str:
    """32 hex digits of the rule and the group: the same for each further alert about the same."""
    return _digest(find.rule.id, json.dumps(find.group, sort_keys=True))


def runbook(rule: Rule) -> str:
    """Where the rule's steps stand in the documentation."""
    return f"docs/detections.md#{rule.path.stem}"


def rows(alerts: list[Alert]) -> pa.Table:
    """Alerts as rows with the schema ALERTS."""
    return pa.Table.from_pylist([alert.row() for alert in alerts], schema=ALERTS)


def _digest(*parts: str) -> str:
    return sha256("\n".join(parts).encode()).hexdigest()[:32]
