"""Frames out of the parts of templates and the texts of columns, all copied by one call of Arrow.

Promise: every text lies in one array, once, however many frames it stands in; a frame is a row of numbers of them,
and no event is looked at by itself.
"""

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

from warehouse.delivery.event_columns import lengths_of
from warehouse.delivery.event_shapes import Group
from warehouse.delivery.frames import NO_FRAMES, Frames
from warehouse.wire import arrays

_NO_BYTES = pa.py_buffer(b"")
_MOST_BYTES = 65_536  # that a count is written for


class Counted(NamedTuple):
    """The piece `at` says how many bytes the pieces from `first` to before `last` have."""

    at: int
    first: int
    last: int


class Template(NamedTuple):
    """pieces: the bytes of each piece of a frame, an Arrow array; what differs from event to event is empty in it.
    slots: those places, each with its attribute. counted: places that are numbers of bytes, outer ones first."""

    pieces: Any
    slots: Sequence[tuple[int, str]]
    counted: Sequence[Counted] = ()


class Weave:
    """Takes events in, group by group, and makes their frames. written: a number as it stands in a frame."""

    def __init__(self, written: Callable[[int], bytes]) -> None:
        self._written = written
        self._texts: list[Any] = []  # arrays, which the dictionary below knows by identity
        self._begin: dict[int, int] = {}
        self._count = 0
        self._rows: list[tuple[Any, Any]] = []  # places, and the numbers of the texts in each frame

    def add(self, template: Template, group: Group) -> None:
        """Take in the events of a group."""
        width = len(template.pieces)
        row = np.empty((len(group.places), width), np.int32)
        begin = self._begins(template.pieces)
        row[:] = np.arange(begin, begin + width, dtype=np.int32)
        texts = {name: group.texts(name) for _, name in template.slots}
        numbers = {name: one.places + self._begins(one.values) for name, one in texts.items()}
        for at, name in template.slots:
            row[:, at] = numbers[name]
        if template.counted:
            sizes = np.empty_like(row)
            sizes[:] = lengths_of(template.pieces)
            lengths = {name: lengths_of(one.values)[one.places] for name, one in texts.items()}
            for at, name in template.slots:
                sizes[:, at] = lengths[name]
            self._count_in(row, sizes, template)
        self._rows.append((group.places, row))

    def add_ready(self, places: Sequence[int], frames: Sequence[bytes]) -> None:
        """Take in events whose frames are there already."""
        if not places:
            return
        begin = self._begins(arrays.of_bytes(frames, pa.large_binary()))
        numbers = np.arange(begin, begin + len(frames), dtype=np.int32)
        self._rows.append((np.asarray(places), numbers[:, np.newaxis]))

    def _count_in(self, row: Any, sizes: Any, template: Template) -> None:
        texts, lengths = _numbers(self._written)
        begin = self._begins(texts)
        for at, first, last in reversed(template.counted):  # what an outer one counts has the inner ones in it
            count = np.minimum(sizes[:, first:last].sum(axis=1), _MOST_BYTES)
            row[:, at] = begin + count
            sizes[:, at] = lengths[count]

    def _begins(self, texts: Any) -> int:
        """The number of the first of these texts."""
        if id(texts) not in self._begin:
            self._begin[id(texts)] = self._count
            self._texts.append(texts)
            self._count += len(texts)
        return self._begin[id(texts)]

    def frames(self) -> Frames:
        """The frames of all events that were taken in, in the order of their places among these."""
        if not self._rows:
            return NO_FRAMES
        order = np.argsort(np.concatenate([places for places, _ in self._rows]))
        widths = np.repeat([row.shape[1] for _, row in self._rows], [row.shape[0] for _, row in self._rows])
        ends = np.cumsum(widths[order])
        begins = np.empty(len(order), np.int64)
        begins[order] = ends - widths[order]
        numbers, first = np.empty(ends[-1], np.int32), 0
        for _, row in self._rows:
            at = begins[first : first + row.shape[0], np.newaxis] + np.arange(row.shape[1])
            numbers[at] = row
            first += row.shape[0]
        _, offsets, data = self._take(numbers).buffers()
        bounds = np.frombuffer(offsets, np.int64)[np.append(0, ends)]
        return Frames(
            pa.Array.from_buffers(pa.large_binary(), len(order), [None, pa.py_buffer(bounds), data or _NO_BYTES])
        )

    def _take(self, numbers: Any) -> pa.Array:
        """All these texts. Arrow reserves memory by the average text, and the longest stand in one frame only: so
        many empty ones are added that the average is that of what is taken."""
        texts = [one.cast(pa.large_binary()) for one in self._texts]
        lengths = np.concatenate([lengths_of(one) for one in texts])
        wanted = max(int(lengths[numbers].sum()), 1)
        empty = min(max(int(lengths.sum()) * len(numbers) // wanted - len(lengths), 0), len(numbers))
        ends = np.zeros(empty + 1, np.int64)
        texts.append(pa.Array.from_buffers(pa.large_binary(), empty, [None, pa.py_buffer(ends), _NO_BYTES]))
        return pa.concat_arrays(texts).take(arrays.numbers(numbers))


@cache
def _numbers(written: Callable[[int], bytes]) -> tuple[Any, Any]:
    """Every number of bytes as a frame says it, and how long that is."""
    texts = arrays.of_bytes([written(number) for number in range(_MOST_BYTES + 1)])
    return texts, lengths_of(texts)
