"""Pull, commit, fold: where the API client, the archive and the tables meet. Knows no Dagster.

Promise: a window is complete only after its last page, and committed as one entry; what a killed run left is
folded first; a window that fails is recorded with what it did serve, and found again by its gap in coverage.
"""

import time
from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from msgspec import UNSET

from assets.workshop import Progress, Silent, Workshop
from warehouse.anthropic.activities import Page
from warehouse.anthropic.answers import Attempt
from warehouse.anthropic.errors import WindowFailed, WindowRefused
from warehouse.anthropic.planning import due_windows, requested_windows, reread_window
from warehouse.archive.adopt import adopt_orphans
from warehouse.archive.archive import ServedPage
from warehouse.archive.derive import SETTLED
from warehouse.archive.entry import Draft, Entry, ObjectRef
from warehouse.tables.activities import Batch
from warehouse.tables.fold import STREAM, Folded, OpenFold, batches_of, begin_fold, fold_pending
from warehouse.tables.schema import TABLE
from warehouse.tables.seal import seal_settled_days, write_missing_markers
from warehouse.wire.times import midnight, rfc3339
from warehouse.wire.windows import Window

# Parsed rows kept in memory between commit and fold; beyond it the fold reads the pages back from the archive.
_ROWS_IN_MEMORY = 200_000
_WORTH_SHARING = 8  # windows: below that, starting further processes takes longer than they save
_COUNTS = ("windows", "requests", "pages", "records", "first", "revised", "withdrawn", "unchanged", "bytes")


@dataclass
class PullReport:
    """What a pull did. `windows`, `requests`, `pages` and rows are counts; `seqs` are its entries in the log."""

    stream: str = STREAM
    windows: int = 0
    requests: int = 0
    pages: int = 0
    records: int = 0
    first: int = 0
    revised: int = 0
    withdrawn: int = 0
    unchanged: int = 0
    unknown_types: Counter[str] = field(default_factory=Counter)
    unknown_fields: Counter[str] = field(default_factory=Counter)
    seqs: list[int] = field(default_factory=list)
    failed: list[dict[str, str]] = field(default_factory=list)
    findings: list[dict[str, str]] = field(default_factory=list)
    sealed: list[str] = field(default_factory=list)
    bytes: int = 0
    seconds: float = 0.0

    def add_fold(self, folded: Folded) -> None:
        self.records += folded.records
        self.first += folded.first
        self.revised += folded.revised
        self.withdrawn += folded.withdrawn
        self.unchanged += folded.unchanged
        self.unknown_types += folded.unknown_types
        self.unknown_fields += folded.unknown_fields

    def merge(self, other: "PullReport") -> None:
        """Add another report's counts to this one."""
        for name in _COUNTS:
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.unknown_types += other.unknown_types
        self.unknown_fields += other.unknown_fields
        self.seqs += other.seqs
        self.failed += other.failed
        known = {(finding["code"], finding["subject"]) for finding in self.findings}
        self.findings += [new for new in other.findings if (new["code"], new["subject"]) not in known]

    def as_dict(self) -> dict[str, Any]:
        return {
            **{name: getattr(self, name) for name in self.__dataclass_fields__},
            "unknown_types": dict(self.unknown_types),
            "unknown_fields": dict(self.unknown_fields),
            "seconds": round(self.seconds, 3),
        }


