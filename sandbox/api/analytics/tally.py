"""Rows out of lines: filter, group, sum, sort. The same sums serve usage, cost and the legacy reports.

A row is a bucket x the values of the dimensions grouped by. A person in two groups counts in both when rows are
grouped by `rbac_group_id`, so those rows overlap; every other grouping adds up to the ledger.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from sandbox.tenant.spend.line import Line, Place

Values = tuple[Any, ...]
WHOLE = 0  # bucket width of rows that cover the whole range


@dataclass(slots=True)
class Sum:
    """The sums of one row: tokens by type, requests, searches, micro-cents; parts by (cost_type, token_type)."""

    tokens: list[int] = field(default_factory=lambda: [0, 0, 0, 0, 0])
    requests: int = 0
    searches: int = 0
    list_amount: int = 0
    amount: int = 0
    parts: dict[tuple[str, str | None], list[int]] = field(default_factory=dict)

    @property
    def total_tokens(self) -> int:
        return sum(self.tokens)


@dataclass(frozen=True, slots=True)
class Row:
    """A bucket (the minute it begins), the values of the dimensions in the order asked for, and the sums."""

    bucket: int
    values: Values
    sum: Sum


@dataclass(frozen=True, slots=True)
class Grouping:
    """What makes a row: bucket width in minutes (WHOLE: none), dimensions, and whether costs fan out."""

    width: int = WHOLE
    dimensions: tuple[str, ...] = ()
    by_cost_type: bool = False
    by_token_type: bool = False
    only_groups: frozenset[str] = frozenset()


def tally(lines: Iterable[Line], grouping: Grouping, keep: Callable[[Place], bool]) -> list[Row]:
    """The rows of `lines` whose place is kept, in no order."""
    sums: dict[tuple[int, Values], Sum] = {}
    keys: dict[int, tuple[Place, list[Values]]] = {}  # by id(place), which is kept so that no id comes twice
    width, fans = grouping.width, grouping.by_cost_type or grouping.by_token_type
    for line in lines:
        place = line.place
        known = keys.get(id(place))
        if known is None:
            known = keys[id(place)] = (place, _values(place, grouping) if keep(place) else [])
        for values in known[1]:
            key = (line.minute // width if width else 0, values)
            into = sums.get(key)
            if into is None:
                into = sums[key] = Sum()
            _add(into, line)
            if fans:
                _fan(into, line, grouping)
    return [Row(bucket * width, values, total) for (bucket, values), total in sums.items()]


def _add(into: Sum, line: Line) -> None:
    tokens = into.tokens
    for at, count in enumerate(line.tokens):
        tokens[at] += count
    into.requests += line.requests
    into.searches += line.searches
    into.list_amount += line.list_amount
    into.amount += line.amount


def _fan(into: Sum, line: Line, grouping: Grouping) -> None:
    """By token type alone only tokens have rows; by both, the other kinds of cost have theirs as well."""
    for part in line.parts:
        if part.cost_type != "tokens" and not grouping.by_cost_type:
            continue
        key = (part.cost_type, part.token_type if grouping.by_token_type else None)
        pair = into.parts.setdefault(key, [0, 0])
        pair[0] += part.list_amount
        pair[1] += part.amount


def _values(place: Place, grouping: Grouping) -> list[Values]:
    """The rows a place counts in: one, or one for each group of its person."""
    values: list[Any] = [value_of(place, name) for name in grouping.dimensions]
    if "rbac_group_id" not in grouping.dimensions:
        return [tuple(values)]
    at = grouping.dimensions.index("rbac_group_id")
    groups: list[str | None] = [
        group for group in place.groups if not grouping.only_groups or group in grouping.only_groups
    ]
    return [(*values[:at], group, *values[at + 1 :]) for group in groups or [None]]


def value_of(place: Place, name: str) -> Any:
    """A dimension's value: text or None; for `actor` a Who or None."""
    if name == "actor_type":
        return place.actor.kind if place.actor else None
    return None if name == "rbac_group_id" else getattr(place, name)


def in_order(
    rows: list[Row], measure: Callable[[Row], int], *, descending: bool, then: Callable[[Row], int] | None = None
) -> list[Row]:
    """The rows by a measure, then by another, highest first; ties by bucket and values."""
    rows = sorted(rows, key=lambda row: (row.bucket, [_text(value) for value in row.values]))
    if then is not None:
        rows.sort(key=then, reverse=True)
    rows.sort(key=measure, reverse=descending)
    return rows


def _text(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else str(value.id)
