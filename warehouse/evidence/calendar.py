"""The days of a period as a calendar: which were pulled whole, in part or not at all, which are sealed.

Promise: follows from the log's windows alone; a day with the smallest hole is never called complete.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import groupby
from typing import Final, Literal

from warehouse.archive.recording import off_spans
from warehouse.archive.state import LogState
from warehouse.tables.fold import STREAM
from warehouse.tables.schema import TABLE
from warehouse.wire.windows import Window, gaps

Covered = Literal["complete", "partial", "missing"]
STATES: Final = {
    "complete": "complete: every moment lies in a pull that was read to its last page",
    "partial": "partial: some of it lies in no complete pull",
    "missing": "missing: no complete pull covers any of it",
}


@dataclass(frozen=True, slots=True)
class Day:
    """A UTC day, or the part of it that lies in the period. `off`: the vendor's recording was off for some of it;
    `events`: how many records of it there are."""

    day: date
    covered: Covered
    sealed: bool
    off: bool
    events: int

    @property
    def told(self) -> str:
        """The cell in words: `2026-06-03: complete, sealed, 1,204 events`."""
        words = [self.covered, "sealed" if self.sealed else "not sealed"]
        if self.off:
            words.append("recording off for some of it")
        return f"{self.day}: {', '.join(words)}, {self.events:,} event{'' if self.events == 1 else 's'}"


@dataclass(frozen=True, slots=True)
class Month:
    """A calendar month as rows of seven days, Monday first; None where a day is not in the period."""

    first: date
    weeks: tuple[tuple[Day | None, ...], ...]

    @property
    def name(self) -> str:
        """`2026-06`."""
        return f"{self.first:%Y-%m}"


def days_of(state: LogState, period: Window, events: Mapping[date, int]) -> list[Day]:
    """The days that a period touches, ascending. `events`: records by day, those of the period alone."""
    windows = state.stream(STREAM).covered
    sealed = {file.dt for file in state.table(TABLE).sealed}
    spans = off_spans(state.turns)
    found = []
    for day in period.days():
        asked = Window.of_day(day).clip(period)
        assert asked is not None
        near = [window for window in windows if window.overlaps(asked)]
        holes = gaps(near, asked)
        covered: Covered = "complete" if not holes else "partial" if near else "missing"
        off = any(span.overlaps(asked) for span in spans)
        found.append(Day(day, covered, day.isoformat() in sealed, off, events.get(day, 0)))
    return found


def months_of(days: list[Day]) -> list[Month]:
    """The same laid out by month and week."""
    made = []
    for (year, month), of_month in groupby(days, lambda one: (one.day.year, one.day.month)):
        known = {one.day: one for one in of_month}
        first = date(year, month, 1)
        start = first - timedelta(days=first.weekday())
        weeks = [
            tuple(known.get(start + timedelta(days=7 * week + weekday)) for weekday in range(7))
            for week in range(6)
        ]
        made.append(Month(first, tuple(week for week in weeks if any(week))))
    return made