@dataclass
class _Walk:
    """One window while it is pulled."""

    window: Window
    refs: list[ObjectRef] = field(default_factory=list)
    batches: list[Batch] | None = field(default_factory=list)
    attempts: list[Attempt] = field(default_factory=list)  # requests that brought no page
    query: str | None = None
    rows: int = 0
    error: str | None = None


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
    if start is None and end is None:
        _look_again(workshop, now, progress, total)
        total.sealed = [sealed.day.isoformat() for sealed in seal_settled_days(workshop.archive)]
    workshop.archive.settle()
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
    scope, switched off) at once: no other window would fare better.
    """
    progress = progress or Silent()
    windows = list(windows)
    if workshop.elsewhere is not None and len(windows) >= _WORTH_SHARING:
        for window, report in workshop.elsewhere(windows):
            progress.window_done(window, report.pages, report.records)
            yield window, report
        workshop.archive.refresh()
        return
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

    try:
        for window in windows:
            began = time.monotonic()
            report = PullReport(windows=1)
            walk = _walk_in_time(workshop, window, report)
            yield from finish()
            if walk is not None:
                entry = _commit(workshop, walk, report)
                batches = (
                    walk.batches
                    if walk.batches is not None
                    else batches_of(workshop.archive, entry, workshop.parser)
                )
                open_folds.append(
                    (window, report, begin_fold(workshop.archive, entry, batches, workshop.parser), began)
                )
        yield from finish()
    finally:
        # also when a later window met trouble: what is committed is folded before anybody hears of it
        for _ in finish():
            pass


def _walk_in_time(workshop: Workshop, window: Window, report: PullReport) -> _Walk | None:
    """Walk a window that is over by the server's clock; else the part that is, or None where none is.

    A window that reaches into the server's present would be called complete while records still arrive.
    """
    try:
        walk: _Walk | None = _walk(workshop, window)
    except WindowRefused as refused:
        report.requests += len(refused.attempts)
        if refused.nearest is None:
            raise
        end = refused.nearest.replace(microsecond=0)
        walk = _walk(workshop, Window(window.start, end)) if window.start < end < window.end else None
    finding = workshop.activity_feed().client.server_clock.finding()
    if finding is not None:
        report.findings.append({"code": finding.code, "subject": "clock", "detail": str(finding)})
    return walk


def _walk(workshop: Workshop, window: Window) -> _Walk:
    """Fetch a window's pages; store and parse each while the next is on its way."""
    walk = _Walk(window)
    archive, parser = workshop.archive, workshop.parser
    waiting: list[Future[ObjectRef]] = []
    served: set[str | None] = set()
    attempts: list[Attempt] = []
    try:
        for page in _fetched_ahead(workshop.activity_feed().pages(window)):
            waiting.append(archive.in_background(archive.put_page, STREAM, window, _served(page)))
            served.add(page.request_id)
            attempts += page.attempts[:-1]
            walk.query = walk.query or page.query
            batch = parser.parse(page.records, page.index + 1)
            walk.rows += batch.rows
            if walk.batches is not None:
                walk.batches.append(batch)
                if walk.rows > _ROWS_IN_MEMORY:
                    walk.batches = None
    except WindowFailed as failure:
        walk.error = str(failure)
        attempts = [
            tried for tried in failure.attempts if tried.request_id is None or tried.request_id not in served
        ]
    walk.attempts = attempts
    walk.refs = [put.result() for put in waiting]
    return walk


def _fetched_ahead(pages: Iterator[Page]) -> Iterator[Page]:
    """The same pages, each next one being fetched while the caller works on this one."""
    with ThreadPoolExecutor(1, thread_name_prefix="fetch") as pool:
        coming = pool.submit(next, pages, None)
        while (page := coming.result()) is not None:
            coming = pool.submit(next, pages, None)
            yield page


def _served(page: Page) -> ServedPage:
    return ServedPage(
        index=page.index + 1,
        body=page.body,
        records=page.records,
        status=page.status,
        request_id=page.request_id,
        requested_at=page.requested_at,
        query=page.query,
        headers=dict(page.headers),
        cursor_in=page.cursor_in,
        last_id=page.last_id,
    )


def _commit(workshop: Workshop, walk: _Walk, report: PullReport) -> Entry:
    """One entry for the window: complete with all its pages, or incomplete with those it got and why."""
    records = sum(ref.records for ref in walk.refs if isinstance(ref.records, int))
    entry = workshop.archive.commit(
        Draft(
            kind="pull",
            stream=STREAM,
            window=walk.window.as_text(),
            query=walk.query,
            complete=walk.error is None,
            objects=walk.refs,
            counts={"pages": len(walk.refs), "records": records, "requests": len(walk.refs) + len(walk.attempts)},
            audited=True,
            api_version=workshop.activity_feed().client.version,
            attempts=[_attempt(attempt) for attempt in walk.attempts],
            error=walk.error if walk.error is not None else UNSET,
            findings=report.findings or UNSET,
        )
    )
    report.seqs.append(entry.seq)
    report.pages += len(walk.refs)
    report.requests += len(walk.refs) + len(walk.attempts)
    report.bytes += sum(ref.bytes for ref in walk.refs)
    if walk.error is not None:
        report.failed.append({"window": str(walk.window), "error": walk.error})
    return entry


def _attempt(attempt: Attempt) -> dict[str, Any]:
    return {
        "requested_at": rfc3339(attempt.requested_at),
        "status": attempt.status,
        "request_id": attempt.request_id,
        "detail": attempt.detail,
    }
