"""How often each rule would have raised an alert in the past, before it is switched on.

Promise: the same statements as at work, over a whole window at once. A quiet rule is listed too: silence over a
year says as much as noise.
"""

import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import duckdb

from warehouse.detections.alert import Find
from warehouse.detections.engine import Events, everything, finds_of, gather
from warehouse.detections.places import Places
from warehouse.detections.rule import Rule
from warehouse.wire.windows import Window

# What an alert takes as JSON without its events, and each event in it (docs/mappings.md has whole ones).
_ALERT_BYTES = 900
_EVENT_BYTES = 1_200
_EVENTS_SENT = 1_000
# A year at once is more than it has to hold: what does not fit goes to a folder.
_MEMORY = "2GB"


@dataclass(frozen=True, kw_only=True)
class BackTest:
    """One rule over a window. `days`: alerts by UTC day of their first event; days without any are left out."""

    rule: Rule
    alerts: int
    events: int
    entities: int
    days: dict[date, int]
    window_days: float
    sample: Find | None
    seconds: float

    @property
    def per_day(self) -> float:
        return self.alerts / self.window_days if self.window_days else 0.0

    @property
    def worst_day(self) -> int:
        return max(self.days.values(), default=0)

    @property
    def bytes_per_day(self) -> int:
        """What the alerts with their events would add to a SIEM, uncompressed; an estimate."""
        sent = self.alerts * _ALERT_BYTES + min(self.events, self.alerts * _EVENTS_SENT) * _EVENT_BYTES
        return round(sent / self.window_days) if self.window_days else 0


def bound_memory(db: duckdb.DuckDBPyConnection, spill: Path) -> None:
    """Let a connection hold so much, and put what does not fit into a folder."""
    db.execute(f"set memory_limit = '{_MEMORY}'")
    db.execute("set temp_directory = ?", [str(spill)])
    db.execute("set preserve_insertion_order = false")


def backtest(
    db: duckdb.DuckDBPyConnection,
    rules: Iterable[Rule],
    window: Window,
    *,
    events: Events = everything,
    places: Places | None = None,
) -> list[BackTest]:
    """Every rule over a window of the past, noisiest first. Nothing is written."""
    chosen = list(rules)
    gather(db, chosen, window, events)
    tried = [_one(db, rule, window, events, places) for rule in chosen]
    return sorted(tried, key=lambda one: (-one.alerts, one.rule.title))


def _one(
    db: duckdb.DuckDBPyConnection, rule: Rule, window: Window, events: Events, places: Places | None
) -> BackTest:
    began = time.monotonic()
    found = finds_of(db, rule, window, events, places)
    inside = [find for find in found if window.start <= find.last_at < window.end]
    days = Counter(max(find.first_at, window.start).date() for find in inside)
    return BackTest(
        rule=rule,
        alerts=len(inside),
        events=sum(len(find.event_ids) for find in inside),
        entities=len({tuple(sorted(find.group.items(), key=str)) for find in inside}),
        days=dict(sorted(days.items())),
        window_days=(window.end - window.start).total_seconds() / 86_400,
        sample=inside[-1] if inside else None,
        seconds=time.monotonic() - began,
    )
