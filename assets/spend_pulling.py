"""Usage and cost pulled, committed and folded: what is due, in which order. Knows no Dagster.

Promise: days are whole; the total comes with the grouped rows of the same refresh, as one entry; days that were
final are not asked for again; what a killed run left is folded first.
"""

import threading
import time
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from assets.pull_report import PullReport
from assets.walking import Walked, commit_window, walk_window
from assets.workshop import Progress, Silent, Workshop
from warehouse.anthropic.errors import WindowRefused
from warehouse.anthropic.spend import SpendReports
from warehouse.anthropic.spend_planning import due_days, first_day, requested_days, whole_days_until
from warehouse.anthropic.spend_queries import STREAMS, Stream
from warehouse.anthropic.walk import Page
from warehouse.archive.adopt import adopt_orphans
from warehouse.archive.entry import Entry
from warehouse.archive.state import StreamState
from warehouse.tables.spend.fold import FoldedDays, fold_days, fold_pending_days
from warehouse.wire.times import midnight, parse_rfc3339
from warehouse.wire.windows import Window, gaps

# Windows under way at once. A page of the vendor's takes about as long as the rate allows between two, so one
# walk alone would not use the rate up.
_AHEAD = 3


@dataclass
class SpendReport(PullReport):
    """What a pull of usage or cost did, beyond rows: days that got a version, those of them that had one before.

    `asked` counts small questions about freshness (they are among `requests`); `refreshed_at` is how fresh the
    figures are; `by_day` holds each day's sums and version.
    """

    days: int = 0
    restated: int = 0
    asked: int = 0
    refreshed_at: str | None = None
    by_day: dict[str, dict[str, Any]] = field(default_factory=dict)

    def add_days(self, folded: FoldedDays) -> None:
        self.add_fold(folded)
        self.days += folded.days
        self.restated += folded.restated
        self.by_day |= folded.by_day
        self.findings += folded.findings
        self.bytes += folded.bytes

    def as_dict(self) -> dict[str, Any]:
        """As a document: amounts are decimal texts in USD."""
        days = {
            day: {name: f"{value:f}" if isinstance(value, Decimal) else value for name, value in facts.items()}
            for day, facts in sorted(self.by_day.items())
        }
        return {**super().as_dict(), "by_day": days}

    def merge(self, other: PullReport) -> None:
        super().merge(other)
        if isinstance(other, SpendReport):
            self.days += other.days
            self.restated += other.restated
            self.asked += other.asked
            self.refreshed_at = other.refreshed_at or self.refreshed_at
            self.by_day |= other.by_day


def pull_spend(
    workshop: Workshop,
    stream: Stream,
    *,
    start: datetime | None = None,
    end: datetime | None = None,
    progress: Progress | None = None,
) -> SpendReport:
    """Pull days of usage or cost, or without a range what is due: days never read, and after each refresh of the
    vendor's figures those that were not final yet. A range of which some was never read is gone on with; one that
    was all read is read again.

    Raises WindowRefused for a range that nobody should ask for, StreamTrouble when the key does not open the
    stream, Unavailable when not even the question about freshness is answered.
    """
    progress = progress or Silent()
    began = time.monotonic()
    total = SpendReport(stream)
    recover_spend(workshop, stream, total)
    adopt_orphans(workshop.archive)
    windows = due_or_requested(workshop, stream, start, end, total)
    progress.start(len(windows))
    for _, report in pull_spend_windows(workshop, stream, windows, progress=progress):
        total.merge(report)
    workshop.archive.settle()
    total.seconds = time.monotonic() - began
    return total


def recover_spend(workshop: Workshop, stream: Stream, report: SpendReport) -> None:
    """Finish what an earlier run left: fold its committed pulls, sign the head."""
    archive = workshop.archive
    archive.refresh()
    archive.check_key()
    for folded in fold_pending_days(archive, stream):
        report.add_days(folded)
        report.seqs.append(folded.seq)
    if archive.state.size:
        archive.settle()


def due_or_requested(
    workshop: Workshop,
    stream: Stream,
    start: datetime | None,
    end: datetime | None,
    report: SpendReport,
    *,
    again: bool | None = None,
) -> list[Window]:
    """The windows to ask for, newest first. The vendor is asked how fresh its figures are, unless it has said so
    before of all that is wanted. `again` is that of `requested_days`."""
    reports, state = workshop.spend_reports(stream), workshop.archive.state.stream(stream)
    now = reports.client.server_clock.now()
    first = first_day(now, workshop.start)
    wanted = start is not None or end is not None
    known = state.refreshed_at
    if (
        known is None
        or not wanted
        or end is None
        or whole_days_until(parse_rfc3339(known)) < end
        or _may_have_moved(state, Window(max(start or midnight(first), midnight(first)), end), again)
    ):
        if midnight(first) + timedelta(days=1) > now:
            return []  # the first day is not over: there is nothing to ask
        known = ask_freshness(workshop, stream, report)
    report.refreshed_at = known
    at = parse_rfc3339(known)
    if wanted:
        return requested_days(
            start,
            end,
            refreshed_at=at,
            first=first,
            covered=state.covered,
            unsettled=state.unsettled,
            again=again,
        )
    return due_days(state.covered, state.unsettled, at, first=first)


