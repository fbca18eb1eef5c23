"""Frames from templates: what events of a shape have alike is written once, and their values put in by columns.

Promise: byte for byte what `encode` makes, for a module that asks no more of an event's values than a `Group`'s
shape holds and else copies them into JSON. The first event of a shape is encoded both ways: where they differ,
events of that shape are encoded one by one, as is whatever stands in no group.
"""

import re
import secrets
from collections.abc import Callable, Sequence
from datetime import datetime
from itertools import pairwise
from typing import Any, Final

import msgspec
import numpy as np

from warehouse.delivery.event_columns import COPIED, EventColumns, seconds_of
from warehouse.delivery.event_rows import EventRows
from warehouse.delivery.event_shapes import Group, Shapes
from warehouse.delivery.frames import Frames
from warehouse.delivery.mappings.address import is_address
from warehouse.delivery.mappings.canonical import CanonicalEvent
from warehouse.delivery.mappings.event_kind import SLOTS
from warehouse.delivery.port import FixedForm, Refused
from warehouse.delivery.weave import Counted, Template, Weave
from warehouse.wire import arrays
from warehouse.wire.protobuf_numbers import fixed64, varint
from warehouse.wire.times import parse_rfc3339

Encode = Callable[[CanonicalEvent, str | None], bytes | Refused]

_MOST = 8192  # shapes: some hundreds in practice; served texts are among them, and know no bound
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
    _RECORD.encode(): "record",
    _RECORD.replace('"', '\\"').encode(): "record_in_text",
    **{text.encode(): name for name, text in _TEXTS.items()},
    _ADDRESS.encode(): "client_ip",
    seconds_of(_NUMBERS["stamp_us"]).encode(): "stamp_seconds",
    **{b"%d" % number: name for name, number in _NUMBERS.items()},
    b"%d" % (_NUMBERS["stamp_us"] // 1000): "stamp_ms",
    **{fixed64(_NUMBERS[name] * 1000): f"{name}_fixed" for name in ("stamp_us", "observed_us")},
    varint(_NUMBERS["commit_seq"]): "commit_seq_varint",
}
_SLOT: Final = re.compile(b"|".join(map(re.escape, sorted(_SLOTS, key=len, reverse=True))), re.DOTALL)


class TemplateEncoding:
    """Encodes rows for one destination. encode: that of its module, which never raises."""

    def __init__(self, encode: Encode, form: FixedForm) -> None:
        self._encode, self._form = encode, form
        self._templates: dict[tuple[Any, ...], Template | None] = {}

    def frames(
        self, rows: EventRows, restamped: Sequence[int], moment: str | None
    ) -> tuple[Frames, dict[int, Refused]]:
        """A frame for each row, in order, and which are refused. Those at the places `restamped` go under `moment`
        (ISO 8601 UTC)."""
        late = set(restamped)
        shapes = Shapes(EventColumns(rows.rows, restamped, moment or "", _micros(moment)))
        weave = Weave(self._form.written)
        refused: dict[int, Refused] = {}
        alone: list[int] = []
        for group in shapes.groups():
            first = int(group.places[0])
            template = self._template(group, rows, first, moment if first in late else None)
            if template is None:
                alone += group.places.tolist()
            else:
                weave.add(template, group)
        alone += shapes.odd
        weave.add_ready(alone, self._one_by_one(rows, alone, late, moment, refused))
        frames = weave.frames()
        cut = set(np.flatnonzero(frames.sizes > self._form.longest).tolist()).difference(alone)
        if cut:
            made, places = list(frames), sorted(cut)
            for place, frame in zip(places, self._one_by_one(rows, places, late, moment, refused), strict=True):
                made[place] = frame
            frames = Frames.of(made)
        return frames, refused

    def _one_by_one(
        self,
        rows: EventRows,
        places: Sequence[int],
        late: set[int],
        moment: str | None,
        refused: dict[int, Refused],
    ) -> list[bytes]:
        """What the module makes of these rows; nothing of those that go into `refused`."""
        made = []
        for place, event in zip(places, rows.some(places), strict=True):
            frame = self._encode(event, moment if place in late else None)
            if isinstance(frame, Refused):
                refused[place], frame = frame, b""
            made.append(frame)
        return made

    def _template(self, group: Group, rows: EventRows, place: int, moment: str | None) -> Template | None:
        """The template of a group's shape, made from its first event, which is at `place`."""
        if group.shape not in self._templates:
            if len(self._templates) >= _MOST:
                return None
            (event,) = rows.some([place])
            template = _template(self._encode(_pattern(event), None), self._form)
            own = self._encode(event, moment)
            if isinstance(own, bytes) and len(own) > self._form.longest:
                return None  # the next of the shape may be shorter
            self._templates[group.shape] = template if template and self._first(template, group) == own else None
        return self._templates[group.shape]

    def _first(self, template: Template, group: Group) -> bytes:
        """The frame of a group's first event."""
        weave = Weave(self._form.written)
        weave.add(template, group.first())
        return weave.frames()[0]


def _pattern(event: CanonicalEvent) -> CanonicalEvent:
    """The event with a slot in the place of each value that it has."""
    texts = {name: text for name, text in _TEXTS.items() if "." not in name and getattr(event, name)}
    if event.client_ip and is_address(event.client_ip):
        texts["client_ip"] = _ADDRESS
    inner = {slot: _TEXTS[f"subject.{slot}"] for slot in SLOTS if getattr(event.subject, slot)}
    numbers = {name: number for name, number in _NUMBERS.items() if getattr(event, name) is not None}
    subject = msgspec.structs.replace(event.subject, **inner) if inner else event.subject
    raw = msgspec.Raw(_RECORD.encode())
    return msgspec.structs.replace(event, subject=subject, raw=raw, **texts, **numbers)


def _template(frame: bytes | Refused, form: FixedForm) -> Template | None:
    """The template of what was encoded from a pattern; None where that cannot be."""
    if isinstance(frame, Refused):
        return None
    slots = {found.start(): found for found in _SLOT.finditer(frame)}
    counts = {count.start: count for count in form.counts(frame)}
    if not slots:
        return None
    cuts = {0, len(frame)}.union(*(found.span() for found in slots.values()), *counts.values())
    begins = sorted(cuts)
    at = {begin: place for place, begin in enumerate(begins)}
    pieces = [b"" if begin in slots or begin in counts else frame[begin:end] for begin, end in pairwise(begins)]
    return Template(
        arrays.of_bytes(pieces),
        [(at[begin], _SLOTS[found[0]]) for begin, found in slots.items()],
        [Counted(at[begin], at[count.first], at[count.last]) for begin, count in sorted(counts.items())],
    )


def _micros(moment: str | None) -> int:
    at: datetime | None = parse_rfc3339(moment) if moment else None
    return 0 if at is None else int(at.timestamp()) * 1_000_000 + at.microsecond
