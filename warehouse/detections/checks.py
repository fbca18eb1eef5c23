"""What is wrong with a rule that only its samples, or events of every type, can tell.

Promise: a sample is an event that the vendor could have sent, so that a mistyped field never makes a trial that
proves nothing; a rule that would match most types of event is refused unless it says that this is meant.
"""

from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from typing import Any

import duckdb

from warehouse.detections.condition import fields
from warehouse.detections.errors import RuleInvalid, RuleTooBroad
from warehouse.detections.places import TABLE as PLACES
from warehouse.detections.rule import Part, Rule
from warehouse.detections.samples import OURS, events
from warehouse.detections.shape import seconds
from warehouse.detections.trial import bench, raised
from warehouse.taxonomy import Field, load
from warehouse.taxonomy.actors import ENVELOPE_FIELDS
from warehouse.wire.times import parse_rfc3339

# The share of the documented types of event that a rule may match without `broad: true`.
MOST = 0.5
# How many records `repeat` may make of one.
_MOST_RECORDS = 100_000
_KINDS: dict[str, type | tuple[type, ...]] = {
    "string": str,
    "boolean": bool,
    "number": (int, float),
    "array": list,
    "object": dict,
    "map": dict,
}
_FOLDS = ("first", "revised", "withdrawn")


def doubts(rule: Rule) -> list[str]:
    """What may be a mistake: types that nobody has listed, and that no sample shows that the rule fires."""
    listed = load().types
    found = []
    for kind in sorted((rule.types() or frozenset()) - set(listed)):
        near = get_close_matches(kind, listed, n=1)
        said = f" (did you mean {near[0]}?)" if near else ""
        found.append(f"looks for the type {kind!r}, which nobody has listed{said}")
    if not any(fires for fires, _ in rule.samples):
        found.append("has no sample that should raise an alert, so nothing shows that it fires")
    return found


def check_samples(rule: Rule) -> None:
    """Raises RuleInvalid, naming every sample that is no event of the feed and why."""
    feeds = {part.source.name for part in rule.parts if part.source.open}
    one = len({part.source.name for part in rule.parts}) == 1
    unlisted = any("unknown_event" in fields(part.rule) for part in rule.parts)
    mistakes = [
        f"sample {number}: {wrong}"
        for number, (_, sample) in enumerate(rule.samples, start=1)
        for record in sample
        if record.get("source", rule.source.name if one else "audit") in feeds
        for wrong in _wrong(record, unlisted)
    ]
    if mistakes:
        raise RuleInvalid("; ".join(dict.fromkeys(mistakes)), remedy="correct the samples under 'ledgerline'")


def _wrong(record: Mapping[str, Any], unlisted: bool) -> Iterable[str]:
    taxonomy = load()
    kind = record.get("type")
    if not isinstance(kind, str):
        yield "a record without a type"
        return
    known = taxonomy.known_fields(kind)
    if kind not in taxonomy.types and not unlisted:
        near = get_close_matches(kind, taxonomy.types, n=1)
        yield f"no event is of type {kind!r}" + (f" (did you mean {near[0]}?)" if near else "")
    strange = set(record) - known - set(OURS) if known is not None else set()
    for name in sorted(strange):
        near = get_close_matches(name, (known or frozenset()) - ENVELOPE_FIELDS, n=1)
        yield f"{kind} has no field {name!r}" + (f" (did you mean {near[0]}?)" if near else "")
    for field in taxonomy.types[kind].fields if kind in taxonomy.types else ():
        yield from _wrong_value(field, record)
    yield from _wrong_actor(record.get("actor", {}))
    yield from _wrong_words(record)


def _wrong_value(field: Field, record: Mapping[str, Any]) -> Iterable[str]:
    """A value of another kind than the vendor's reference says: the feed has no such event."""
    value = record.get(field.name)
    if value is None or " or object" in field.declared:
        return
    word = field.declared.removeprefix("optional ").partition(" ")[0].partition("[")[0]
    of_kind = _KINDS.get(word, str)
    if word == "boolean" and value in ("true", "false"):
        return  # rules take both, should the vendor write a text
    if not isinstance(value, of_kind) or (isinstance(value, bool) and of_kind is not bool):
        yield f"{field.name} is {value!r}, and not {word if word in _KINDS else 'a text'}"
    elif field.values is not None and value not in field.values:
        yield f"{field.name} is {value!r}, not one of {', '.join(sorted(field.values))}"


def _wrong_actor(actor: Any) -> Iterable[str]:
    if not isinstance(actor, Mapping):
        yield "the actor is no table"
        return
    kind = actor.get("type", "user_actor")
    known = load().known_actor_fields(str(kind))
    if known is None:
        yield f"no actor is of type {kind!r} (there are {', '.join(sorted(load().actor_kinds))})"
        return
    for name in actor:
        if name not in known:
            yield f"a {kind} has no field {name!r} (it has {', '.join(sorted(known))})"


def _wrong_words(record: Mapping[str, Any]) -> Iterable[str]:
    for name in ("every", "after"):
        try:
            seconds(record.get(name, "0s"))
        except RuleInvalid as problem:
            yield f"{name}: {problem}"
    for name in ("repeat", "version"):
        number = record.get(name, 1)
        if not isinstance(number, int) or isinstance(number, bool) or not 1 <= number <= _MOST_RECORDS:
            yield f"{name} is {number!r}, not a whole number from 1 to {_MOST_RECORDS}"
    if "created_at" in record and not _is_time(record["created_at"]):
        yield f"created_at is {str(record['created_at'])!r}, not a time in quotes: '2026-11-02T10:00:00Z'"
    if record.get("fold", "first") not in _FOLDS:
        yield f"fold is {record['fold']!r}, not one of {', '.join(_FOLDS)}"


def _is_time(value: Any) -> bool:
    try:
        return bool(parse_rfc3339(value)) if isinstance(value, str) else False
    except ValueError:
        return False


def check_runs(db: duckdb.DuckDBPyConnection, rule: Rule) -> None:
    """Raises RuleInvalid for a rule whose statement the database refuses, such as one with a regular expression
    that it does not know: it would end each run of all rules."""
    try:
        raised(db, rule, ())
    except duckdb.Error as problem:
        raise RuleInvalid(
            f"rule {rule.title!r} cannot be run: {str(problem).splitlines()[0]}",
            remedy="regular expressions are those of RE2, without looking ahead or back",
        ) from problem


def check_breadth(rule: Rule) -> None:
    """Raises RuleTooBroad for a rule bound to no type that matches more than MOST of one plain event of each."""
    parts = [part for part in rule.parts if part.source.open]
    if rule.broad or rule.types() is not None or not parts:
        return
    kinds = sorted(load().types)
    matched = _matched(parts, kinds)
    if matched > MOST * len(kinds):
        raise RuleTooBroad(
            f"rule {rule.title!r} matches {100 * matched // len(kinds)} % of the types of event, more than "
            f"{MOST:.0%}",
            remedy="name the types it looks for, or set 'broad: true' under 'ledgerline' if that is meant",
        )


def _matched(parts: Iterable[Part], kinds: list[str]) -> int:
    """How many types have an event that any part matches, of one plain event of each."""
    where = " or ".join(f"({part.condition('duckdb')})" for part in parts)
    with bench() as db:
        db.register("plain", events({"type": kind} for kind in kinds))
        row = db.execute(
            f"select count(*) from plain left join {PLACES} on {PLACES}.address = ip_address where {where}"
        ).fetchone()
        db.unregister("plain")
    return int(row[0]) if row else 0
