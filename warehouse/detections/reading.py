"""What rules read and what they find in it: the events that any of a run's rules can match, read once for all.

Promise: an event is read only as far as a rule reaches, its verbatim record only where a rule looks into it.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import duckdb

from warehouse.detections.alert import Find
from warehouse.detections.condition import fields
from warehouse.detections.places import Places
from warehouse.detections.rule import Rule
from warehouse.detections.source import PLACE_FIELDS
from warehouse.detections.statement import moment, statement
from warehouse.tables.schema import AUDIT_EVENTS
from warehouse.tables.sql_literal import literal
from warehouse.wire.windows import Window

_LOOKED_AT = "detections_events"
_TYPES = "detections_types"
_BEGINNING = datetime(1, 1, 1, tzinfo=UTC)

# The SELECT that has the rows of a source's table from one moment to another; it may have more.
Events = Callable[[str, datetime, datetime], str]


def everything(table: str, _since: datetime, _until: datetime) -> str:
    """Rows as the catalogue's own view has them."""
    return f"select * from {table}"


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


def _lacks_rows(db: duckdb.DuckDBPyConnection, rule: Rule, relation: Mapping[str, str]) -> bool:
    """Whether computed rows that a rule needs are not there at all, however much the feed has."""
    own = [relation[part.source.name] for part in rule.parts if part.source.computed]
    needed = bool(own) and (rule.kind.startswith("temporal") or len(own) == len(rule.parts))
    return needed and not any(db.execute(f"select 1 from {name} limit 1").fetchone() for name in own)


def _columns(rules: Iterable[Rule]) -> list[str]:
    """The columns of events that any of the rules names."""
    named = set(re.findall(r"\w+", " ".join(statement(rule) for rule in rules))) | {"id", "type"}
    return [name for name in AUDIT_EVENTS.names if name in named and name not in ("raw", "raw_bytes")]


def _listed(types: Iterable[str]) -> str:
    return ", ".join(literal(kind) for kind in sorted(types)) or "''"


def reach_of(rule: Rule, span: Window) -> tuple[datetime, datetime]:
    """What a rule has to read to judge the events of a span: before it, and after it for events that came late."""
    ahead = max(rule.timespan, rule.gap)
    back = min(timedelta(seconds=rule.look_back), span.start - _BEGINNING)
    return span.start - back, span.end + timedelta(seconds=ahead)


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
    if _lacks_rows(db, rule, relation):
        return []
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
