"""One event type and what is known of it.

A row of `event_types.csv`, or the best effort for a type nobody has listed; both have the same shape.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from warehouse.taxonomy.declared import Field


@dataclass(frozen=True, slots=True)
class EventType:
    """What a feed `type` is. The words are those of `vocabulary`; `object` is what the event is about.

    `actor_types` are the actor kinds the reference allows, None where it names none.
    `fields` are the extra top-level fields; empty and not `documented_fields`: nobody has listed them.
    `outcome_field` is the dotted place in the record that tells the outcome when the type does not; the two
    patterns match the whole of its text (`true`, `200`, `imported`).
    """

    type: str
    category: str
    verb: str
    object: str
    outcome: str
    severity: str
    is_login: bool = False
    is_admin_change: bool = False
    data_movement: str = ""
    self_audit: bool = False
    outcome_field: str = ""
    success_when: str = ""
    failure_when: str = ""
    actor_types: frozenset[str] | None = None
    documented_fields: bool = False
    fields: tuple[Field, ...] = ()
    note: str = ""
    listed: bool = True

    def outcome_of(self, record: Mapping[str, Any]) -> str:
        """The outcome of one record of this type: its `outcome_field` if that tells, else the type's."""
        if not self.outcome_field:
            return self.outcome
        value: Any = record
        for name in self.outcome_field.split("."):
            value = value.get(name) if isinstance(value, Mapping) else None
        if isinstance(value, bool):
            value = str(value).lower()
        if not isinstance(value, str | int):
            return self.outcome
        text = str(value)
        if self.success_when and re.fullmatch(self.success_when, text):
            return "success"
        if self.failure_when and re.fullmatch(self.failure_when, text):
            return "failure"
        return self.outcome
