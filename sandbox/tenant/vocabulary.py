"""The 514 activity types and their fields, from `sandbox/data` (vendor's pages of August and September 2026)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from sandbox.data import data_text


@dataclass(frozen=True, slots=True)
class ActivityType:
    """One type: which actor kinds may do it (empty = any of the 11) and its extra fields as (name, type text)."""

    name: str
    actors: tuple[str, ...]
    fields: tuple[tuple[str, str], ...]
    documented: bool


@lru_cache(maxsize=1)
def activity_types() -> dict[str, ActivityType]:
    """All 514 types by name, in the list's order; those without a row in the table have no known fields."""
    rows: dict[str, tuple[tuple[str, ...], tuple[tuple[str, str], ...]]] = {}
    for line in data_text("activity-fields.tsv").splitlines()[1:]:
        name, actors, fields = (line + "\t\t").split("\t")[:3]
        kinds = () if actors == "any" else tuple(sorted(actors.split(",")))
        rows[name] = (kinds, tuple(_field(part) for part in fields.split("; ") if part.strip()))
    types = {}
    for name in data_text("activity-types.txt").split():
        kinds, extra = rows.get(name, ((), ()))
        types[name] = ActivityType(name, kinds, extra, name in rows)
    return types


def _field(text: str) -> tuple[str, str]:
    name, _, kind = text.strip().partition(": ")
    return name, kind