def _may_have_moved(state: StreamState, wanted: Window, again: bool | None) -> bool:
    """Whether it depends on how fresh the figures are which days of a range are asked for: some are held, and may
    have been restated since."""
    if again is None:
        again = not gaps(state.covered, wanted)
    return not again and any(day.isoformat() in state.unsettled for day in wanted.days())


def ask_freshness(workshop: Workshop, stream: Stream, report: SpendReport) -> str:
    """The one small question: up to when do the vendor's figures reach?"""
    reports = workshop.spend_reports(stream)
    today = reports.client.server_clock.now().date()
    day = max(today - timedelta(days=1), first_day(reports.client.server_clock.now(), workshop.start))
    fresh = reports.freshness(Window.of_day(day))
    report.asked += len(fresh.attempts)
    report.requests += len(fresh.attempts)
    _note_clock(reports, report)
    return fresh.text


def figures_moved(workshop: Workshop) -> tuple[str, bool]:
    """How fresh the vendor's figures are, and whether that is newer than what was pulled of either stream.

    One request, of cost: both streams are of the same export.
    """
    workshop.archive.refresh()
    refreshed = ask_freshness(workshop, "cost", SpendReport("cost"))
    at = parse_rfc3339(refreshed)
    known = [workshop.archive.state.stream(stream).refreshed_at for stream in STREAMS]
    return refreshed, any(text is None or parse_rfc3339(text) < at for text in known)


def pull_spend_windows(
    workshop: Workshop, stream: Stream, windows: Iterable[Window], *, progress: Progress | None = None
) -> Iterator[tuple[Window, SpendReport]]:
    """Pull windows of whole days one after the other; yields a report for each once it is committed and folded.

    While one window is folded the next ones' pages are fetched, so that the vendor's rate is what takes the time
    and not the way there and back. Raises StreamTrouble (key, scope, switched off) at once, after what was fetched
    before it is committed: no other window would fare better.
    """
    progress = progress or Silent()
    stopped, waiting = threading.Event(), iter(windows)
    coming: deque[tuple[Window, Future[tuple[Walked | None, SpendReport]]]] = deque()
    with ThreadPoolExecutor(_AHEAD, thread_name_prefix="walk") as pool:

        def ahead() -> None:
            while len(coming) < _AHEAD and (window := next(waiting, None)) is not None:
                coming.append((window, pool.submit(_walk_in_time, workshop, stream, window, stopped)))

        try:
            ahead()
            while coming:
                window, walk = coming.popleft()
                walked, report = walk.result()
                ahead()
                began = time.monotonic()
                if walked is not None:
                    entry = _commit(workshop, stream, walked, report)
                    folded = fold_days(workshop.archive, entry)
                    if folded is not None:
                        report.add_days(folded)
                    report.refreshed_at = entry.data_refreshed_at
                report.seconds += time.monotonic() - began
                progress.window_done(window, report.pages, report.records)
                yield window, report
        finally:
            stopped.set()  # a walk that nobody waits for any more ends with its next page
            for _, walk in coming:
                walk.cancel()


class _Stopped(Exception):
    """Nobody waits for the rest of this walk."""


def _walk_in_time(
    workshop: Workshop, stream: Stream, window: Window, stopped: threading.Event
) -> tuple[Walked | None, SpendReport]:
    """Walk a window that the figures cover; else the days of it that they do, or None where there are none.

    The vendor may take an export back: then what was the freshest is not any more. Commits nothing.
    """

    def go_on(_: Page) -> None:
        if stopped.is_set():
            raise _Stopped

    began = time.monotonic()
    reports, report = workshop.spend_reports(stream), SpendReport(stream, windows=1)
    walked: Walked | None
    try:
        walked = walk_window(workshop.archive, stream, window, reports.pages(window), go_on)
    except WindowRefused as refused:
        report.requests += len(refused.attempts)
        if refused.nearest is None:
            raise
        end = whole_days_until(refused.nearest)
        if not window.start < end < window.end:
            return None, report
        nearer = Window(window.start, end)
        walked = walk_window(workshop.archive, stream, nearer, reports.pages(nearer), go_on)
    _note_clock(reports, report)
    report.seconds = time.monotonic() - began
    return walked, report


def _note_clock(reports: SpendReports, report: SpendReport) -> None:
    finding = reports.client.server_clock.finding()
    if finding is not None and not report.findings:
        report.findings.append({"code": finding.code, "subject": "clock", "detail": str(finding)})


def _commit(workshop: Workshop, stream: Stream, walked: Walked, report: SpendReport) -> Entry:
    version = workshop.spend_reports(stream).client.version
    return commit_window(workshop.archive, walked, report, api_version=version)
