"""Frames into batches that a receiver takes: by number and by bytes before compression, group by group.

Promise: order is kept, no frame is encoded twice, and cutting costs by batches rather than by events.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from typing import Any

from warehouse.delivery.port import Limits


@dataclass(slots=True)
class Items:
    """Events with what receipts say of them, as columns of equal length.

    numbers: of `Progress`, or None for what has no place in the log. ids, versions, seqs, rows, times
    (microseconds since 1970, UTC; None where the record has none): the event. frames: as encoded. notes:
    `restamped` or None.
    """

    numbers: Sequence[int] | None
    ids: Sequence[str]
    versions: Sequence[int]
    seqs: Sequence[int | None]
    rows: Sequence[int | None]
    times: Sequence[int | None]
    frames: Sequence[bytes]
    notes: Sequence[str | None] | None = None

    def __len__(self) -> int:
        return len(self.ids)

    def part(self, start: int, end: int) -> "Items":
        return Items(*(None if column is None else column[start:end] for column in self._columns()))  # type: ignore[arg-type]

    def chosen(self, places: Sequence[int]) -> "Items":
        return Items(
            *(None if column is None else [column[place] for place in places] for column in self._columns())  # type: ignore[arg-type]
        )

    def bare(self) -> "Items":
        """Without the frames: what is settled waits for its receipt, and need not hold what was sent."""
        return replace(self, frames=())

    def joined(self, other: "Items") -> "Items":
        if not len(self):
            return other
        return Items(
            *(
                None
                if one is None and two is None
                else [*(one or [None] * len(self)), *(two or [None] * len(other))]
                for one, two in zip(self._columns(), other._columns(), strict=True)
            )  # type: ignore[arg-type]
        )

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

    def _columns(self) -> tuple[Any, ...]:
        return (
            self.numbers, self.ids, self.versions, self.seqs, self.rows, self.times, self.frames, self.notes,
        )  # fmt: skip


NOTHING = Items([], [], [], [], [], [], [])


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
        ends = list(accumulate(map(len, items.frames)))
        if separator:
            ends = [end + separator * number for number, end in enumerate(ends, 1)]
        start, count, used = 0, len(items), 0
        while start < count:
            # the frames that fit from `start` on: by bytes, then by number; at least one
            end = bisect_right(ends, used + size.raw - size.overhead, start, count)
            end = max(min(end, start + size.events), start + 1)
            if end == count and end - start < size.events:
                break
            yield items.part(start, end)
            used = ends[end - 1]
            start = end
        self._open = items.part(start, count)
        self.held = ends[-1] - used if ends else 0

    def rest(self) -> Iterator[Items]:
        """What is left, as the last batch."""
        if len(self._open):
            yield self._open
        self._open, self.held = NOTHING, 0


def longest(frames: Sequence[bytes]) -> int:
    return max(map(len, frames), default=0)


def halves(items: Items) -> tuple[Items, Items]:
    """A batch in two, by bytes rather than by number where the frames differ much."""
    ends = list(accumulate(map(len, items.frames)))
    middle = min(max(bisect_left(ends, ends[-1] // 2), 1), len(items) - 1)
    return items.part(0, middle), items.part(middle, len(items))
