"""Usage and cost of the Analytics API: one window in, its pages out, the ungrouped total before the grouped rows.

Reference 3.3. Promise: iterating to the end means that both were read to their last page, and that every page of
the last walk carries the same `data_refreshed_at`; anything short of that raises.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal
from urllib.parse import quote

from warehouse.anthropic.answers import Attempt, Response
from warehouse.anthropic.errors import CursorExpired, RequestRefused, WindowRefused
from warehouse.anthropic.http import Client
from warehouse.anthropic.walk import Page, Pages, Walk
from warehouse.wire.records import NotAPage, PageBody, split_page
from warehouse.wire.times import parse_rfc3339, rfc3339
from warehouse.wire.windows import Window

Stream = Literal["usage", "cost"]
STREAMS: Final[tuple[Stream, ...]] = ("usage", "cost")
PATHS: Final[dict[str, str]] = {name: f"/v1/organizations/analytics/{name}" for name in STREAMS}
BETA = "analytics-usage-cost-2026-08-24"
LARGEST_PAGE = 1000
LONGEST_WINDOW = timedelta(days=31)
# At most five; why these: docs/decisions. Groups of people (`rbac_group_id`) overlap and are never asked for.
ORGANIZATION = "organization_id"
DIMENSIONS = ("actor", "product", "model", ORGANIZATION, "context_window")
# These two fan a cost row out and count neither against the five nor against the limit.
FAN_OUT: Final[dict[str, tuple[str, ...]]] = {"usage": (), "cost": ("cost_type", "token_type")}
_GROUPED = "group_by%5B%5D="


@dataclass(frozen=True)
class Freshness:
    """Up to when the vendor's figures reach. `text` is `data_refreshed_at` as served, `at` the same moment."""

    at: datetime
    text: str
    attempts: tuple[Attempt, ...]


def is_grouped(query: str) -> bool:
    """Whether a query as sent asked for grouped rows; else it asked for the total."""
    return _GROUPED in query


class SpendReports:
    """Walks windows of one of the two reports. Between windows it remembers only whether the key may ask by
    organisation (`dimensions`)."""

    def __init__(self, client: Client, stream: Stream, page_limit: int = LARGEST_PAGE) -> None:
        if not 1 <= page_limit <= LARGEST_PAGE:
            raise ValueError(f"a page holds 1 to {LARGEST_PAGE} rows, not {page_limit}")
        self.client = client
        self.stream: Stream = stream
        self.page_limit = page_limit
        self.dimensions: tuple[str, ...] = DIMENSIONS

    def freshness(self, day: Window) -> Freshness:
        """The one small question: how fresh are the figures? Asks for one row of a day that is over.

        Raises StreamTrouble, Unavailable where no answer came, RequestRefused where the day is.
        """

        def read(response: Response) -> tuple[str, datetime]:
            return _refreshed(split_page(response.body))

        answer = self.client.get(PATHS[self.stream], _bounds(day), read=read, betas=(BETA,))
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
        self._walk = Walk(reports.client, PATHS[reports.stream], window, "next_page", (BETA,))
        self._grouped = False
        self._refreshed: str | None = None

    def pages(self) -> Pages:
        return self._walk.pages(self._ask, self._ended, self._restart)

    def _ask(self) -> Page:
        walk = self._walk
        reports = self._reports
        by = (*reports.dimensions, *FAN_OUT[reports.stream]) if self._grouped else ()
        query = _bounds(walk.window, by, self._limit, walk.cursor)
        try:
            return walk.ask(query, judge=_judge, accept=self._accept)
        except RequestRefused as refused:
            if ORGANIZATION not in str(refused) or ORGANIZATION not in by or walk.cursor is not None:
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


def _bounds(window: Window, by: tuple[str, ...] = (), limit: int = 1, cursor: str | None = None) -> str:
    """The query string: the same for every page of a walk but for the cursor, which is bound to it."""
    groups = "".join(f"&{_GROUPED}{name}" for name in by)
    after = f"&page={quote(cursor, safe='')}" if cursor is not None else ""
    return (
        f"starting_at={rfc3339(window.start)}&ending_at={rfc3339(window.end)}&time_bucket_width=1d"
        f"&order_by=time&order=asc&limit={limit}{groups}{after}"
    )


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
