"""Usage and cost of the Analytics API: one window in, its pages out, the ungrouped total before the grouped rows.

Reference 3.3; the legacy reports of 3.4 as a second source. Promise: iterating to the end means that both were
read to their last page, and that every page of the last walk carries the same `data_refreshed_at`; anything short
of that raises.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from warehouse.anthropic.answers import Attempt, Response
from warehouse.anthropic.errors import CursorExpired, RequestRefused, WindowRefused
from warehouse.anthropic.http import Client
from warehouse.anthropic.spend_queries import LARGEST_PAGE, ORGANIZATION, QUERIES, Stream
from warehouse.anthropic.walk import Page, Pages, Walk
from warehouse.wire.records import NotAPage, PageBody, split_page
from warehouse.wire.times import parse_rfc3339, rfc3339
from warehouse.wire.windows import Window

LONGEST_WINDOW = timedelta(days=31)


@dataclass(frozen=True)
class Freshness:
    """Up to when the vendor's figures reach. `text` is `data_refreshed_at` as served, `at` the same moment."""

    at: datetime
    text: str
    attempts: tuple[Attempt, ...]


class SpendReports:
    """Walks windows of one of the reports. Between windows it remembers only whether the key may ask by
    organisation (`dimensions`)."""

    def __init__(self, client: Client, stream: Stream, page_limit: int = LARGEST_PAGE) -> None:
        if not 1 <= page_limit <= LARGEST_PAGE:
            raise ValueError(f"a page holds 1 to {LARGEST_PAGE} rows, not {page_limit}")
        self.client = client
        self.stream: Stream = stream
        self.page_limit = page_limit
        self.queries = QUERIES[stream]
        self.dimensions = self.queries.dimensions

    def freshness(self, day: Window) -> Freshness:
        """The one small question: how fresh are the figures? Asks for one row of a day that is over.

        Raises StreamTrouble, Unavailable where no answer came, RequestRefused where the day is.
        """

        def read(response: Response) -> tuple[str, datetime]:
            return _refreshed(split_page(response.body))

        queries = self.queries
        answer = self.client.get(queries.total_path, queries.total(day, 1), read=read, betas=queries.betas)
        text, at = answer.value
        return Freshness(at, text, answer.attempts)

    def pages(self, window: Window, limit: int | None = None) -> Pages:
        """The pages of `[start, end)` by day, oldest day first: the total's, then those of the grouped rows.

        Exhausted without an error, the window is complete: one request for the total and ceil(rows / limit) for
        the grouped rows. `is_grouped(page.query)` tells them apart.

        Restarts: when a cursor dies (410) or the vendor publishes new figures in mid-walk (another
        `data_refreshed_at`), everything begins again with the total, at most twice; `walk` rises by one. Pages
        of an abandoned walk were truly served, but only those of the last one belong together.

        Raises as `ActivityFeed.pages` does; WindowRefused where the figures do not reach the window's end yet
        (`nearest` is how far they reach).
        """
        if window.length > LONGEST_WINDOW:
            raise ValueError(f"a window of {window.length.days} days is longer than the API's 31: {window}")
        return _Reading(self, window, limit or self.page_limit).pages()


class _Reading:
    """One iteration over a window: which of the two queries it is at, and how fresh its figures are."""

    def __init__(self, reports: SpendReports, window: Window, limit: int) -> None:
        self._limit = limit
        self._reports = reports
        queries = reports.queries
        self._walk = Walk(reports.client, queries.total_path, window, "next_page", queries.betas)
        self._grouped = False
        self._refreshed: str | None = None

    def pages(self) -> Pages:
        return self._walk.pages(self._ask, self._ended, self._restart)

    def _ask(self) -> Page:
        walk, reports = self._walk, self._reports
        queries, by = reports.queries, reports.dimensions
        if self._grouped:
            walk.path, query = queries.rows_path, queries.rows(walk.window, self._limit, by, walk.cursor)
        else:
            walk.path, query = queries.total_path, queries.total(walk.window, self._limit, walk.cursor)
        try:
            return walk.ask(query, judge=_judge, accept=self._accept)
        except RequestRefused as refused:
            named = self._grouped and walk.cursor is None and ORGANIZATION in by and ORGANIZATION in str(refused)
            if not named:
                raise
            # A key of one organisation may not be allowed to ask for this; it has one organisation anyway.
            reports.dimensions = tuple(name for name in reports.dimensions if name != ORGANIZATION)
            return self._ask()

    def _accept(self, body: PageBody, _: Response) -> None:
        text, at = _refreshed(body)
        if self._refreshed is not None and text != self._refreshed:
            # What was read and what comes now are figures of two exports; they must not be added up.
            raise CursorExpired(
                f"The figures were refreshed in mid-walk: {self._refreshed} became {text}.",
                attempts=self._walk.attempts[-1:],
            )
        if at < self._walk.window.end:
            raise WindowRefused(
                f"The window {self._walk.window} is not over: the figures reach to {rfc3339(at)}. Ask for an end "
                "at or before that.",
                parameter="to",
                nearest=at,
                attempts=self._walk.attempts,
            )
        self._refreshed = text

    def _ended(self, page: Page) -> bool:
        if page.has_more:
            return False
        if self._grouped:
            return True
        self._grouped = True
        self._walk.begin_query()
        return False

    def _restart(self) -> None:
        self._grouped, self._refreshed = False, None


def _judge(body: PageBody, _: Response) -> None:
    _refreshed(body)


def _refreshed(body: PageBody) -> tuple[str, datetime]:
    """`data_refreshed_at` as served and as a moment. Raises NotAPage: figures of no date cannot be versions."""
    text = body.data_refreshed_at
    if text is None:
        raise NotAPage("a page of figures without `data_refreshed_at`")
    try:
        return text, parse_rfc3339(text)
    except ValueError as error:
        raise NotAPage(f"`data_refreshed_at` is {text!r}, which is no time") from error
