"""What is wrong with a rule that only its samples, or events of every type, can tell.

Promise: a sample is an event that the vendor could have sent, so that a mistyped field never makes a trial that
proves nothing; a rule that would match most types of event is refused unless it says that this is meant.
"""

from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from typing import Any

from warehouse.detections.condition import fields
from warehouse.detections.errors import RuleInvalid, RuleTooBroad
from warehouse.detections.places import TABLE as PLACES
from warehouse.detections.rule import Part, Rule
from warehouse.detections.samples import OURS, events
from warehouse.detections.shape import seconds
from warehouse.detections.trial import bench
from warehouse.taxonomy import load
from warehouse.taxonomy.actors import ENVELOPE_FIELDS

# The share of the documented types of event that a rule may match without `broad: true`.
MOST = 0.5
_FOLDS = ("first", "revised", "withdrawn")


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
    yield from _wrong_actor(record.get("actor", {}))
    yield from _wrong_words(record)


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
        if not isinstance(number, int) or isinstance(number, bool) or number < 1:
            yield f"{name} is {number!r}, not a whole number from 1"
    if record.get("fold", "first") not in _FOLDS:
        yield f"fold is {record['fold']!r}, not one of {', '.join(_FOLDS)}"


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
