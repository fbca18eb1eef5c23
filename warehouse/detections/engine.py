"""Runs rules over what the log added, and gives the alerts that follow from it.

Promise: alerts follow from commits, not from the clock. A window that was pulled days late raises its alerts,
once; the same commits raise the same alerts, with the same ids, however often they are looked at.
Events that complete an alert raised before join it, as its next version; none is ever raised twice.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import duckdb

from warehouse.detections.alert import Alert, Find, alert_id
from warehouse.detections.condition import fields, literal
from warehouse.detections.places import Places
from warehouse.detections.rule import Rule
from warehouse.detections.source import PLACE_FIELDS
from warehouse.detections.statement import moment, statement
from warehouse.detections.suppression import Suppression, Suppressions
from warehouse.tables.schema import AUDIT_EVENTS
from warehouse.wire.windows import Window

_LOOKED_AT = "detections_events"
_TYPES = "detections_types"


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


# The SELECT that has the rows of a source's table from one moment to another; it may have more.
Events = Callable[[str, datetime, datetime], str]


def everything(table: str, _since: datetime, _until: datetime) -> str:
    """Rows as the catalogue's own view has them."""
    return f"select * from {table}"


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


def gather(db: duckdb.DuckDBPyConnection, rules: Sequence[Rule], span: Window, events: Events) -> int:
    """Read once, for all rules, the events that any of them can match; how many there were.

    The verbatim record comes along only for types whose rules look into it, and only as far as those rules reach.
    """
    audit = [rule for rule in rules if rule.of_table()]
    where = " or ".join(f"({bound})" for bound in _bounds(audit, span)) or "false"
    names = ", ".join(_columns(rules))
    # two readings, so that the records that nobody looks into are never unpacked
    into = " or ".join(f"({bound})" for bound in _deep_bounds(audit, span)) or "false"

    def read(record: str, of: Sequence[Rule], more: str) -> str:
        first, last = _reach_of_all(of, span)
        held = f"({events('audit_events', first, last)}) as held"
        return (
            f"select {names}, {record} as raw from {held} where {more} and {_between(first, last)} and ({where})"
        )

    parts = [
        read("raw", [rule for rule in audit if rule.deep_parts()], f"({into})"),
        read("null", audit, f"coalesce(not ({into}), true)"),
    ]
    db.execute(f"drop table if exists {_LOOKED_AT}")  # before the next one is made: it may fill the memory
    db.execute(f"create temp table {_LOOKED_AT} as " + "\nunion all\n".join(parts))
    db.execute(
        f"create or replace temp table {_TYPES} as select type, count(*) as n from {_LOOKED_AT} group by type"
    )
    row = db.execute(f"select coalesce(sum(n), 0) from {_TYPES}").fetchone()
    return int(row[0]) if row else 0


def _reach_of_all(rules: Sequence[Rule], span: Window) -> tuple[datetime, datetime]:
    """What some rules together have to read; without any, the span."""
    reaches = [reach_of(rule, span) for rule in rules] or [(span.start, span.end)]
    return min(since for since, _ in reaches), max(until for _, until in reaches)


def _deep_bounds(rules: Iterable[Rule], span: Window) -> list[str]:
    """Which events are looked into: the types of the parts that do, as far as their rules reach."""
    deep = [(part.types(), reach_of(rule, span)) for rule in rules for part in rule.deep_parts()]
    bounds = {
        _between(*reach) + (f" and type in ({_listed(types)})" if types is not None else "")
        for types, reach in deep
    }
    return sorted(bounds)


