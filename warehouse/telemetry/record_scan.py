"""Log records of a request in protobuf, all of them at once: where each field and each attribute stands.

Promise: notes places and copies nothing. What does not have the plain form raises OddForm and is for the reader
that goes record by record, which also knows what is wrong with it: this one never decides that bytes are bad.
"""

from typing import Any, Final, NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

Places = NDArray[np.int64]
MOST: Final = 65_535  # records in one scan
TEXT, INTEGER = 0x0A, 0x18  # tags of an attribute's value
ODD: Final = 0xFF
_PADDING: Final = 160  # bytes that may be looked at beyond the end; what stands there is never believed
# The wire types of the fields that are read, by number: times, severity, body, attributes, ids, event name
_WIRE: Final = {1: 1, 11: 1, 2: 0, 5: 2, 6: 2, 9: 2, 10: 2, 12: 2}
_WIDTHS: Final = {1: 8, 5: 4}


class OddForm(Exception):
    """Something is there that is not in the plain form."""


class Spans(NamedTuple):
    """From where to where, in bytes of the request; ascending and apart from each other."""

    start: Places
    end: Places

    def some(self, which: Any) -> "Spans":
        return Spans(self.start[which], self.end[which])


class Scan(NamedTuple):
    """Of each record: times, severity, and where its other fields are (0, 0 where there is none), by field number.
    Of each attribute, in order: its record, and where it, its name and its value's content are; `kind` is the tag
    of the value, ODD where that is not one plain field."""

    data: pa.Buffer
    time: NDArray[np.uint64]
    observed: NDArray[np.uint64]
    severity: NDArray[np.uint64]
    fields: dict[int, Spans]
    record: Places
    pair: Spans
    name: Spans
    value: Spans
    kind: NDArray[np.uint8]

    def texts(self, spans: Spans) -> pa.Array:
        """The bytes of each span."""
        if not len(spans.start):
            return pa.array([], pa.binary())
        bounds = np.empty(2 * len(spans.start), np.int32)
        bounds[0::2], bounds[1::2] = spans.start, spans.end
        every = pa.Array.from_buffers(pa.binary(), len(bounds) - 1, [None, pa.py_buffer(bounds), self.data])
        return every.take(pa.array(np.arange(0, len(bounds) - 1, 2)))

    def integers(self, which: Places) -> NDArray[np.int64] | None:
        """The integers of these attributes; None where one is not just that."""
        value, after = _varints(np.frombuffer(self.data, np.uint8), self.value.start[which])
        return value.view(np.int64) if bool((after == self.value.end[which]).all()) else None


def scan(data: bytes, starts: Places, ends: Places) -> Scan:
    """Look at the records between `starts` and `ends`, at most MOST. Raises OddForm."""
    count = len(starts)
    padded = pa.py_buffer(data + bytes(_PADDING))
    buffer = np.frombuffer(padded, np.uint8)
    numbers = {number: np.zeros(count, np.uint64) for number in (1, 11, 2)}
    fields = {n: Spans(np.zeros(count, np.int64), np.zeros(count, np.int64)) for n in (5, 9, 10, 12)}
    pairs: list[tuple[Places, Places, Places]] = []
    pos = starts.copy()
    live = np.flatnonzero(pos < ends)
    while live.size:  # one field of each record at a time
        tags = buffer[pos[live]]
        for tag in np.flatnonzero(np.bincount(tags, minlength=256)).tolist():
            rows = live[tags == tag]
            number, wire, begin = tag >> 3, tag & 7, pos[rows] + 1
            if tag > 0x7F or not number or _WIRE.get(number, wire) != wire:
                raise OddForm
            if wire == 2:
                begin, after = _content(buffer, begin, len(data))
            elif wire == 0:
                value, after = _varints(buffer, begin)
            elif wire in _WIDTHS:
                after = begin + _WIDTHS[wire]
            else:
                raise OddForm
            if bool((after > ends[rows]).any()):
                raise OddForm
            if number == 6:
                pairs.append((rows, begin, after))
            elif number in fields:
                fields[number].start[rows], fields[number].end[rows] = begin, after
            elif number in numbers:
                numbers[number][rows] = value if wire == 0 else _fixed64(buffer, begin)
            pos[rows] = after
        live = live[pos[live] < ends[live]]
    record, starts, ends = (np.concatenate(parts) for parts in zip(*pairs, strict=True)) if pairs else _NOTHING
    order = np.argsort(record.astype(np.uint16), kind="stable")  # by radix; within a record they are in order
    record, pair = record[order], Spans(starts[order], ends[order])
    name, value_of, kind = _named(buffer, pair, len(data))
    return Scan(padded, numbers[1], numbers[11], numbers[2], fields, record, pair, name, value_of, kind)


_NOTHING: Final = (np.zeros(0, np.int64),) * 3


def _named(buffer: NDArray[np.uint8], pair: Spans, size: int) -> tuple[Spans, Spans, NDArray[np.uint8]]:
    """Of attributes in the plain form (a name below 128 bytes, then a value): name, value's content, its tag."""
    start, end = pair
    length = buffer[start + 1].astype(np.int64)
    name = Spans(start + 2, start + 2 + length)
    at = np.minimum(name.end, size)
    if not bool(((buffer[start] == 0x0A) & (length < 0x80) & (name.end < end) & (buffer[at] == 0x12)).all()):
        raise OddForm
    begin, after = _content(buffer, at + 1, size)
    if not bool((after == end).all()):
        raise OddForm
    kind = np.where(begin < end, buffer[begin], ODD)
    begin = begin + 1
    texts = np.flatnonzero(kind == TEXT)
    value, after = _varints(buffer, begin[texts])
    whole = after.astype(np.uint64) + value == end[texts].astype(np.uint64)
    kind[texts[~whole]] = ODD
    begin[texts] = after
    return name, Spans(begin, end), kind


def _content(buffer: NDArray[np.uint8], at: Places, size: int) -> tuple[Places, Places]:
    """Where what has its length before it begins and ends."""
    length, begin = _varints(buffer, at)
    if bool((length > size).any()):
        raise OddForm
    return begin, begin + length.astype(np.int64)


def _varints(buffer: NDArray[np.uint8], at: Places) -> tuple[NDArray[np.uint64], Places]:
    """Unsigned integers of at most 64 bits, and where they end."""
    byte = buffer[at]
    value, after = (byte & 0x7F).astype(np.uint64), at + 1
    more, shift = np.flatnonzero(byte > 0x7F), 7
    while more.size:
        if shift > 63:
            raise OddForm
        byte = buffer[after[more]]
        value[more] |= (byte & 0x7F).astype(np.uint64) << np.uint64(shift)
        after[more] += 1
        more, shift = more[byte > 0x7F], shift + 7
    return value, after


def _fixed64(buffer: NDArray[np.uint8], at: Places) -> NDArray[np.uint64]:
    numbers: NDArray[np.uint64] = buffer[at[:, None] + np.arange(8)].view("<u8")[:, 0]
    return numbers
