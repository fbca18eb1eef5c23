"""Which events are settled, and the position that follows from it: batches are acknowledged in any order.

Promise: nothing before the position is unsettled, and no settled span is forgotten: after a crash only what was
in flight, or acknowledged since the last entry, is sent again.
"""

from bisect import bisect_left, bisect_right
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple


class Position(NamedTuple):
    """Before the row `row` (from 0) of the table entry `seq`, in the order in which an entry's rows go out."""

    seq: int
    row: int


Span = tuple[Position, Position]
BEGINNING = Position(-1, 0)


class Progress:
    """The events of one run, numbered as they are handed out. Not thread-safe.

    `begun` is where the last entry left off, `ahead` the spans behind it that were settled then.
    """

    def __init__(self, begun: Position = BEGINNING, ahead: Iterable[Span] = (), passed: int = 0) -> None:
        self._begun = begun
        self._scanned, self._passed_scanned = begun, passed
        self._ahead = list(ahead)
        self._before = {begun.seq: passed - begun.row}  # rows before an entry's first
        self._given: deque[tuple[int, Sequence[Any], Sequence[Any]]] = deque()
        self._count = 0
        self._starts: list[int] = []  # settled numbers as spans without a gap, ascending
        self._ends: list[int] = []

    @property
    def count(self) -> int:
        """Events handed out so far."""
        return self._count

    def learn(self, before: Mapping[int, int]) -> None:
        """How many rows of the table lie before an entry's first, for the entries of this run: one chunk may hold
        rows of many, and the position may come to rest in any of them.
        """
        self._before.update(before)

    @property
    def all_settled(self) -> bool:
        """Whether every event that was handed out is settled."""
        return not self._count or (self._starts, self._ends) == ([0], [self._count])

    def hand_out(self, seqs: Sequence[Any], rows: Sequence[Any]) -> int:
        """Number the events at these places, which follow all earlier ones; returns the first number."""
        first = self._count
        if len(seqs):
            self._given.append((first, seqs, rows))
            self._count += len(seqs)
        return first

    def scanned(self, position: Position, passed: int) -> None:
        """Everything before `position` was looked at: `passed` rows of the table."""
        self._scanned, self._passed_scanned = position, passed
        self._before[position.seq] = passed - position.row

    def settle(self, first: int, end: int) -> None:
        """The events `first <= number < end` are delivered, dead or skipped."""
        starts, ends = self._starts, self._ends
        low = bisect_left(ends, first)
        high = bisect_right(starts, end)
        if low < high:
            first, end = min(first, starts[low]), max(end, ends[high - 1])
        starts[low:high], ends[low:high] = [first], [end]

    def position(self) -> Position:
        """Before it every event is settled."""
        done = self._ends[0] if self._starts and self._starts[0] == 0 else 0
        return self._place(done)

    def passed(self, position: Position) -> int:
        """How many rows of the table lie before a position of this run."""
        return self._before[position.seq] + position.row

    def ahead(self) -> list[Span]:
        """Spans behind the position in which every selected event is settled, ascending."""
        position = self.position()
        spans = [
            (self._place(start), self._place(end))
            for start, end in zip(self._starts, self._ends, strict=True)
            if start > 0
        ]
        spans += [(max(start, position), end) for start, end in self._ahead if end > position]
        return _joined(span for span in spans if span[0] < span[1])

    def forget(self) -> None:
        """Let go of what lies before the position; to be called now and then."""
        done = self._ends[0] if self._starts and self._starts[0] == 0 else 0
        while self._given and self._given[0][0] + len(self._given[0][1]) <= done:
            self._given.popleft()
        position = self._place(done)
        for seq in [seq for seq in self._before if seq < position.seq]:
            del self._before[seq]

    def _place(self, number: int) -> Position:
        if number >= self._count:
            return self._scanned
        for first, seqs, rows in self._given:
            if number < first + len(seqs):
                return Position(int(seqs[number - first]), int(rows[number - first]))
        return self._scanned


def _joined(spans: Iterable[Span]) -> list[Span]:
    made: list[Span] = []
    for start, end in sorted(spans):
        if made and start <= made[-1][1]:
            made[-1] = (made[-1][0], max(end, made[-1][1]))
        else:
            made.append((start, end))
    return made
