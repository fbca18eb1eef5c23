"""Reads the declared text of an event type's extra fields, as the vendor's reference writes it.

Promise: nothing is guessed. A value list that the reference cut short ("... or 4 more") is no value list.
Example: `decision: "blocked" or "unspecified"; group_id: optional string or null`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_VALUE = re.compile(r'"([^"]*)"')
_CUT_SHORT = re.compile(r"\bor \d+ more$")


@dataclass(frozen=True, slots=True)
class Field:
    """One top-level extra field of an event type.

    `declared` is the reference's own text. `values` is the complete list of texts the field may hold,
    or None when the field is not such a list or the list is not known in full.
    """

    name: str
    declared: str
    optional: bool
    nullable: bool
    values: frozenset[str] | None


def parse_fields(text: str) -> tuple[Field, ...]:
    """The fields named in `text`, in its order; an empty text declares none.

    Raises ValueError when a part has no `name: type` form.
    """
    return tuple(_parse_field(part.strip()) for part in text.split(";")) if text else ()


def _parse_field(text: str) -> Field:
    name, colon, declared = text.partition(": ")
    if not colon or not name.isidentifier():
        raise ValueError(f"field {text!r} is not of the form 'name: type'; correct its row in event_types.csv")
    shape = declared.removeprefix("optional ")
    nullable = shape.endswith(" or null")
    shape = shape.removesuffix(" or null")
    values = None
    if shape.startswith('"') and not _CUT_SHORT.search(shape):
        values = frozenset(_VALUE.findall(shape))
    return Field(name, declared, declared.startswith("optional "), nullable, values)
