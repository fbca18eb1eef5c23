"""Alerts out of the archive: what the log added is looked at by every rule, and what they find is committed.

Promise: each commit is looked at once; a run that dies is done again whole, and raises nothing twice.
"""

import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from assets.computed_turns import ComputedTurn, computed_turns, looked_at, position_of, rows_held
from assets.detection_turns import HOURLY, due, due_hourly, turns
from assets.workshop import Workshop
from warehouse.archive import keys
from warehouse.archive.archive import Archive
from warehouse.archive.entry import Draft, ObjectRef, sha256_hex
from warehouse.archive.state import LogState
from warehouse.detections.alert import Alert, rows
from warehouse.detections.engine import Commits, Raised, run
from warehouse.detections.places import Places
from warehouse.detections.reading import Events
from warehouse.detections.rule import Rule
from warehouse.detections.rulebook import Rulebook
from warehouse.detections.selection import in_use
from warehouse.detections.suppression import Suppression, Suppressions
from warehouse.detections.tuning import Threshold
from warehouse.tables import parquet
from warehouse.tables.alerts import TABLE
from warehouse.tables.catalog import connect
from warehouse.tables.connection import bound_memory
from warehouse.tables.file_rows import events_of_days, versions_of_days
from warehouse.tables.masking import EVERY_TABLE
from warehouse.tables.schema import TABLE as EVENTS

# Without alerts the position is written only so often: an entry a tick would double the log.
_QUIET_COMMITS = 24
# What the rules look at of a large day, or of a month, goes to a folder beyond this.
_MEMORY_MB = 960


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
    off: dict[str, str] = field(default_factory=dict)  # rules that do not run here, and why
    hourly: list[str] = field(
        default_factory=list
    )  # rules that look back over a month: those that took their turn
    resting: list[str] = field(default_factory=list)  # and those that wait for their hour
    thresholds: dict[str, Any] = field(default_factory=dict)  # what was tuned, by rule
    thresholds_expired: list[str] = field(default_factory=list)
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
            "off": dict(sorted(self.off.items())),
            "hourly": {"took_turn": sorted(self.hourly), "resting": sorted(self.resting)},
            "thresholds": self.thresholds,
            "expired_thresholds": self.thresholds_expired,
            "by_severity": dict(sorted(self.by_severity.items())),
            "alerts": [_shown(alert) for alert in self.alerts],
            "seconds": round(self.seconds, 3),
        }


def detect(workshop: Workshop, rules: Iterable[Rule], *, patient: bool = False) -> Detected:
    """Look at every commit that no run has looked at yet, and commit the alerts.

    `patient`: the hourly rules take their turn only when their hour has come. Raises GeoUnusable, and what a
    suppression or threshold that cannot be meant raises.
    """
    archive, now = workshop.archive, workshop.clock()
    done, began = Detected(), time.monotonic()
    known = list(rules)
    with Places(workshop.geo) as places:
        chosen = in_use(known, thresholds=workshop.thresholds, places=places.has, now=now)
        suppressions = Suppressions(workshop.suppressions, Rulebook(tuple(known)), now)
        of_the_feed = [rule for rule in chosen.rules if not rule.source.computed]
        always, hourly = turns(archive, of_the_feed, now, patient=patient)
        computed = computed_turns(archive, chosen.rules)
        done.rules, done.off, done.thresholds = len(chosen.rules), chosen.off, chosen.tuned.evidence()
        done.expired = [_decision(one) for one in suppressions.expired]
        done.thresholds_expired = [_decision(one) for one in chosen.tuned.expired]
        done.from_seq, done.through_seq = always.commits.after + 1, always.commits.through
        done.resting = [rule.path.stem for rule in hourly.rules] if hourly.resting else []
        taken = [turn for turn in (always, hourly) if turn.commits.spans and not turn.resting]
        if not taken and not computed:
            return done
        raised, events = Raised(), of_days(archive)
        with (
            TemporaryDirectory(prefix="ledgerline-") as spill,
            connect(archive, unmasked=EVERY_TABLE) as db,
        ):
            bound_memory(db, _MEMORY_MB, Path(spill))
            look = partial(run, db, detected_at=now, suppressions=suppressions, places=places)
            for turn in taken:
                raised += look(turn.rules, turn.commits, events=events)
            for own in computed:
                with rows_held(archive, db, own, events) as with_rows:
                    raised += look(own.rules, own.commits, events=with_rows)
    took = hourly if hourly in taken else None
    done.hourly = [rule.path.stem for rule in took.rules] if took else []
    entry = _Entry(
        raised,
        always.commits,
        took.commits if took else None,
        computed,
        {"thresholds": done.thresholds, "places": places.evidence},
    )
    if entry.worth_writing() and not _commit(archive, entry):
        return done  # another writer looked at the same commits first
    done.suppressed = +raised.suppressed
    done.events, done.unchanged, done.alerts = raised.looked_at, raised.unchanged, raised.alerts
    for alert in raised.alerts:
        done.by_severity[alert.find.rule.level] += 1
        if alert.version == 1:
            done.raised += 1
        else:
            done.joined += 1
    done.seconds = time.monotonic() - began
    return done


def _decision(one: Suppression | Threshold) -> str:
    return f"{one.rule} ({one.owner}, until {one.until})"


def of_days(archive: Archive) -> Events:
    """Rows of the files of the days that are asked for."""

    def events(table: str, since: datetime, until: datetime) -> str:
        rows_of = events_of_days if table == EVENTS else versions_of_days
        return rows_of(archive, since.date(), until.date())

    return events


@dataclass(frozen=True)
class _Entry:
    """What a run has to write: alerts, how far the rules came, and the hourly ones if they had their turn."""

    raised: Raised
    commits: Commits
    hourly: Commits | None
    computed: list[ComputedTurn]
    evidence: dict[str, Any]

    def worth_writing(self) -> bool:
        looked = self.commits.through - self.commits.after
        turned = self.hourly is not None or bool(self.computed)
        return bool(self.raised.alerts or +self.raised.suppressed) or turned or looked >= _QUIET_COMMITS


def _commit(archive: Archive, entry: _Entry) -> bool:
    """Write the entry of a run; False where another writer has looked at some of the commits meanwhile."""
    raised, commits, objects = entry.raised, entry.commits, []
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
    written = False

    def build(state: LogState) -> Draft | None:
        nonlocal written
        hourly = due_hourly(state)
        if due(state).after != commits.after or (entry.hourly and hourly.after != entry.hourly.after):
            return None
        if any(looked_at(state, turn.source) != turn.commits.after for turn in entry.computed):
            return None
        reached = entry.hourly.through if entry.hourly else hourly.after
        written = True
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
                HOURLY: reached + 1 - state.table(TABLE).counts.get(HOURLY, 0),
                **{position_of(turn.source): turn.commits.through - turn.commits.after for turn in entry.computed},
                "suppressed_by_rule": dict(sorted((+raised.suppressed).items())),
                **({"suppressions": raised.decisions} if raised.decisions else {}),
                **{name: value for name, value in entry.evidence.items() if value},
            },
        )

    archive.append(build)
    return written


def _shown(alert: Alert) -> dict[str, Any]:
    row = alert.row()
    for name in ("first_at", "last_at", "detected_at"):
        row[name] = row[name].isoformat()  # type: ignore[attr-defined]
    return row
