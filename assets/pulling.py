"""The activity feed pulled, committed and folded: what is due, in which order. Knows no Dagster.

Promise: a window is complete only after its last page, and committed as one entry; what a killed run left is
folded first; a window that fails is recorded with what it did serve, and found again by its gap in coverage.
"""

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from assets.anchoring import anchor_checkpoint
from assets.pull_report import PullReport
from assets.walking import Walked, commit_window, walk_window
from assets.workshop import Progress, Silent, Workshop
from warehouse.anthropic.errors import WindowRefused
from warehouse.anthropic.planning import due_windows, requested_windows, reread_window
from warehouse.anthropic.walk import Page
from warehouse.archive.adopt import adopt_orphans
from warehouse.archive.derive import SETTLED
from warehouse.archive.entry import Entry
from warehouse.tables.activities import Batch
from warehouse.tables.fold import STREAM, OpenFold, batches_of, begin_fold, fold_pending
from warehouse.tables.schema import TABLE
from warehouse.tables.seal import seal_settled_days, write_missing_markers
from warehouse.wire.times import midnight
from warehouse.wire.windows import Window

# Parsed rows kept in memory between commit and fold; beyond it the fold reads the pages back from the archive.
_ROWS_IN_MEMORY = 200_000
_UNREACHABLE = 3  # windows in a row for which no connection came about: no other would fare better
_WORTH_SHARING = 8  # windows: below that, starting further processes takes longer than they save


@dataclass
class _Parsed:
    """A window of the feed that was walked, and its pages as rows; None where they are too many to keep."""

    walked: Walked
    batches: list[Batch] | None


def pull_activities(
    workshop: Workshop,
    *,
    start: datetime | None = None,
    end: datetime | None = None,
    progress: Progress | None = None,
) -> PullReport:
    """Pull a range of the activity feed, or without one what is due: the tail, holes, yesterday once more when it
    has settled; then settled days are sealed.

    `end` defaults to now less the feed's indexing lag, and a later one is cut there. Raises WindowRefused for
    a range that nobody should ask for, StreamTrouble when the key does not open the stream.
    """
    progress = progress or Silent()
    began = time.monotonic()
    total = PullReport()
    recover(workshop, total)
    adopt_orphans(workshop.archive)
    now, earliest = workshop.activity_feed().client.server_clock.now(), midnight(workshop.start)
    if start is None and end is None:
        windows = due_windows(workshop.archive.state.stream(STREAM).covered, now, start=earliest)
    else:
        windows = requested_windows(start, end, now=now, start=earliest)
    progress.start(len(windows))
    for _, report in pull_windows(workshop, windows, progress=progress):
        total.merge(report)
    if start is None and end is None and not total.not_tried:
        _look_again(workshop, now, progress, total)
        total.sealed = [sealed.day.isoformat() for sealed in seal_settled_days(workshop.archive)]
    workshop.archive.settle()
    if total.sealed:
        total.findings += anchor_checkpoint(workshop).findings
    total.seconds = time.monotonic() - began
    return total


def _look_again(workshop: Workshop, now: datetime, progress: Progress, total: PullReport) -> None:
    """Read yesterday whole once more, if nobody has since it settled: what was indexed late is found then, and
    the day can be sealed."""
    window = reread_window(now, start=midnight(workshop.start))
    state = workshop.archive.state
    if (
        window is None
        or now - window.end < SETTLED
        or window.start.date().isoformat() in state.stream(STREAM).reread
    ):
        return
    day = window.start.date().isoformat()
    if any(file.dt == day for file in state.table(TABLE).sealed):
        return
    progress.start(1)
    for _, report in pull_windows(workshop, [window], progress=progress):
        total.merge(report)


def recover(workshop: Workshop, report: PullReport) -> None:
    """Finish what an earlier run left: fold its committed pulls, write missing markers, sign the head."""
    workshop.archive.refresh()
    workshop.archive.check_key()
    for folded in fold_pending(workshop.archive, workshop.parser):
        report.add_fold(folded)
        report.seqs.append(folded.seq)
    if workshop.archive.state.size:
        write_missing_markers(workshop.archive)
        workshop.archive.settle()


