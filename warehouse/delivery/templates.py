"""Frames from templates: what events of a shape have alike is written once, and their values put in by columns.

Promise: byte for byte what `encode` makes, for a module that asks no more of an event's values than a `Group`'s
shape holds and else copies them into JSON. The first event of a shape is encoded both ways: where they differ,
events of that shape are encoded one by one, as is whatever stands in no group.
"""

import re
import secrets
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from warehouse.delivery.event_rows import COPIED, EventRows, Group, SortedRows, seconds_of
from warehouse.delivery.mappings.address import is_address
from warehouse.delivery.mappings.canonical import CanonicalEvent
from warehouse.delivery.mappings.event_kind import SLOTS
from warehouse.delivery.port import Refused
from warehouse.wire.times import parse_rfc3339

Encode = Callable[[CanonicalEvent, str | None], bytes | Refused]

_MOST = 8192  # shapes: some hundreds in practice; served texts are among them, and know no bound
_LONGEST = 16_000  # bytes: what is longer may be cut or refused by a module
_TOKEN = secrets.token_hex(8)  # nobody can serve a text that holds it, and so be taken for a slot
_TEXTS: Final = {
    name: f"{_TOKEN}{place:02}"
    for place, name in enumerate(
        ("event_id", "event_time", "stamp", *COPIED, *(f"subject.{slot}" for slot in SLOTS))
    )
}
_ADDRESS: Final = f"2001:db8:{_TOKEN[:4]}:{_TOKEN[4:8]}:{_TOKEN[8:12]}:{_TOKEN[12:]}::1"
_NUMBERS: Final = {
    name: 7_000_000_000_000_001 + secrets.randbelow(10**14) * 10
    for name in ("stamp_us", "event_us", "observed_us", "commit_seq")
}
_RECORD: Final = f'"{_TOKEN}-raw"'
# What stands in a frame that was encoded from a pattern -> the attribute whose value takes its place.
_SLOTS: Final = {
    _RECORD: "record",
    _RECORD.replace('"', '\\"'): "record_in_text",
    **{text: name for name, text in _TEXTS.items()},
    _ADDRESS: "client_ip",
    seconds_of(_NUMBERS["stamp_us"]): "stamp_seconds",
    **{str(number): name for name, number in _NUMBERS.items()},
    str(_NUMBERS["stamp_us"] // 1000): "stamp_ms",
}
_SLOT: Final = re.compile("|".join(map(re.escape, sorted(_SLOTS, key=len, reverse=True))).join("()"))


class _Template(NamedTuple):
    """parts: the bytes before, between and behind the slots; slots: the attributes, in their order."""

    parts: list[Any]
    slots: list[str]


class TemplateEncoding:
    """Encodes rows for one destination. encode: that of its module, which never raises."""

    def __init__(self, encode: Encode) -> None:
        self._encode = encode
        self._templates: dict[tuple[Any, ...], _Template | None] = {}

    def frames(self, rows: EventRows, restamped: Sequence[int], moment: str | None) -> list[bytes | Refused]:
        """A frame for each row, in order. Those at the places `restamped` go under `moment` (ISO 8601 UTC)."""
        made: list[bytes | Refused] = [b""] * len(rows)
        late = set(restamped)
        by_shape = SortedRows(rows, restamped, moment or "", _micros(moment))
        alone: list[int] = []
        for group in by_shape.groups():
            places = group.places.tolist()
            template = self._template(group, rows, places[0], moment if places[0] in late else None)
            if template is None:
                alone += places
                continue
            frames = _filled(template, group)
            for place, frame in zip(places, frames, strict=True):
                made[place] = frame
            if max(map(len, frames)) > _LONGEST:
                alone += [place for place in places if len(made[place]) > _LONGEST]
        alone += by_shape.odd
        for place, event in zip(alone, rows.some(alone), strict=True):
            made[place] = self._encode(event, moment if place in late else None)
        return made

    def _template(self, group: Group, rows: EventRows, place: int, moment: str | None) -> _Template | None:
        """The template of a group's shape, made from its first event, which is at `place`."""
        if group.shape not in self._templates:
            if len(self._templates) >= _MOST:
                return None
            (event,) = rows.some([place])
            template = _template(self._encode(_pattern(event), None))
            same = template is not None and _filled(template, group)[0] == self._encode(event, moment)
            self._templates[group.shape] = template if same else None
        return self._templates[group.shape]


def _filled(template: _Template, group: Group) -> list[bytes]:
    """The frames of a group, put together in Arrow: no event of it is looked at by itself."""
    values = {name: group.values(name) for name in set(template.slots)}
    pieces = [template.parts[0]]
    for name, part in zip(template.slots, template.parts[1:], strict=True):
        pieces += [values[name], part]
    frames: list[bytes] = pc.binary_join_element_wise(*pieces, pa.scalar(b"")).to_pylist()
    return frames


def _pattern(event: CanonicalEvent) -> CanonicalEvent:
    """The event with a slot in the place of each value that it has."""
    texts = {name: text for name, text in _TEXTS.items() if "." not in name and getattr(event, name)}
    if event.client_ip and is_address(event.client_ip):
        texts["client_ip"] = _ADDRESS
    inner = {slot: _TEXTS[f"subject.{slot}"] for slot in SLOTS if getattr(event.subject, slot)}
    numbers = {name: number for name, number in _NUMBERS.items() if getattr(event, name) is not None}
    subject = msgspec.structs.replace(event.subject, **inner)
    raw = msgspec.Raw(_RECORD.encode())
    return msgspec.structs.replace(event, subject=subject, raw=raw, **texts, **numbers)


def _template(frame: bytes | Refused) -> _Template | None:
    """The template of what was encoded from a pattern; None where that cannot be."""
    if isinstance(frame, Refused):
        return None
    found = _SLOT.split(frame.decode())
    if len(found) == 1:
        return None
    return _Template([pa.scalar(part.encode()) for part in found[::2]], [_SLOTS[slot] for slot in found[1::2]])


def _micros(moment: str | None) -> int:
    at: datetime | None = parse_rfc3339(moment) if moment else None
    return 0 if at is None else int(at.timestamp()) * 1_000_000 + at.microsecond
