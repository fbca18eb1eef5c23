"""One window of any stream: its pages stored while the next is fetched, then one entry. Knows no Dagster.

Promise: a window is complete only after its last page; one that failed is committed with what it did serve and
why, so that the next run finds it by its gap in coverage.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from msgspec import UNSET

from assets.pull_report import PullReport
from warehouse.anthropic.answers import Attempt
from warehouse.anthropic.errors import WindowFailed, WindowRefused
from warehouse.anthropic.walk import Page
from warehouse.archive.archive import Archive, ServedPage
from warehouse.archive.entry import Draft, Entry, ObjectRef
from warehouse.wire.times import rfc3339
from warehouse.wire.windows import Window


@dataclass
class Walked:
    """A window after its walk. `attempts` are requests that brought no page; `error` is why it is not complete;
    `unreachable`: the server was reached by no request.

    `data_refreshed_at`: how fresh the last page said its figures are, where the stream's answers do. `refused`:
    after these pages the vendor refused the rest of the window.
    """

    stream: str
    window: Window
    refs: list[ObjectRef] = field(default_factory=list)
    attempts: list[Attempt] = field(default_factory=list)
    query: str | None = None
    error: str | None = None
    unreachable: bool = False
    data_refreshed_at: str | None = None
    refused: WindowRefused | None = None


def walk_window(
    archive: Archive,
    stream: str,
    window: Window,
    pages: Iterator[Page],
    take: Callable[[Page], None] = lambda page: None,
) -> Walked:
    """Fetch a window's pages; store each, and hand it to `take`, while the next is on its way.

    Raises what the pages raise but for WindowFailed, and WindowRefused after a first page, which are noted.
    """
    walked = Walked(stream, window)
    waiting: list[Future[ObjectRef]] = []
    served: set[str | None] = set()
    attempts: list[Attempt] = []
    try:
        for page in _fetched_ahead(pages):
            waiting.append(archive.in_background(archive.put_page, stream, window, _served(page)))
            served.add(page.request_id)
            attempts += page.attempts[:-1]
            walked.query = walked.query or page.query
            walked.data_refreshed_at = page.data_refreshed_at
            take(page)
    except WindowFailed as failure:
        walked.error, walked.unreachable = str(failure), failure.unreachable
        attempts = [
            tried for tried in failure.attempts if tried.request_id is None or tried.request_id not in served
        ]
    except WindowRefused as refused:
        if not waiting:
            raise
        walked.refused = refused
        attempts = [one for one in refused.attempts if one.request_id is None or one.request_id not in served]
    walked.attempts = attempts
    walked.refs = [put.result() for put in waiting]
    return walked


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


def commit_window(
    archive: Archive,
    walked: Walked,
    report: PullReport,
    *,
    api_version: str,
    audited: bool = False,
    of_a_moment: bool = False,
    settles_after: int | None = None,
) -> Entry:
    """One entry for the window: complete with all its pages, or incomplete with those it got and why.

    `audited`: the vendor records each request of this stream in the activity feed. `of_a_moment`: a snapshot,
    which covers no time; its window only names the day it was taken. `settles_after`: the age in days at which the
    figures of a day move no more, of streams whose answers do not say how fresh they are.
    """
    records = sum(ref.records for ref in walked.refs if isinstance(ref.records, int))
    requests = len(walked.refs) + len(walked.attempts)
    entry = archive.commit(
        Draft(
            kind="pull",
            stream=walked.stream,
            window=None if of_a_moment else walked.window.as_text(),
            query=walked.query,
            complete=walked.error is None,
            objects=walked.refs,
            counts={"pages": len(walked.refs), "records": records, "requests": requests},
            data_refreshed_at=walked.data_refreshed_at,
            settles_after=UNSET if settles_after is None else settles_after,
            audited=True if audited else UNSET,
            api_version=api_version,
            attempts=[_attempt(attempt) for attempt in walked.attempts],
            error=walked.error if walked.error is not None else UNSET,
            findings=report.findings or UNSET,
        )
    )
    report.seqs.append(entry.seq)
    report.pages += len(walked.refs)
    report.requests += requests
    report.bytes += sum(ref.bytes for ref in walked.refs)
    if walked.error is not None:
        report.failed.append({"window": str(walked.window), "error": walked.error})
    return entry


def _attempt(attempt: Attempt) -> dict[str, Any]:
    return {
        "requested_at": rfc3339(attempt.requested_at),
        "status": attempt.status,
        "request_id": attempt.request_id,
        "detail": attempt.detail,
    }