def pull_windows(
    workshop: Workshop, windows: Iterable[Window], *, progress: Progress | None = None
) -> Iterator[tuple[Window, PullReport]]:
    """Pull windows of the activity feed one after the other; yields a report for each once it is committed.

    While one window's table files are written, the next one's pages are fetched. Raises StreamTrouble (key,
    scope, switched off) at once: no other window would fare better. Where the server cannot be reached for some
    windows in a row, it ends with them, and the last report counts those that were not tried.
    """
    progress = progress or Silent()
    windows = list(windows)
    open_folds: list[tuple[Window, PullReport, OpenFold, float]] = []

    def finish() -> Iterator[tuple[Window, PullReport]]:
        while open_folds:
            window, report, work, began = open_folds.pop(0)
            folded = work.complete()
            if folded is not None:
                report.add_fold(folded)
                report.bytes += folded.bytes
            report.seconds = time.monotonic() - began
            progress.window_done(window, report.pages, report.records)
            yield window, report

    unreached = 0
    try:
        for number, window in enumerate(windows, 1):
            began = time.monotonic()
            report = PullReport(windows=1)
            parsed = _walk_in_time(workshop, window, report)
            yield from finish()
            if parsed is not None:
                entry = _commit(workshop, parsed, report)
                batches = (
                    parsed.batches
                    if parsed.batches is not None
                    else batches_of(workshop.archive, entry, workshop.parser)
                )
                open_folds.append(
                    (window, report, begin_fold(workshop.archive, entry, batches, workshop.parser), began)
                )
                unreached = unreached + 1 if parsed.walked.unreachable else 0
                if unreached == _UNREACHABLE:
                    report.not_tried = len(windows) - number
                    break
            # once a window shows that the server is there
            if workshop.elsewhere is not None and len(windows) - number >= _WORTH_SHARING and not unreached:
                yield from finish()
                for shared, done in workshop.elsewhere(windows[number:]):
                    progress.window_done(shared, done.pages, done.records)
                    yield shared, done
                workshop.archive.refresh()
                break
        yield from finish()
    finally:
        # also when a later window met trouble: what is committed is folded before anybody hears of it
        for _ in finish():
            pass


def _walk_in_time(workshop: Workshop, window: Window, report: PullReport) -> _Parsed | None:
    """Walk a window that is over by the server's clock; else the part that is, or None where none is.

    A window that reaches into the server's present would be called complete while records still arrive.
    """
    try:
        parsed: _Parsed | None = _walk(workshop, window)
    except WindowRefused as refused:
        report.requests += len(refused.attempts)
        if refused.nearest is None:
            raise
        end = refused.nearest.replace(microsecond=0)
        parsed = _walk(workshop, Window(window.start, end)) if window.start < end < window.end else None
    finding = workshop.activity_feed().client.server_clock.finding()
    if finding is not None:
        report.findings.append({"code": finding.code, "subject": "clock", "detail": str(finding)})
    return parsed


def _walk(workshop: Workshop, window: Window) -> _Parsed:
    """Fetch a window's pages; store and parse each while the next is on its way."""
    batches: list[Batch] | None = []
    rows = 0

    def parse(page: Page) -> None:
        nonlocal batches, rows
        batch = workshop.parser.parse(page.records, page.index + 1)
        rows += batch.rows
        if batches is not None:
            batches.append(batch)
            if rows > _ROWS_IN_MEMORY:
                batches = None

    walked = walk_window(workshop.archive, STREAM, window, workshop.activity_feed().pages(window), parse)
    return _Parsed(walked, batches)


def _commit(workshop: Workshop, parsed: _Parsed, report: PullReport) -> Entry:
    version = workshop.activity_feed().client.version
    return commit_window(workshop.archive, parsed.walked, report, api_version=version, audited=True)