def _bounds(rules: Iterable[Rule], span: Window) -> list[str]:
    """What the rules read, in as few conditions as there are different reaches: each type as far as any rule that
    reads it, and what rules that are bound to no type look for."""
    by_type: dict[str, tuple[datetime, datetime]] = {}
    loose = []
    for rule in rules:
        since, until = reach_of(rule, span)
        types = rule.types()
        if types is None:
            # where an address is, only the rule's own statement can ask
            of_places = any(fields(part.rule) & set(PLACE_FIELDS) for part in rule.of_table())
            asked = "true" if of_places else " or ".join(part.condition("duckdb") for part in rule.of_table())
            loose.append(f"{_between(since, until)} and ({asked})")
        for kind in types or ():
            first, last = by_type.get(kind, (since, until))
            by_type[kind] = (min(first, since), max(last, until))
    by_reach: dict[tuple[datetime, datetime], list[str]] = {}
    for kind, reach in by_type.items():
        by_reach.setdefault(reach, []).append(kind)
    return [
        f"{_between(*reach)} and type in ({_listed(types)})" for reach, types in sorted(by_reach.items())
    ] + loose


def _between(since: datetime, until: datetime) -> str:
    return f"created_at >= {moment(since)} and created_at < {moment(until)}"


def _may_fire(db: duckdb.DuckDBPyConnection, rule: Rule) -> bool:
    """Whether types that a rule needs are there at all: most rules look for what hardly ever happens."""
    held = dict(db.execute(f"select type, n from {_TYPES}").fetchall())
    found = []
    for part in rule.parts:
        types = part.types() if part.source.name == "audit" else None
        found.append(1 if types is None else sum(held.get(kind, 0) for kind in types))
    return all(found) if rule.kind.startswith("temporal") else any(found)


def _columns(rules: Iterable[Rule]) -> list[str]:
    """The columns of events that any of the rules names."""
    named = set(re.findall(r"\w+", " ".join(statement(rule) for rule in rules))) | {"id", "type"}
    return [name for name in AUDIT_EVENTS.names if name in named and name not in ("raw", "raw_bytes")]


def _listed(types: Iterable[str]) -> str:
    return ", ".join(literal(kind) for kind in sorted(types)) or "''"


def reach_of(rule: Rule, span: Window) -> tuple[datetime, datetime]:
    """What a rule has to read to judge the events of a span: before it, and after it for events that came late."""
    ahead = max(rule.timespan, rule.gap)
    return span.start - timedelta(seconds=rule.look_back), span.end + timedelta(seconds=ahead)


def finds_of(
    db: duckdb.DuckDBPyConnection,
    rule: Rule,
    span: Window,
    events: Events,
    places: Places | None = None,
    *,
    gathered: bool = True,
) -> list[Find]:
    """What one rule finds in and around a span. `places`: for rules that read some. `gathered`: out of what
    `gather` read for it; else out of the events themselves."""
    if gathered and not _may_fire(db, rule):
        return []
    since, until = reach_of(rule, span)
    relation = {
        part.source.name: _LOOKED_AT
        if gathered and part.source.name == "audit"
        else _held(part.source.table, since, until, events)
        for part in rule.parts
    }
    if rule.needs():
        types = rule.types()
        of_rule = "" if types is None else f" and type in ({_listed(types)})"
        bound = f"created_at >= {moment(since)} and created_at < {moment(until)}{of_rule}"
        (places or Places()).note(db, f"select ip_address from {relation[rule.feed()]} where {bound}")
    answer = db.execute(statement(rule, since=since, until=until, relation=relation))
    names = [column[0] for column in answer.description or ()]
    return [_find(rule, dict(zip(names, row, strict=True))) for row in answer.fetchall()]


def _held(table: str, since: datetime, until: datetime, events: Events) -> str:
    return f"({events(table, since, until)}) as held"


def _find(rule: Rule, row: dict[str, Any]) -> Find:
    return Find(
        rule=rule,
        group={name: row[f"g{index}"] for index, name in enumerate(rule.group_by)},
        first_at=row["first_at"],
        last_at=row["last_at"],
        event_ids=tuple(row["event_ids"]),
        commit_seqs=tuple(row["commit_seqs"]),
    )


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
