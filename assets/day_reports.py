"""What a pull did to each day, as the metadata of that day's partition: numbers that the UI plots, a line to
read.

Promise: a window counts for the day it lies in; a day nothing was asked for says so with zeros.
"""

from collections.abc import Iterable, Iterator
from datetime import date, timedelta
from typing import Any

import dagster as dg

from assets.pull_report import PullReport
from warehouse.archive.state import LogState
from warehouse.tables.fold import STREAM
from warehouse.wire.windows import Window, gaps, merge

_COUNTS = ("records", "first", "revised", "withdrawn", "unchanged", "pages", "requests")
_HOUR_FORM = "%H:%M"


class DayReports:
    """The reports of one run, gathered by day. `asked` are the partitions that the run is for."""

    def __init__(self, asked: Iterable[str]) -> None:
        self.asked = list(asked)
        self._of: dict[str, PullReport] = {day: PullReport() for day in self.asked}

    def add(self, window: Window, report: PullReport) -> None:
        """Take in a window, which crosses no midnight."""
        day = self._of.setdefault(window.start.date().isoformat(), PullReport())
        day.merge(report)
        day.seconds += report.seconds

    def __iter__(self) -> Iterator[str]:
        return iter(sorted(self._of))

    @property
    def failed(self) -> list[dict[str, str]]:
        return [failure for report in self._of.values() for failure in report.failed]

    @property
    def not_tried(self) -> int:
        """Windows that were left out because the server could not be reached."""
        return sum(report.not_tried for report in self._of.values())

    def metadata(self, day: str, state: LogState) -> dict[str, Any]:
        """Counts, bytes stored, seconds, coverage and log entries of one day."""
        report = self._of[day]
        whole, covered = coverage(state, date.fromisoformat(day))
        return {
            "covered": covered,
            "complete": whole,
            **{name: getattr(report, name) for name in _COUNTS},
            "unknown_types": sum(report.unknown_types.values()),
            "unknown_fields": sum(report.unknown_fields.values()),
            "bytes": report.bytes,
            "seconds": round(report.seconds, 3),
            "log_entries": ", ".join(str(seq) for seq in report.seqs) or "none",
            "summary": dg.MetadataValue.md(_summary(day, report, covered)),
            "dagster/partition_row_count": report.records,
        }


def coverage(state: LogState, day: date) -> tuple[bool, str]:
    """Whether a UTC day is wholly covered, and which parts of it are: `00:00 to 14:03`."""
    whole = Window.of_day(day)
    covered = [
        part for part in (window.clip(whole) for window in state.stream(STREAM).covered) if part is not None
    ]
    if not gaps(covered, whole):
        return True, "the whole day"
    return False, ", ".join(_hours(part, whole) for part in merge(covered)) or "nothing"


def _hours(part: Window, day: Window) -> str:
    end = "24:00" if part.end == day.end else part.end.strftime(_HOUR_FORM)
    return f"{part.start.strftime(_HOUR_FORM)} to {end}"


def _summary(day: str, report: PullReport, covered: str) -> str:
    lines = [
        f"**{day}**, covered: {covered}. {report.records:,} records in {report.pages:,} pages "
        f"({report.requests:,} requests), {report.bytes / 1000:,.0f} kB stored in "
        f"{timedelta(seconds=round(report.seconds, 1)).total_seconds():g} s.",
        "",
        "| first | revised | withdrawn | unchanged |",
        "| ---: | ---: | ---: | ---: |",
        f"| {report.first:,} | {report.revised:,} | {report.withdrawn:,} | {report.unchanged:,} |",
    ]
    for title, seen in (("Unknown types", report.unknown_types), ("Unknown fields", report.unknown_fields)):
        if seen:
            named = ", ".join(f"{_code(name)} ({count})" for name, count in sorted(seen.items()))
            lines += ["", f"{title}, kept and tagged: {named}"]
    for failure in report.failed:
        lines += ["", f"**Failed** {failure['window']}: {_code(failure['error'])}"]
    return "\n".join(lines)


def _code(served: str) -> str:
    """Text from outside as a code span, so that nothing in it is read as Markdown or HTML."""
    return f"`{served.replace('`', chr(39))}`"
