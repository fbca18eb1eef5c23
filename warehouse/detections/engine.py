"""Runs rules over what the log added, and gives the alerts that follow from it.

Promise: alerts follow from commits, not from the clock. A window that was pulled days late raises its alerts,
once; the same commits raise the same alerts, with the same ids, however often they are looked at.
Events that complete an alert raised before join it, as its next version; none is ever raised twice.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import duckdb

from warehouse.detections.alert import Alert, Find, alert_id
from warehouse.detections.places import Places
from warehouse.detections.reading import Events, everything, finds_of, gather
from warehouse.detections.rule import Rule
from warehouse.detections.suppression import Suppression, Suppressions
from warehouse.wire.windows import Window


@dataclass(frozen=True, kw_only=True)
class Commits:
    """What is new: commits above `after` up to `through`, and the times of their events (merged, in order)."""

    after: int
    through: int
    spans: tuple[Window, ...]


@dataclass
class Raised:
    """What one run came to. `looked_at`: events that any rule could match, with those read for the look-back."""

    alerts: list[Alert] = field(default_factory=list)
    finds: int = 0
    unchanged: int = 0
    looked_at: int = 0
    suppressed: Counter[str] = field(default_factory=Counter)  # finds by the rule's file name
    decisions: list[dict[str, Any]] = field(default_factory=list)  # the suppressions behind them, as evidence

    def __iadd__(self, other: "Raised") -> "Raised":
        self.alerts += other.alerts
        self.finds += other.finds
        self.unchanged += other.unchanged
        self.looked_at += other.looked_at
        self.suppressed += other.suppressed
        self.decisions += other.decisions
        return self


def run(
    db: duckdb.DuckDBPyConnection,
    rules: Iterable[Rule],
    commits: Commits,
    *,
    detected_at: datetime,
    events: Events = everything,
    suppressions: Suppressions | None = None,
    places: Places | None = None,
) -> Raised:
    """The alerts of every rule over the new commits. `db` is a connection of the catalogue, with `alerts`.

    Nothing is written; temporary tables of the connection are replaced.
    """
    done, raised, unwanted = Raised(), dict[str, Alert](), dict[str, tuple[str, Suppression]]()
    rules = list(rules)
    for span in commits.spans:
        done.looked_at += gather(db, rules, span, events)
        for rule in rules:
            finds = [find for find in finds_of(db, rule, span, events, places) if _is_new(find, commits)]
            if suppressions is not None:
                held = [(find, suppressions.of(find)) for find in finds]
                unwanted |= {alert_id(find): (rule.path.stem, why) for find, why in held if why is not None}
                finds = [find for find, why in held if why is None]
            done.finds += len(finds)
            if finds:
                done.unchanged += _settle(db, rule, finds, raised, commits, detected_at)
    # by id: what is found again from a later span is one find
    done.alerts, done.suppressed = list(raised.values()), Counter(name for name, _ in unwanted.values())
    done.decisions = _evidence(why for _, why in unwanted.values())
    return done


def _evidence(decided: Iterable[Suppression]) -> list[dict[str, Any]]:
    """Each decision once, with how many finds fell under it."""
    counted: list[tuple[Suppression, int]] = []
    every = list(decided)
    for one in every:
        if all(one is not known for known, _ in counted):
            counted.append((one, sum(one is other for other in every)))
    return [one.evidence(finds) for one, finds in counted]


def spans(
    times: Iterable[tuple[datetime, datetime]], *, apart: timedelta = timedelta(hours=6)
) -> tuple[Window, ...]:
    """First and last times as half-open windows, those closer than `apart` together."""
    merged: list[list[datetime]] = []
    for first, last in sorted(times):
        if merged and first - merged[-1][1] <= apart:
            merged[-1][1] = max(merged[-1][1], last)
        else:
            merged.append([first, last])
    return tuple(Window(first, last + timedelta(microseconds=1)) for first, last in merged)


def _is_new(find: Find, commits: Commits) -> bool:
    return any(commits.after < seq <= commits.through for seq in find.commit_seqs)


def _settle(
    db: duckdb.DuckDBPyConnection,
    rule: Rule,
    finds: Sequence[Find],
    raised: dict[str, Alert],
    commits: Commits,
    detected_at: datetime,
) -> int:
    """Compare what was found with the alerts that are there: new, joined by further events, or known.

    `raised` are the alerts of this run by id, of other spans too: a rule that looks back from a later span finds
    again what it found in an earlier one. Returns how many finds were known.
    """
    held, unchanged = _Held(db, rule, min(find.first_at for find in finds)), 0
    for alert in raised.values():
        if alert.find.rule.id == rule.id:
            held.add(alert)
    for find in finds:
        known = held.of(find)
        if known is not None and set(find.event_ids) <= set(known.event_ids):
            unchanged += 1
            continue
        name = known.alert_id if known else alert_id(find)
        earlier = raised.get(name)  # of this same run: one version takes it all
        alert = Alert(
            alert_id=name,
            find=_joined(known, find) if known else find,
            detected_at=detected_at,
            through_seq=commits.through,
            version=earlier.version if earlier else known.version + 1 if known else 1,
            fold=earlier.fold if earlier else "revised" if known else "first",
        )
        held.add(alert)
        raised[name] = alert
    return unchanged


@dataclass(frozen=True)
class _Known:
    alert_id: str
    version: int
    first_at: datetime
    last_at: datetime
    event_ids: tuple[str, ...]
    commit_seqs: tuple[int, ...]


class _Held:
    """The alerts of a rule that are there, by the events in them."""

    def __init__(self, db: duckdb.DuckDBPyConnection, rule: Rule, since: datetime) -> None:
        rows = db.execute(
            "select alert_id, version, first_at, last_at, event_ids, commit_seqs from alerts "
            "where rule_id = ? and last_at >= ?",
            [rule.id, since],
        ).fetchall()
        self._by_event: dict[str, _Known] = {}
        for row in rows:
            self._note(_Known(row[0], row[1], row[2], row[3], tuple(row[4]), tuple(row[5])))

    def of(self, find: Find) -> _Known | None:
        """The oldest alert that shares an event with the find."""
        known = {
            self._by_event[event].alert_id: self._by_event[event]
            for event in find.event_ids
            if event in self._by_event
        }
        return min(known.values(), key=lambda one: (one.first_at, one.alert_id)) if known else None

    def add(self, alert: Alert) -> None:
        find = alert.find
        self._note(
            _Known(alert.alert_id, alert.version, find.first_at, find.last_at, find.event_ids, find.commit_seqs)
        )

    def _note(self, known: _Known) -> None:
        for event in known.event_ids:
            self._by_event[event] = known


def _joined(known: _Known, find: Find) -> Find:
    """The find with the events of the alert that it belongs to: those of the alert first, then the new ones."""
    seqs = dict(zip(known.event_ids, known.commit_seqs, strict=True))
    seqs |= {event: seq for event, seq in zip(find.event_ids, find.commit_seqs, strict=True) if event not in seqs}
    return Find(
        rule=find.rule,
        group=find.group,
        first_at=min(known.first_at, find.first_at),
        last_at=max(known.last_at, find.last_at),
        event_ids=tuple(seqs),
        commit_seqs=tuple(seqs.values()),
    )
