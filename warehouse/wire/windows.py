"""Half-open UTC intervals and the arithmetic of coverage.

Promise: `[a, b)` and `[b, c)` touch without overlapping, so a union of windows is whole or has a named gap.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

from warehouse.wire.times import key_time, midnight, parse_rfc3339, rfc3339

_DAY = timedelta(days=1)


@dataclass(frozen=True, order=True)
class Window:
    """`[start, end)` in UTC, never empty. Raises ValueError on naive times or start not before end."""

    start: datetime
    end: datetime

    def __post_init__(self) -> None:
        if self.start.tzinfo is None or self.end.tzinfo is None:
            raise ValueError("a window needs times with a zone")
        if self.start >= self.end:
            raise ValueError(f"a window must start before it ends: [{rfc3339(self.start)}, {rfc3339(self.end)})")

    @property
    def key(self) -> str:
        """`<start>_<end>` as object keys carry it."""
        return f"{key_time(self.start)}_{key_time(self.end)}"

    @property
    def length(self) -> timedelta:
        return self.end - self.start

    def days(self) -> list[date]:
        """The UTC days that the window touches, ascending."""
        first = self.start.astimezone(UTC).toordinal()
        last = (self.end - datetime.resolution).astimezone(UTC).toordinal()
        return [date.fromordinal(number) for number in range(first, last + 1)]

    def overlaps(self, other: "Window") -> bool:
        return self.start < other.end and other.start < self.end

    def contains(self, moment: datetime) -> bool:
        return self.start <= moment < self.end

    def clip(self, within: "Window") -> "Window | None":
        """The part of this window inside another one, or None."""
        start, end = max(self.start, within.start), min(self.end, within.end)
        return Window(start, end) if start < end else None

    def as_text(self) -> list[str]:
        """`[start, end]` as RFC 3339 texts, the form entries and states carry."""
        return [rfc3339(self.start), rfc3339(self.end)]

    @classmethod
    def from_text(cls, pair: Iterable[str]) -> "Window":
        start, end = pair
        return cls(parse_rfc3339(start), parse_rfc3339(end))

    @classmethod
    def of_day(cls, day: date) -> "Window":
        return cls(midnight(day), midnight(day) + _DAY)

    def __str__(self) -> str:
        return f"[{rfc3339(self.start)}, {rfc3339(self.end)})"


def merge(windows: Iterable[Window]) -> list[Window]:
    """The union as ascending disjoint windows; windows that touch become one."""
    merged: list[Window] = []
    for window in sorted(windows):
        if merged and window.start <= merged[-1].end:
            if window.end > merged[-1].end:
                merged[-1] = Window(merged[-1].start, window.end)
        else:
            merged.append(window)
    return merged


def gaps(covered: Iterable[Window], within: Window) -> list[Window]:
    """What `within` holds that no covered window does, ascending."""
    holes = []
    position = within.start
    for window in merge(covered):
        if window.end <= position:
            continue
        if window.start >= within.end:
            break
        if window.start > position:
            holes.append(Window(position, window.start))
        position = max(position, window.end)
    if position < within.end:
        holes.append(Window(position, within.end))
    return holes


def split_days(window: Window) -> list[Window]:
    """The window cut at UTC midnights, ascending."""
    cuts = [window.start, *(midnight(day) for day in window.days()[1:]), window.end]
    return [Window(start, end) for start, end in pairwise(cuts)]
