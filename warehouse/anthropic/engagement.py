"""Engagement of the Analytics API: who did how much with what; a window of whole days in, its pages out.

Reference 3.2. Promise: iterating to the end means that every day of the window was read to its last page;
anything short of that raises. Days are asked for one by one, newest first: over a range the vendor counts
distinct things approximately, and what was counted so cannot be cut into days again.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final, Literal
from urllib.parse import quote

from warehouse.anthropic.errors import RequestRefused, WindowRefused
from warehouse.anthropic.http import Client
from warehouse.anthropic.walk import Page, Pages, Walk
from warehouse.wire.times import midnight
from warehouse.wire.windows import Window

Engagement = Literal["engagement_users", "summaries", "skills", "connectors", "plugins", "projects", "artifacts"]
LARGEST_PAGE = 1000
_PREFIX = "/v1/organizations/analytics/"
_DAY = timedelta(days=1)
# What the vendor's support pages promise of the past. The API may serve more, which is had by asking for it.
PROMISED = timedelta(days=90)
_DATES = ("date", "starting_date", "ending_date")


@dataclass(frozen=True)
class Endpoint:
    """How one stream is asked for. longest: of a window. by_range: one request for all days of a window, with a
    row for each; else a request (and its further pages) for each day. paged: it takes `limit` and `page`."""

    path: str
    longest: timedelta = timedelta(days=31)
    by_range: bool = False
    paged: bool = True


ENDPOINTS: Final[dict[Engagement, Endpoint]] = {
    "engagement_users": Endpoint(f"{_PREFIX}users"),
    "summaries": Endpoint(f"{_PREFIX}summaries", timedelta(days=366), by_range=True, paged=False),
    "skills": Endpoint(f"{_PREFIX}skills"),
    "connectors": Endpoint(f"{_PREFIX}connectors"),
    "plugins": Endpoint(f"{_PREFIX}plugins"),
    "projects": Endpoint(f"{_PREFIX}apps/chat/projects"),
    # without grouping the whole set comes as one page
    "artifacts": Endpoint(f"{_PREFIX}artifacts", paged=False),
}
STREAMS: Final = tuple(ENDPOINTS)


class EngagementReports:
    """Walks windows of one stream. Holds no state between them."""

    def __init__(self, client: Client, stream: Engagement, page_limit: int = LARGEST_PAGE) -> None:
        if not 1 <= page_limit <= LARGEST_PAGE:
            raise ValueError(f"a page holds 1 to {LARGEST_PAGE} rows, not {page_limit}")
        self.client = client
        self.stream: Engagement = stream
        self.page_limit = page_limit
        self.endpoint = ENDPOINTS[stream]

    def pages(self, window: Window) -> Pages:
        """The pages of whole days `[start, end)`. The query of a page says which day it is of.

        A cursor that dies (410) sends that day's walk back to its first page; the pages before that first page
        count no more. Raises StreamTrouble, WindowFailed, or WindowRefused where the vendor has not counted the
        newest day yet (`parameter` is `to`) or does not serve days that old (`from`); `nearest` is the end, or the
        begin, that would do.
        """
        if window.length > self.endpoint.longest:
            raise ValueError(
                f"a window of {window.length.days} days is longer than {self.endpoint.longest}: {window}"
            )
        return _Reading(self, window).pages()


class _Reading:
    """One iteration over a window: the days that are still to be asked for."""

    def __init__(self, reports: EngagementReports, window: Window) -> None:
        self._reports = reports
        self._walk = Walk(reports.client, reports.endpoint.path, window, "next_page", flag_is_optional=True)
        self._left = [window] if reports.endpoint.by_range else [Window.of_day(day) for day in window.days()]

    def pages(self) -> Iterator[Page]:
        return self._walk.pages(self._ask, self._ended, lambda: None)

    def _ask(self) -> Page:
        walk, asked, endpoint = self._walk, self._left[-1], self._reports.endpoint
        if endpoint.by_range:
            query = f"starting_date={asked.start.date()}&ending_date={asked.end.date()}"
        else:
            query = f"date={asked.start.date()}"
        if endpoint.paged:
            after = f"&page={quote(walk.cursor, safe='')}" if walk.cursor is not None else ""
            query += f"&limit={self._reports.page_limit}{after}"
        try:
            return walk.ask(query)
        except RequestRefused as refused:
            if refused.status == 400 and walk.cursor is None and refused.parameter in _DATES:
                raise _refused(refused, asked, walk) from refused
            raise

    def _ended(self, page: Page) -> bool:
        if page.has_more:
            return False
        self._left.pop()
        self._walk.begin_query()
        return not self._left


def _refused(refused: RequestRefused, asked: Window, walk: Walk) -> WindowRefused:
    """A 400 about the date. The text of one about a day that is not counted yet names the latest that is."""
    named = [day for text in re.findall(r"\d{4}-\d\d-\d\d", refused.said) if (day := _day(text)) is not None]
    last = (asked.end - _DAY).date()
    if named and named[-1] < last:
        return WindowRefused(
            f"{refused} The newest day that can be had is {named[-1]}.",
            parameter="to",
            nearest=midnight(named[-1]) + _DAY,
            attempts=walk.attempts,
        )
    begin = asked.start + _DAY
    if named and named[-1] > asked.start.date():
        begin = midnight(named[-1])
    elif asked.length > _DAY:  # which of the days is too old is not said; what is promised is surely served
        begin = max(begin, midnight((walk.client.server_clock.now() - PROMISED).date()))
    return WindowRefused(
        f"{refused} Days before {begin.date()} are not served.",
        parameter="from",
        nearest=begin,
        attempts=walk.attempts,
    )


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None
