"""Loads the table of event types and answers the questions asked once per record.

Promise: loading takes milliseconds and needs nothing but the standard library; every lookup afterwards is a
dictionary access, and no lookup raises for a type nobody has listed.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Final

from warehouse.taxonomy.actors import ACTOR_FIELDS, ENVELOPE_FIELDS
from warehouse.taxonomy.declared import parse_fields
from warehouse.taxonomy.event_type import EventType
from warehouse.taxonomy.unlisted import classify_unknown

EVENT_TYPES_CSV: Final = Path(__file__).with_name("event_types.csv")

_NO_VALUES: Final[dict[str, frozenset[str]]] = {}


@dataclass(frozen=True)
class Taxonomy:
    """Every listed event type and actor kind. Treat the dictionaries as read-only: all callers share them."""

    types: dict[str, EventType]
    actor_kinds: dict[str, frozenset[str]]
    _known_fields: dict[str, frozenset[str]] = field(repr=False)
    _enums: dict[str, dict[str, frozenset[str]]] = field(repr=False)

    def get(self, type: str) -> EventType:
        """The listed type, or the best effort for an unlisted one (`listed` is then False)."""
        return self.types.get(type) or classify_unknown(type)

    def known_fields(self, type: str) -> frozenset[str] | None:
        """Envelope and extra fields of `type`; None when nobody has listed its fields."""
        return self._known_fields.get(type)

    def known_actor_fields(self, kind: str) -> frozenset[str] | None:
        """Fields of an actor of `kind` (an `actor.type`), `type` included; None for an unlisted kind."""
        return self.actor_kinds.get(kind)

    def enums(self, type: str) -> dict[str, frozenset[str]]:
        """Field name -> its complete list of known texts, for the fields of `type` that have one."""
        return self._enums.get(type, _NO_VALUES)


@cache
def load() -> Taxonomy:
    """The taxonomy shipped with the package; read once per process."""
    return read(EVENT_TYPES_CSV)


def read(path: Path) -> Taxonomy:
    """The taxonomy in `path`, a CSV with the columns of `event_types.csv`. Raises ValueError on a bad row."""
    with path.open(newline="", encoding="utf-8") as file:
        types = {row["type"]: _event_type(row) for row in csv.DictReader(file)}
    return Taxonomy(
        types=types,
        actor_kinds=ACTOR_FIELDS,
        _known_fields={
            name: ENVELOPE_FIELDS.union(f.name for f in known.fields)
            for name, known in types.items()
            if known.documented_fields
        },
        _enums={
            name: values
            for name, known in types.items()
            if (values := {f.name: f.values for f in known.fields if f.values is not None})
        },
    )


def _event_type(row: dict[str, str]) -> EventType:
    return EventType(
        type=row["type"],
        category=row["category"],
        verb=row["verb"],
        object=row["object"],
        outcome=row["outcome"],
        severity=row["severity"],
        is_login=row["is_login"] == "true",
        is_admin_change=row["is_admin_change"] == "true",
        data_movement=row["data_movement"],
        self_audit=row["self_audit"] == "true",
        outcome_field=row["outcome_field"],
        success_when=row["success_when"],
        failure_when=row["failure_when"],
        actor_types=_actor_types(row["actor_types"]),
        documented_fields=row["documented_fields"] == "true",
        fields=parse_fields(row["fields"]),
        note=row["note"],
    )


def _actor_types(text: str) -> frozenset[str] | None:
    if not text:
        return None
    return frozenset(ACTOR_FIELDS) if text == "any" else frozenset(text.split("|"))
