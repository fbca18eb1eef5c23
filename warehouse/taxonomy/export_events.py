"""Which feed type an event of the console's audit-log export corresponds to.

Promise: an answer names only listed feed types, says where it comes from, and never guesses between several.
Source: the wire reference section 2.3: 35 documented events, the published table of differing names,
families of names.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

from warehouse.taxonomy.taxonomy import load

EXPORT_EVENTS_CSV: Final = Path(__file__).with_name("export_events.csv")


@dataclass(frozen=True, slots=True)
class ExportMapping:
    """What an export event is in the feed.

    `relation`: `same` name, `renamed`, `one_of` several that the row cannot tell apart, `none` (the feed has
    no such event), `unknown` (no rule covers it).
    """

    feed_types: tuple[str, ...]
    note: str
    relation: str

    @property
    def feed_type(self) -> str | None:
        """The feed type, where there is exactly one."""
        return self.feed_types[0] if len(self.feed_types) == 1 else None


@dataclass(frozen=True, slots=True)
class _Rule:
    event: str
    condition: tuple[str, str] | None
    documented: bool
    mapping: ExportMapping


@dataclass(frozen=True, slots=True)
class _Rules:
    exact: dict[str, tuple[_Rule, ...]]  # those with a condition first
    families: tuple[tuple[str, str, str], ...]  # prefix, prefix in the feed, relation; longest prefix first


def feed_type_for_export_event(event: str, event_info: Mapping[str, object] | None = None) -> ExportMapping:
    """The mapping of `event`; `event_info` (the row's parsed cell) decides where the name alone does not.

    Never raises: an event without a rule maps to the feed type of its own name if there is one, else to none.
    """
    rules = _rules()
    for rule in rules.exact.get(event, ()):
        if rule.condition is None or _holds(rule.condition, event_info):
            return rule.mapping
    return _by_family(event, rules)


def documented_events() -> frozenset[str]:
    """The export events that the vendor's support article names."""
    return frozenset(event for event, rules in _rules().exact.items() if rules[-1].documented)


def _by_family(event: str, rules: _Rules) -> ExportMapping:
    listed = load().types
    for prefix, feed_prefix, relation in rules.families:
        renamed = feed_prefix + event.removeprefix(prefix)
        if event.startswith(prefix) and renamed in listed:
            return ExportMapping((renamed,), f"family {prefix}*", relation)
    if event in listed:
        return ExportMapping((event,), "a feed type of the same name", "same")
    return ExportMapping((), "no feed type known for this event", "unknown")


def _holds(condition: tuple[str, str], event_info: Mapping[str, object] | None) -> bool:
    name, wanted = condition
    return event_info is not None and str(event_info.get(name)).lower() == wanted


@cache
def _rules() -> _Rules:
    exact: dict[str, tuple[_Rule, ...]] = {}
    families: list[tuple[str, str, str]] = []
    with EXPORT_EVENTS_CSV.open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            event, types = row["event"], row["feed_types"]
            if event.endswith("*"):
                families.append((event[:-1], types[:-1], row["relation"]))
                continue
            name, equals, value = row["when"].partition("=")
            mapping = ExportMapping(tuple(types.split("|")) if types else (), row["note"], row["relation"])
            rule = _Rule(event, (name, value) if equals else None, row["documented"] == "true", mapping)
            known = exact.get(event, ())
            exact[event] = (rule, *known) if rule.condition else (*known, rule)
    families.sort(key=lambda family: len(family[0]), reverse=True)
    return _Rules(exact, tuple(families))
