"""Alerts out of the archive: what the log added is looked at by every rule, and what they find is committed.

Promise: each commit is looked at once; a run that dies is done again whole, and raises nothing twice.
"""

import time
from collections import Counter
from collections.abc import Iterable
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

from assets.computed_turns import ComputedTurn, computed_turns, looked_at, position_of, rows_held, turns_over
from assets.workshop import Workshop
from warehouse.archive import keys
from warehouse.archive.archive import Archive
from warehouse.archive.entry import Draft, ObjectRef, sha256_hex
from warehouse.archive.state import LogState
from warehouse.detections.alert import Alert, rows
from warehouse.detections.backtest import BackTest, backtest
from warehouse.detections.engine import Commits, Events, Raised, run, spans
from warehouse.detections.rule import Rule
from warehouse.detections.rulebook import Rulebook
from warehouse.detections.suppression import Suppressions
from warehouse.tables import parquet
from warehouse.tables.alerts import TABLE
from warehouse.tables.catalog import connect, events_of_days, versions_of_days
from warehouse.tables.fold import STREAM
from warehouse.tables.masking import EVERY_TABLE
from warehouse.tables.schema import TABLE as EVENTS
from warehouse.wire.times import parse_rfc3339
from warehouse.wire.windows import Window

# Without alerts the position is written only so often: an entry a tick would double the log.
_QUIET_COMMITS = 24


@dataclass
class Detected:
    """What a run of the detections came to."""

    rules: int = 0
    from_seq: int = 0
    through_seq: int = -1
    events: int = 0
    raised: int = 0
    joined: int = 0
    unchanged: int = 0
    by_severity: Counter[str] = field(default_factory=Counter)
    alerts: list[Alert] = field(default_factory=list)
    suppressed: Counter[str] = field(default_factory=Counter)  # finds by rule
    expired: list[str] = field(default_factory=list)  # suppressions that hold no more
    seconds: float = 0.0

    def as_dict(self) -> dict[str, Any]:
        return {
            "rules": self.rules,
            "from_seq": self.from_seq,
            "through_seq": self.through_seq,
            "events": self.events,
            "raised": self.raised,
            "joined": self.joined,
            "unchanged": self.unchanged,
            "suppressed": dict(sorted(self.suppressed.items())),
            "expired_suppressions": self.expired,
            "by_severity": dict(sorted(self.by_severity.items())),
            "alerts": [_shown(alert) for alert in self.alerts],
            "seconds": round(self.seconds, 3),
        }


def detect(workshop: Workshop, rules: Iterable[Rule]) -> Detected:
    """Look at every commit that no run has looked at yet, and commit the alerts."""
    archive = workshop.archive
    done, began = Detected(), time.monotonic()
    chosen = list(rules)
    suppressions = Suppressions(workshop.suppressions, Rulebook(tuple(chosen)), workshop.clock())
    commits = due(archive.refresh())
    done.rules, done.from_seq, done.through_seq = len(chosen), commits.after + 1, commits.through
    computed = computed_turns(archive, chosen)
    if not commits.spans and not computed:
        return done
    of_the_feed = [rule for rule in chosen if not rule.source.computed]
    raised, events, now = Raised(), of_days(archive), workshop.clock()
    with connect(archive, unmasked=EVERY_TABLE) as db:
        if commits.spans:
            raised += run(db, of_the_feed, commits, detected_at=now, events=events, suppressions=suppressions)
        for turn in computed:
            with rows_held(archive, db, turn, events) as with_rows:
                raised += run(
                    db, turn.rules, turn.commits, detected_at=now, events=with_rows, suppressions=suppressions
                )
    done.suppressed = +raised.suppressed
    done.expired = [f"{one.rule} ({one.owner}, until {one.until})" for one in suppressions.expired]
    if raised.alerts or done.suppressed or computed or commits.through - commits.after >= _QUIET_COMMITS:
        _commit(archive, raised, commits, computed)
    done.events, done.unchanged, done.alerts = raised.looked_at, raised.unchanged, raised.alerts
    for alert in raised.alerts:
        done.by_severity[alert.find.rule.level] += 1
        if alert.version == 1:
            done.raised += 1
        else:
            done.joined += 1
    done.seconds = time.monotonic() - began
    return done


def due(state: LogState) -> Commits:
    """The commits that wait to be looked at; without spans where there is nothing."""
    after = state.table(TABLE).folded_through
    waiting = [int(seq) for seq in state.stream(STREAM).pending_fold]
    table = state.table(EVENTS)
    through = min([table.folded_through, *(seq - 1 for seq in waiting)])
    times = [
        (parse_rfc3339(file.first_at), parse_rfc3339(file.last_at))
        for file in table.recent
        if file.seq is not None and after < file.seq <= through and file.first_at and file.last_at
    ]
    times += [_day(file.dt) for file in table.sealed if file.through_seq is not None and file.through_seq > after]
    return Commits(after=after, through=through, spans=spans(times))


def _day(dt: str) -> tuple[datetime, datetime]:
    start = datetime.combine(date.fromisoformat(dt), datetime.min.time(), UTC)
    return start, start + timedelta(days=1) - timedelta(microseconds=1)


def of_days(archive: Archive) -> Events:
    """Rows of the files of the days that are asked for."""

    def events(table: str, since: datetime, until: datetime) -> str:
        rows_of = events_of_days if table == EVENTS else versions_of_days
        return rows_of(archive, since.date(), until.date())

    return events


def look_back(workshop: Workshop, rules: Iterable[Rule], window: Window) -> list[BackTest]:
    """What rules would have raised over a window of the past; nothing is written."""
    archive, chosen = workshop.archive, list(rules)
    with connect(archive, unmasked=EVERY_TABLE) as db, ExitStack() as held:
        events = of_days(archive)
        for turn in turns_over(chosen, window):
            events = held.enter_context(rows_held(archive, db, turn, events))
        return backtest(db, chosen, window, events=events)


def _commit(archive: Archive, raised: Raised, commits: Commits, computed: list[ComputedTurn]) -> None:
    objects = []
    if raised.alerts:
        found = rows(raised.alerts)
        day = raised.alerts[0].detected_at.date()
        data = parquet.write([found], found.schema)
        stored = archive.put(keys.recent(TABLE, day, commits.through, sha256_hex(data)), data)
        objects.append(
            ObjectRef(
                key=stored.key,
                version_id=stored.version_id,
                sha256=stored.sha256,
                bytes=stored.bytes,
                records=found.num_rows,
                table=TABLE,
                dt=day.isoformat(),
            )
        )

    def build(state: LogState) -> Draft | None:
        if state.table(TABLE).folded_through != commits.after:
            return None  # another writer looked at the same commits first
        if any(looked_at(state, turn.source) != turn.commits.after for turn in computed):
            return None
        return Draft(
            kind="table",
            stream=TABLE,
            table=TABLE,
            objects=objects,
            derived_from=[commits.through] if commits.through >= 0 else [],
            counts={
                "raised": sum(alert.version == 1 for alert in raised.alerts),
                "joined": sum(alert.version > 1 for alert in raised.alerts),
                "suppressed": sum(raised.suppressed.values()),
                **{position_of(turn.source): turn.commits.through - turn.commits.after for turn in computed},
                "suppressed_by_rule": dict(sorted((+raised.suppressed).items())),
            },
        )

    archive.append(build)


def _shown(alert: Alert) -> dict[str, Any]:
    row = alert.row()
    for name in ("first_at", "last_at", "detected_at"):
        row[name] = row[name].isoformat()  # type: ignore[attr-defined]
    return row
