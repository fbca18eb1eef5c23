"""A detection: a Sigma rule, or a correlation of rules, with what Ledgerline adds under `ledgerline:`.

Promise: what is loaded can be run. Status, level, runbook and every field are checked when the file is read, and a
mistake names the file, the rule and what would be right.

    ledgerline:
      why: what happens if nobody looks
      runbook: [steps, in order]
      group-by: [actor]            who shares an alert (default: the actor)
      gap: 15m                     how long nothing may happen for the next to be another alert (default 15m)
      novelty: {field: .., per: [..], look-back: 30d, history: 7d}     the first time that a value is seen
      silence: {per: [..], for: 30d, look-back: 90d}                   an event after so long without any
      travel: {per: [..], km-per-hour: 900, least-km: 500, look-back: 1d}  two places nobody reaches in the time
      true: [[records], ..]        samples that raise an alert
      false: [[records], ..]       samples that raise none

`novelty`, `silence` and `travel` are ours: Sigma has no word for them, so they do not travel to a SIEM.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from sigma.collection import SigmaCollection
from sigma.correlations import SigmaCorrelationRule
from sigma.exceptions import SigmaError, SigmaLevelError, SigmaStatusError
from sigma.rule import SigmaRule

from warehouse.detections.condition import event_types, fields, predicate
from warehouse.detections.errors import RuleInvalid, RuleTooBroad
from warehouse.detections.levels import LEVELS
from warehouse.detections.rule_file import documents
from warehouse.detections.shape import Kind, correlated, single
from warehouse.detections.source import PLACE_FIELDS, PRODUCT, Source, sources

_STATUSES = ("stable", "test", "experimental", "deprecated", "unsupported")
_KEYS = frozenset(
    {"why", "runbook", "group-by", "gap", "novelty", "silence", "travel", "true", "false", "broad", "controls"}
)
# A rule that looks back further than this reads too much to do so every five minutes.
_PROMPT = 31 * 86_400
# what reading a document of an unforeseen shape ends in, in pySigma and here
_OF_ANOTHER_SHAPE = (TypeError, AttributeError, KeyError, ValueError, IndexError)


@dataclass(frozen=True, kw_only=True)
class Part:
    """One Sigma rule as it takes part in a detection: `name` as a correlation calls it.

    aliases: what the field that the correlation groups by is called in this rule's events.
    """

    name: str
    rule: SigmaRule
    source: Source
    aliases: Mapping[str, str] = field(default_factory=dict)

    def sql(self, name: str) -> str:
        """The expression of a field, or of what it is called here."""
        return self.source.sql(self.aliases.get(name, name))

    def types(self) -> frozenset[str] | None:
        """The event types it can match; None where it is bound to none."""
        return event_types(self.rule)

    def condition(self, dialect: Literal["duckdb", "athena"]) -> str:
        return predicate(self.rule, self.source, dialect)

    def reads_record(self, names: Iterable[str]) -> bool:
        """Whether it looks into the verbatim record, for its condition or for one of these fields."""
        return any("(raw, " in text for text in (self.condition("duckdb"), *map(self.sql, names)))


@dataclass(frozen=True, kw_only=True)
class Rule:
    """One detection. Times in seconds.

    version: the first 12 hex digits of the SHA-256 of its file, so that an alert says which text raised it.
    gap: events of a group that are further apart belong to different alerts. threshold: how many events, values or
    parts within `timespan` (one for kind `each`). look_back: how far before a window the rule has to read.
    hourly: whether it takes its turn once an hour instead of at each run, since it looks back over a month.
    samples: (raises an alert or not, records).
    """

    id: str
    title: str
    status: str
    level: str
    description: str
    why: str
    tags: tuple[str, ...]
    runbook: tuple[str, ...]
    false_positives: tuple[str, ...]
    references: tuple[str, ...]
    controls: tuple[str, ...]
    version: str
    kind: Kind
    parts: tuple[Part, ...]
    group_by: tuple[str, ...]
    timespan: int
    gap: int
    threshold: int
    value_field: str | None
    look_back: int
    own: Mapping[str, Any] = field(default_factory=dict)
    broad: bool = False
    hourly: bool = False
    samples: tuple[tuple[bool, tuple[dict[str, Any], ...]], ...] = ()
    path: Path
    sigma: SigmaCollection = field(repr=False)

    @property
    def source(self) -> Source:
        """What it reads; of two log sources the one that is computed."""
        return next((part.source for part in self.parts if part.source.computed), self.parts[0].source)

    def of_table(self) -> tuple[Part, ...]:
        """The parts that read `audit_events`."""
        return tuple(part for part in self.parts if part.source.name == "audit")

    def feed(self) -> str:
        """The log source of events among those that it reads: the one whose addresses have places."""
        return next(part.source.name for part in self.parts if part.source.open)

    def types(self) -> frozenset[str] | None:
        """The event types it can match; None where any part that reads events is bound to none."""
        found = [part.types() for part in self.parts if not part.source.computed]
        return frozenset().union(*(t for t in found if t)) if all(t is not None for t in found) else None

    def needs(self) -> frozenset[str]:
        """The fields of places that it reads; a rule without any needs no file of places."""
        named = {*self.group_by, *([self.value_field] if self.value_field else [])}
        named |= {"latitude", "longitude"} if self.kind == "travel" else set()
        read = {part.aliases.get(name, name) for part in self.parts for name in named}
        return frozenset(read.union(*(fields(part.rule) for part in self.parts)) & set(PLACE_FIELDS))

    def deep_parts(self) -> tuple[Part, ...]:
        """The parts that look into the verbatim record for a field that has no column."""
        names = [*self.group_by, *([self.value_field] if self.value_field else [])]
        return tuple(part for part in self.of_table() if part.reads_record(names))


def read(path: Path) -> Rule:
    """The detection in a file: one Sigma rule, or several and one correlation. Raises RuleInvalid."""
    try:
        found, version = documents(path)
        collection = SigmaCollection.from_dicts(found)
        collection.resolve_rule_references()
        rule = _rule(path, collection, version)
    except RuleInvalid as problem:
        named = str(problem).startswith(path.name)
        raise type(problem)(
            f"{problem}" if named else f"{path.name}: {problem}", remedy=problem.remedy
        ) from problem
    except (SigmaError, RecursionError, *_OF_ANOTHER_SHAPE) as problem:
        inner = isinstance(problem, TypeError | AttributeError | KeyError | IndexError | RecursionError)
        why = "a part of it is a text, a list or a table where Sigma wants another" if inner else problem
        right = "correct it; docs/detections.md shows a whole one (in YAML, off, on, no and yes are no texts)"
        if isinstance(problem, SigmaStatusError | SigmaLevelError):
            allowed = _STATUSES if isinstance(problem, SigmaStatusError) else LEVELS
            right = f"it is one of {', '.join(allowed)}"
        raise RuleInvalid(f"{path.name} is no Sigma rule: {why}", remedy=right) from problem
    return rule


def _rule(path: Path, collection: SigmaCollection, version: str) -> Rule:
    plain = [rule for rule in collection.rules if isinstance(rule, SigmaRule)]
    correlations = [rule for rule in collection.rules if isinstance(rule, SigmaCorrelationRule)]
    if len(correlations) > 1 or (not correlations and len(plain) != 1) or not plain:
        raise RuleInvalid(
            f"it holds {len(plain)} rules and {len(correlations)} correlations",
            remedy="a file is one rule, or one correlation with the rules it refers to",
        )
    parts = tuple(_part(rule, correlations) for rule in plain)
    if len({part.source.turn for part in parts} - {"audit"}) > 1 or len({p.source.name for p in parts}) > 2:
        raise RuleInvalid(
            "its rules read too many log sources", remedy="correlate rules of one, or of audit and one other"
        )
    head: SigmaRule | SigmaCorrelationRule = correlations[0] if correlations else plain[0]
    ours = _ours(head)
    _check_head(head, ours)
    shape = correlated(correlations[0], len(parts)) if correlations else single(ours)
    rule = Rule(
        id=str(head.id),
        title=head.title,
        status=str(head.status),
        level=str(head.level),
        description=(head.description or "").strip(),
        why=str(ours["why"]).strip(),
        tags=tuple(str(tag) for tag in head.tags),
        runbook=tuple(str(step).strip() for step in ours["runbook"]),
        false_positives=tuple(str(text) for text in head.falsepositives),
        references=tuple(str(text) for text in head.references),
        controls=tuple(str(text) for text in ours.get("controls", ())),
        version=version,
        parts=parts,
        broad=bool(ours.get("broad")),
        hourly=shape["look_back"] > _PROMPT and not any(part.source.computed for part in parts),
        samples=_samples(ours),
        path=path,
        sigma=collection,
        **shape,
    )
    _check_fields(rule)
    if rule.types() is None and not rule.broad:
        _check_breadth(rule)
    return rule


def _part(rule: SigmaRule, correlations: Sequence[SigmaCorrelationRule]) -> Part:
    service = rule.logsource.service
    if rule.logsource.product != PRODUCT or service not in sources():
        raise RuleInvalid(
            f"rule {rule.title!r} reads log source {rule.logsource.product}/{service}, which is not here",
            remedy=f"product is {PRODUCT!r} and service one of {', '.join(sources())}",
        )
    name = rule.name or str(rule.id)
    aliases = {
        alias.alias: field
        for correlation in correlations
        for alias in correlation.aliases
        for reference, field in alias.mapping.items()
        if reference.reference in (name, str(rule.id))
    }
    return Part(name=name, rule=rule, source=sources()[service], aliases=aliases)


def _ours(head: SigmaRule | SigmaCorrelationRule) -> dict[str, Any]:
    ours = (head.custom_attributes or {}).get("ledgerline")
    if not isinstance(ours, dict):
        raise RuleInvalid(f"rule {head.title!r} has no part 'ledgerline'", remedy="add why and runbook under it")
    strange = sorted(set(ours) - _KEYS)
    if strange:
        raise RuleInvalid(
            f"'ledgerline' has no {', '.join(strange)}", remedy=f"it takes {', '.join(sorted(_KEYS))}"
        )
    return ours


def _check_head(head: SigmaRule | SigmaCorrelationRule, ours: Mapping[str, Any]) -> None:
    missing = [name for name in ("why", "runbook") if not ours.get(name)]
    missing += [name for name in ("id", "title", "status", "level", "description") if not getattr(head, name)]
    if missing:
        raise RuleInvalid(
            f"rule {head.title!r} lacks {', '.join(missing)}", remedy="a rule without them wakes nobody"
        )
    if str(head.level) not in LEVELS or str(head.status) not in _STATUSES:
        raise RuleInvalid(f"rule {head.title!r} has level {head.level} and status {head.status}")
    if not isinstance(ours["why"], str):
        raise RuleInvalid("why is no text", remedy="say in a sentence what happens if nobody looks")
    if not isinstance(ours["runbook"], list):
        raise RuleInvalid("the runbook is no list", remedy="write each step as an item of a list")


def _samples(ours: Mapping[str, Any]) -> tuple[tuple[bool, tuple[dict[str, Any], ...]], ...]:
    found = []
    for fires, key in ((True, "true"), (False, "false")):
        for sample in ours.get(key, ()):
            if not isinstance(sample, list) or not all(isinstance(record, dict) for record in sample):
                raise RuleInvalid(f"a sample under {key!r} is no list of records")
            found.append((fires, tuple(sample)))
    return tuple(found)


def _check_fields(rule: Rule) -> None:
    """Every field that the rule names exists, and every part can be written as SQL."""
    for part in rule.parts:
        for name in sorted(fields(part.rule)):
            part.source.sql(name)
        for name in (*rule.group_by, *([rule.value_field] if rule.value_field else [])):
            part.sql(name)
        for name in ("latitude", "longitude") if rule.kind == "travel" else ():
            part.sql(name)
        part.condition("duckdb")
        part.condition("athena")


def _check_breadth(rule: Rule) -> None:
    """A rule over all events must say what it looks for in a field that is not on every event."""
    loose = [
        part.name
        for part in rule.parts
        if part.types() is None and part.source.open and not fields(part.rule) - {"actor_type", "type", "id"}
    ]
    if loose:
        raise RuleTooBroad(
            f"rule {rule.title!r} is bound to no event type and would match nearly every event",
            remedy="name the types it looks for, or set 'broad: true' under 'ledgerline' if that is meant",
        )
