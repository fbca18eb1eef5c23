"""Alerts, judged from the committed files: whether each event that the rule selects is in one, and none is raised
twice.

Promise: shares no code with the detections; the rule is read as data.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import yaml

from tests.simulation.bucket import Bucket
from tests.simulation.judging import demand

RULE = Path(__file__).with_name("rule.yml")
_TYPES = frozenset(yaml.safe_load(RULE.read_text(encoding="utf-8"))["detection"]["selection"]["type"])


@dataclass
class AlertsJudge:
    """`alerts`: the events of the newest version of each, by its id. `known`: every event of any of them."""

    bucket: Bucket
    alerts: dict[str, tuple[int, set[str]]] = field(default_factory=dict)
    known: set[str] = field(default_factory=set)

    def table(self, entry: dict[str, Any], archived: Mapping[str, Any]) -> list[tuple[str, int]]:
        """Judge the alerts of one entry; returns the id and version of each. `archived`: the events by id."""
        names = []
        for ref in entry["objects"]:
            data = self.bucket.objects[ref["key"]].data
            for row in pq.ParquetFile(BytesIO(data)).read(use_threads=False).to_pylist():
                self._take(row, archived)
                names.append((row["alert_id"], row["version"]))
        return names

    def _take(self, row: dict[str, Any], archived: Mapping[str, Any]) -> None:
        name, version, events = row["alert_id"], row["version"], set(row["event_ids"])
        strangers = events - archived.keys()
        demand(not strangers, 1, f"alert {name} names {sorted(strangers)[:1]}, which is not in the archive")
        before, held = self.alerts.get(name, (0, set()))
        demand(version == before + 1, 3, f"alert {name} is raised as version {version} after {before}")
        demand(held < events, 3, f"version {version} of alert {name} brings nothing new")
        again = events & self.known if version == 1 else set()
        demand(not again, 3, f"{sorted(again)[:1]} was in an alert, and raised another")
        self.alerts[name] = (version, events)
        self.known |= events

    def finish(self, current: Iterable[str]) -> None:
        """All was looked at. `current`: the records that the archive holds now, as served."""
        for record in current:
            event = json.loads(record)
            if event["type"] in _TYPES:
                demand(event["id"] in self.known, 9, f"{event['type']} {event['id']} raised no alert")
