"""Frames into batches that a receiver takes: by number and by bytes before compression, group by group.

Promise: order is kept, no frame is encoded twice, and cutting costs by batches rather than by events.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa

from warehouse.delivery.facts import NONE
from warehouse.delivery.frames import NO_FRAMES, Frames
from warehouse.delivery.port import Limits
from warehouse.wire import arrays


@dataclass(slots=True)
class Items:
    """Events with what receipts say of them, as columns of equal length.

    numbers: of `Progress`, or None for what has no place in the log. facts: see there. frames: as encoded. notes:
    `restamped` or None.
    """

    numbers: Sequence[int] | None
    facts: Any
    frames: Frames
    notes: Sequence[str | None] | None = None

    def __len__(self) -> int:
        return int(self.facts.num_rows)

    def part(self, start: int, end: int) -> "Items":
        numbers = self.numbers[start:end] if self.numbers is not None else None
        notes = self.notes[start:end] if self.notes is not None else None
        return Items(numbers, self.facts.slice(start, end - start), self.frames[start:end], notes)

    def chosen(self, places: Sequence[int]) -> "Items":
        numbers = [self.numbers[place] for place in places] if self.numbers is not None else None
        notes = [self.notes[place] for place in places] if self.notes is not None else None
        facts = self.facts.take(arrays.numbers(np.asarray(places, np.int64)))
        return Items(numbers, facts, self.frames.chosen(places), notes)

    def bare(self) -> "Items":
        """Without the frames: what is settled waits for its receipt, and need not hold what was sent."""
        return replace(self, frames=NO_FRAMES)

    def joined(self, other: "Items") -> "Items":
        if not len(self):
            return other
        numbers = None if self.numbers is None or other.numbers is None else [*self.numbers, *other.numbers]
        notes: list[str | None] | None = None
        if self.notes is not None or other.notes is not None:
            notes = [*(self.notes or [None] * len(self)), *(other.notes or [None] * len(other))]
        facts = pa.concat_batches([self.facts, other.facts])
        return Items(numbers, facts, self.frames.joined(other.frames), notes)

    def runs(self) -> Iterator[tuple[int, int]]:
        """The numbers as spans `first <= number < end`."""
        numbers = self.numbers
        if not numbers:
            return
        if numbers[-1] - numbers[0] == len(numbers) - 1:  # ascending, so without a gap
            yield numbers[0], numbers[-1] + 1
            return
        first = last = numbers[0]
        for number in numbers[1:]:
            if number != last + 1:
                yield first, last + 1
                first = number
            last = number
        yield first, last + 1


NOTHING = Items([], NONE, NO_FRAMES)


@dataclass(frozen=True, slots=True)
class Size:
    """What a batch may hold: the receiver's limits, or less where the configuration says so."""

    events: int
    raw: int
    event: int
    overhead: int
    separator: int

    @classmethod
    def of(cls, limits: Limits, *, events: int | None = None, raw: int | None = None) -> "Size":
        most = min(limits.raw, raw) if raw else limits.raw
        alone = limits.raw - limits.overhead - limits.separator
        return cls(
            events=min(limits.events, events) if events else limits.events,
            raw=most,
            event=min(limits.event, alone) if limits.event is not None else alone,
            overhead=limits.overhead,
            separator=limits.separator,
        )


class Batcher:
    """Gathers frames and gives out whole batches. One for each group. held: bytes of frames that wait."""

    def __init__(self, size: Size) -> None:
        self._size = size
        self._open = NOTHING
        self.held = 0

    def add(self, items: Items) -> Iterator[Items]:
        """Take more frames in; yields the batches that are full."""
        size = self._size
        separator = size.separator
        items = self._open.joined(items)
        ends = np.cumsum(items.frames.sizes + separator)
        start, count, used = 0, len(items), 0
        while start < count:
            # the frames that fit from `start` on: by bytes, then by number; at least one
            end = int(np.searchsorted(ends, used + size.raw - size.overhead, side="right"))
            end = max(min(end, start + size.events), start + 1)
            if end == count and end - start < size.events:
                break
            yield items.part(start, end)
            used = int(ends[end - 1])
            start = end
        self._open = items.part(start, count)
        self.held = int(ends[-1]) - used if count else 0

    def rest(self) -> Iterator[Items]:
        """What is left, as the last batch."""
        if len(self._open):
            yield self._open
        self._open, self.held = NOTHING, 0


def halves(items: Items) -> tuple[Items, Items]:
    """A batch in two, by bytes rather than by number where the frames differ much."""
    ends = np.cumsum(items.frames.sizes)
    middle = min(max(int(np.searchsorted(ends, ends[-1] // 2)), 1), len(items) - 1)
    return items.part(0, middle), items.part(middle, len(items))
