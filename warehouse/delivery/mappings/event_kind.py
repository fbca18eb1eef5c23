"""What is known of an event's type before the event is seen: the taxonomy's words and where its object stands.

Promise: looked up once per type and process; a type nobody has listed gets the taxonomy's best effort.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, Final, NamedTuple

import msgspec

from warehouse.taxonomy import EventType, load

TARGETS_CSV: Final = Path(__file__).with_name("targets.csv")

_PLACE = re.compile(r"(?P<field>\w+)(?:\[(?P<other>\w+)=(?P<value>\w+)\])?")
_REMEMBERED: Final = 256  # outcome texts kept per type; they are few unless somebody plays with us


class Place(NamedTuple):
    """A top-level field of the record; read only where `other` holds `value`, when these are given."""

    field: str
    other: str = ""
    value: str = ""


class Subject(msgspec.Struct, gc=False):
    """Who or what an event is about, as far as its record says; None where it does not.

    `told` is the value of the place that tells the outcome, where the type has one.
    """

    object_id: str | None = None
    object_name: str | None = None
    user_id: str | None = None
    user_email: str | None = None
    group_id: str | None = None
    told: Any = None


SLOTS: Final = ("object_id", "object_name", "user_id", "user_email", "group_id")
NOTHING: Final = Subject()
# Fields of a record that are columns of `audit_events`, too, in which an object may stand.
SUBJECT_COLUMNS: Final = (
    "claude_chat_id",
    "claude_project_id",
    "claude_file_id",
    "filename",
    "user_id",
    "group_id",
    "session_id",
)


class EventKind:
    """One event type: its words, the severity of an event that is tagged, and how to read its subject."""

    __slots__ = (
        "_outcomes",
        "_places",
        "_quick",
        "_quick_many",
        "_slow",
        "columns",
        "listed",
        "severity",
        "severity_tagged",
        "taken",
        "type",
    )

    def __init__(self, known: EventType, places: tuple[tuple[Place, ...], ...]) -> None:
        self.type = known.type
        self.taken = known
        self.listed = known.listed
        self.severity = known.severity
        # A known type with an unheard-of actor is tagged too; what is tagged is never `informational`.
        self.severity_tagged = "low" if known.severity == "informational" else known.severity
        self._places = places
        self._outcomes: dict[tuple[type, Any], str] = {}
        told = known.outcome_field.partition(".")[0]
        names = {name for some in places for place in some for name in (place.field, place.other)} | {told}
        self._slow = _decoder([(name, Any, None) for name in sorted(names - {""})])
        quick = _quick_shape(places, told)
        self.columns = _columns_of(places) if not told else {}
        self._quick: Any = msgspec.json.Decoder(quick).decode if quick is not None else None
        self._quick_many: Any = msgspec.json.Decoder(quick).decode_lines if quick is not None else None

    @property
    def reads(self) -> bool:
        """Whether anything of the record is looked at for an event of this type."""
        return self._slow is not None

    def subject(self, record: bytes) -> Subject:
        """What the record says it is about. Raises ValueError or RecursionError where it is not readable JSON."""
        if self._quick is not None:
            try:
                return self._quick(record)  # type: ignore[no-any-return]
            except msgspec.ValidationError:  # a number where a text belongs
                pass
        if self._slow is None:
            return NOTHING
        fields = self._slow(record)
        told = self.taken.outcome_field.partition(".")[0]
        subject = Subject(told=getattr(fields, told) if told else None)
        for slot, some in zip(SLOTS, self._places, strict=False):
            setattr(subject, slot, _first(some, fields))
        return subject

    def subjects(self, records: Any, count: int) -> list[Subject] | None:
        """What each of `count` records is about, each on a line of its own; None where each has to be asked alone.

        Raises ValueError or RecursionError where one is no readable JSON.
        """
        if self._quick_many is None:
            return None
        try:
            found: list[Subject] = self._quick_many(records)
        except msgspec.ValidationError:  # as above
            return None
        return found if len(found) == count else None

    def outcome(self, told: Any) -> str:
        """How the event ended: what `told` says, the value at its `outcome_field`; else what its type says."""
        known = self.taken
        if not known.outcome_field or told is None:
            return known.outcome
        top = known.outcome_field.partition(".")[0]
        try:
            found = self._outcomes.get((type(told), told))
        except TypeError:  # an object, which holds the outcome deeper down
            return known.outcome_of({top: told})
        if found is None:
            found = known.outcome_of({top: told})
            if len(self._outcomes) < _REMEMBERED:
                self._outcomes[type(told), told] = found
        return found


def _decoder(fields: list[tuple[str, Any, Any]]) -> Callable[[bytes], Any] | None:
    return msgspec.json.Decoder(msgspec.defstruct("Fields", fields, gc=False)).decode if fields else None


def _quick_shape(places: tuple[tuple[Place, ...], ...], told: str) -> type[msgspec.Struct] | None:
    """What reads a record straight into the fields of `Subject`, for types whose every place is one text field."""
    wire: dict[str, str] = {"told": told} if told else {}
    for slot, some in zip(SLOTS, places, strict=False):
        if len(some) > 1 or any(place.other for place in some):
            return None
        if some:
            wire[slot] = some[0].field
    # one field for two slots: the decoder gives it to one only
    if not wire or len(set(wire.values())) < len(wire):
        return None
    # A slot that has no field must not be read from a field of its own name.
    names = {slot: wire.get(slot, f"(no field) {slot}") for slot in (*SLOTS, "told")}
    fields = [*[(slot, str | None, None) for slot in SLOTS], ("told", Any, None)]
    return msgspec.defstruct("Quick", fields, gc=False, rename=names)


def _columns_of(places: tuple[tuple[Place, ...], ...]) -> dict[str, str]:
    """Slot -> the column that holds the same text, for types whose every place has one; else nothing."""
    columns = {slot: some[0].field for slot, some in zip(SLOTS, places, strict=False) if some}
    if any(len(some) > 1 or any(place.other for place in some) for some in places):
        return {}
    return columns if set(columns.values()) <= set(SUBJECT_COLUMNS) else {}


def _first(places: tuple[Place, ...], fields: Any) -> str | None:
    for field, other, expected in places:
        value = getattr(fields, field)
        if type(value) is list and len(value) == 1:  # one member added: the list names a person after all
            value = value[0]
        if type(value) is int:
            value = str(value)
        if type(value) is str and value and (not other or getattr(fields, other) == expected):
            return value
    return None


class Kinds:
    """Every event type's kind, made when it is first met."""

    def __init__(self) -> None:
        self._taxonomy = load()
        self._targets = read_targets()
        self._kinds: dict[str | None, EventKind] = {}

    def get(self, type: str | None) -> EventKind:
        """The kind of `type`; of the empty name where the record has none that is a text."""
        kind = self._kinds.get(type)
        if kind is None:
            kind = EventKind(self._taxonomy.get(type or ""), self._targets.get(type or "", ()))
            if len(self._kinds) < 4096:  # unlisted names are served text: no bound, no end
                self._kinds[type] = kind
        return kind


@cache
def kinds() -> Kinds:
    """The kinds of this process."""
    return Kinds()


def read_targets(path: Path = TARGETS_CSV) -> dict[str, tuple[tuple[Place, ...], ...]]:
    """Event type -> where its object's id and name, its target user and its group stand, in the order of `SLOTS`.

    Raises ValueError when a cell is no list of places.
    """
    with path.open(newline="", encoding="utf-8") as file:
        return {row["type"]: tuple(_places(row[name]) for name in SLOTS) for row in csv.DictReader(file)}


def _places(text: str) -> tuple[Place, ...]:
    found = []
    for part in filter(None, text.split("|")):
        match = _PLACE.fullmatch(part)
        if match is None:
            raise ValueError(f"{part!r} in targets.csv is no place: write field or field[other=value]")
        found.append(Place(match["field"], match["other"] or "", match["value"] or ""))
    return tuple(found)
