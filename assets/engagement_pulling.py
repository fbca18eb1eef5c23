"""Engagement pulled, committed and folded: what is due, in which order. Knows no Dagster.

Promise: days are whole; what a killed run left is folded first; a day that the vendor does not serve, yet or any
more, is said and fails nothing else.
"""

import time
from collections.abc import Iterable, Iterator
from datetime import datetime

from assets.pull_report import PullReport
from assets.walking import Walked, commit_window, walk_window
from assets.workshop import Progress, Silent, Workshop
from warehouse.anthropic.engagement import Engagement
from warehouse.anthropic.engagement_planning import SETTLES_AFTER, due, requested
from warehouse.anthropic.errors import WindowRefused
from warehouse.archive.adopt import adopt_orphans
from warehouse.tables.engagement.fold import fold_pending_engagement
from warehouse.wire.windows import Window


def pull_engagement(
    workshop: Workshop,
    stream: Engagement,
    *,
    start: datetime | None = None,
    end: datetime | None = None,
    progress: Progress | None = None,
) -> PullReport:
    """Pull days of one stream, or without a range what is due: days never read, and after each counting those of
    the last week.

    Raises WindowRefused for a range that nobody should ask for, StreamTrouble when the key does not open the
    stream.
    """
    progress = progress or Silent()
    began = time.monotonic()
    total = PullReport(stream)
    recover_engagement(workshop, stream, total)
    adopt_orphans(workshop.archive)
    windows = due_or_requested(workshop, stream, start, end)
    progress.start(len(windows))
    for _, report in pull_engagement_windows(workshop, stream, windows, progress=progress):
        total.merge(report)
    workshop.archive.settle()
    total.seconds = time.monotonic() - began
    return total


def recover_engagement(workshop: Workshop, stream: Engagement, report: PullReport) -> None:
    """Finish what an earlier run left: fold its committed pulls, sign the head."""
    archive = workshop.archive
    archive.refresh()
    archive.check_key()
    _fold(workshop, stream, report)
    if archive.state.size:
        archive.settle()


def due_or_requested(
    workshop: Workshop, stream: Engagement, start: datetime | None, end: datetime | None
) -> list[Window]:
    """The windows to ask for, newest first. Raises WindowRefused."""
    reports, state = workshop.engagement_reports(stream), workshop.archive.state.stream(stream)
    now, longest = reports.client.server_clock.now(), reports.endpoint.longest
    if start is not None or end is not None:
        return requested(
            start,
            end,
            now=now,
            start=workshop.start,
            longest=longest,
            covered=state.covered,
            unsettled=state.unsettled,
        )
    return due(state.covered, state.unsettled, now, start=workshop.start, longest=longest)


def pull_engagement_windows(
    workshop: Workshop, stream: Engagement, windows: Iterable[Window], *, progress: Progress | None = None
) -> Iterator[tuple[Window, PullReport]]:
    """Pull windows of whole days one after the other, newest first; yields a report for each once it is folded.

    Where the vendor serves no days as old as a window's, the older windows are left out. Raises StreamTrouble
    (key, scope, switched off) at once: no other window would fare better.
    """
    progress = progress or Silent()
    windows = list(windows)
    for number, window in enumerate(windows, 1):
        began = time.monotonic()
        report = PullReport(stream, windows=1)
        walked = _walk_what_is_counted(workshop, stream, window, report, progress)
        if walked is not None:
            _keep_what_is_served(walked, report)
        oldest = bool(report.failed)  # so far only the vendor's word that it has no older days
        _note_clock(workshop, stream, report)
        if walked is not None:
            version = workshop.engagement_reports(stream).client.version
            commit_window(workshop.archive, walked, report, api_version=version, settles_after=SETTLES_AFTER)
            _fold(workshop, stream, report)
            if walked.unreachable:  # no other window would fare better
                report.not_tried = len(windows) - number
        report.seconds = time.monotonic() - began
        progress.window_done(window, report.pages, report.records)
        yield window, report
        if oldest or report.not_tried:
            return


def _walk_what_is_counted(
    workshop: Workshop, stream: Engagement, window: Window, report: PullReport, progress: Progress
) -> Walked | None:
    """Walk a window, or the days of it that the vendor has counted by now and still serves; None where there are
    none. Days that are not counted yet are no failure: a later run takes them
    up."""
    while True:
        try:
            return walk_window(workshop.archive, stream, window, workshop.engagement_reports(stream).pages(window))
        except WindowRefused as refused:
            report.requests += len(refused.attempts)
            if refused.nearest is None:
                raise
            inside = window.start < refused.nearest < window.end
            if refused.parameter == "from":
                old = Window(window.start, refused.nearest) if inside else window
                report.failed.append({"window": str(old), "error": str(refused)})
            else:
                progress.note(f"{stream}: {refused}")
            if not inside:
                return None
            older = refused.parameter == "to"
            window = Window(window.start, refused.nearest) if older else Window(refused.nearest, window.end)


def _keep_what_is_served(walked: Walked, report: PullReport) -> None:
    """Narrow a window to the days that were read, where the vendor refused older ones."""
    refused = walked.refused
    if refused is not None and refused.nearest is not None:
        old = Window(walked.window.start, refused.nearest)
        report.failed.append({"window": str(old), "error": str(refused)})
        walked.window = Window(refused.nearest, walked.window.end)


def _fold(workshop: Workshop, stream: Engagement, report: PullReport) -> None:
    for folded in fold_pending_engagement(workshop.archive, stream):
        report.add_fold(folded)
        report.bytes += folded.bytes


def _note_clock(workshop: Workshop, stream: Engagement, report: PullReport) -> None:
    finding = workshop.engagement_reports(stream).client.server_clock.finding()
    if finding is not None:
        report.findings.append({"code": finding.code, "subject": "clock", "detail": str(finding)})
