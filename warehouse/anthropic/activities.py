"""The Activity Feed: one window in, its pages out, verbatim (reference 1).

Promise: iterating to the end means that the window was read to its last page, with no filter and in one
unchanged query; anything short of that raises. A page's records are exactly the bytes that were served.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from urllib.parse import quote

from warehouse.anthropic.answers import Attempt, Response, http_date
from warehouse.anthropic.errors import (
    AnthropicError,
    CursorExpired,
    RequestRefused,
    StreamTrouble,
    Unavailable,
    WindowFailed,
    WindowRefused,
)
from warehouse.anthropic.http import Client
from warehouse.wire.records import NotAPage, PageBody, split_page
from warehouse.wire.times import rfc3339
from warehouse.wire.windows import Window

PATH = "/v1/compliance/activities"
LARGEST_PAGE = 5000
# Documented: queryable within a minute of occurring. A window that ends later than that is still growing.
SETTLING = timedelta(seconds=60)
# A dead cursor sends the walk back to page 1 so many times.
RESTARTS = 2


@dataclass(frozen=True)
class Page:
    """One page as it was served.

    index: 0-based over the whole iteration, restarts included. walk: 1, or more after a restart (see
    `ActivityFeed.pages`). records: the verbatim bytes of each, in page order. cursor_in: the `after_id` sent,
    None for a first page. query: the query string as sent. attempts: every request this page took, the last
    one brought it.
    """

    index: int
    walk: int
    body: bytes = field(repr=False)
    records: list[bytes] = field(repr=False)
    first_id: str | None
    last_id: str | None
    has_more: bool
    cursor_in: str | None
    query: str
    status: int
    request_id: str | None
    requested_at: datetime
    received_at: datetime
    headers: Mapping[str, str] = field(repr=False)
    attempts: tuple[Attempt, ...] = field(repr=False)


@dataclass
class _Walk:
    """Where one iteration over a window stands."""

    window: Window
    limit: int
    number: int = 1
    served: int = 0
    cursor: str | None = None
    cursors: set[str] = field(default_factory=set)
    previous: bytes = b""
    # Every request so far; those before `reported` are named by some page already.
    attempts: list[Attempt] = field(default_factory=list)
    reported: int = 0

    def restart(self) -> None:
        self.number += 1
        self.cursor, self.cursors, self.previous = None, set(), b""

    def query(self) -> str:
        bounds = f"created_at.gte={rfc3339(self.window.start)}&created_at.lt={rfc3339(self.window.end)}"
        after = f"&after_id={quote(self.cursor, safe='')}" if self.cursor is not None else ""
        return f"{bounds}&limit={self.limit}{after}"

    def read(self, response: Response) -> PageBody:
        """The page in an answer; raises NotAPage for one that cannot be the next page of this walk."""
        page = split_page(response.body)
        if page.has_more is None:
            raise NotAPage(f"{len(page.records)} records without a `has_more` flag")
        if page.has_more and not page.records:
            raise NotAPage("an empty page that claims more")
        if page.has_more and not page.last_id:
            raise NotAPage("a page that claims more without a `last_id` to go on from")
        if page.records and page.last_id in self.cursors:
            raise NotAPage(f"the cursor runs in a circle: `last_id` {page.last_id} was served before in this walk")
        if page.records and response.body == self.previous:
            raise NotAPage("the page is the former one again")
        return page


class ActivityFeed:
    """Walks windows of the Activity Feed. Holds no state between windows, so threads may share one.

    page_limit: records asked for per page, 1 to 5,000; the largest spends the least of the budget.
    """

    def __init__(self, client: Client, page_limit: int = LARGEST_PAGE) -> None:
        self.client = client
        self.page_limit = _checked_limit(page_limit)

    def pages(self, window: Window, limit: int | None = None) -> Iterator[Page]:
        """The pages of `[start, end)`, newest record first, until the server says that there is no more.

        Exhausted without an error, the window is complete: n records cost ceil(n / limit) requests (one for
        none), and one more only where n is a multiple of the limit and the server claims more.

        Restarts: a cursor that died (410, or a 400 that only the cursor can have caused) sends the walk back
        to page 1, at most twice. The pages then begin again with the window's first, their `walk` raised by
        one. Whoever archives all of them does right: the pages of an abandoned walk were truly served, and a
        record served twice is one record. Whoever wants the last walk only drops what it holds when `walk`
        rises.

        Raises, on the first `next` or any later one; pages already taken stay valid: StreamTrouble (key,
        scope, switch, TLS, address: no other window will fare better); WindowRefused (the window is not over
        yet by the server's clock, `nearest` is the latest end it would take; nothing was yielded);
        WindowFailed (this window only, with all attempts).
        """
        walk = _Walk(window, _checked_limit(limit or self.page_limit))
        while True:
            try:
                page = self._next(walk)
            except StreamTrouble as trouble:
                trouble.attempts = tuple(walk.attempts)
                raise
            except CursorExpired as expired:
                if walk.number > RESTARTS:
                    raise self._failed(walk, expired) from expired
                walk.restart()
                continue
            except (RequestRefused, Unavailable) as error:
                raise self._failed(walk, error) from error
            yield page
            if not page.has_more:
                return

    def _next(self, walk: _Walk) -> Page:
        query = walk.query()
        try:
            answer = self.client.get(PATH, query, read=walk.read)
        except RequestRefused as refused:
            walk.attempts += refused.attempts
            if walk.cursor is not None and refused.status == 400:
                # The same query without the cursor was served a moment ago, so the cursor is what is refused.
                raise CursorExpired(str(refused), attempts=refused.attempts) from refused
            raise
        except AnthropicError as error:
            walk.attempts += error.attempts
            raise
        walk.attempts += answer.attempts
        if walk.served == 0:
            self._refuse_if_growing(walk, answer.response)
        body, response = answer.value, answer.response
        page = Page(
            index=walk.served,
            walk=walk.number,
            body=response.body,
            records=body.records,
            first_id=body.first_id,
            last_id=body.last_id,
            has_more=bool(body.has_more),
            cursor_in=walk.cursor,
            query=query,
            status=response.status,
            request_id=response.request_id,
            requested_at=response.requested_at,
            received_at=response.received_at,
            headers=response.headers,
            attempts=tuple(walk.attempts[walk.reported :]),
        )
        walk.served += 1
        walk.reported = len(walk.attempts)
        if body.has_more and body.last_id is not None:
            walk.cursor, walk.previous = body.last_id, response.body
            walk.cursors.add(body.last_id)
        return page

    def _refuse_if_growing(self, walk: _Walk, response: Response) -> None:
        """A window that reaches into the server's present would be called covered while records still
        arrive."""
        now = http_date(response.headers.get("date", "")) or response.received_at
        if walk.window.end <= now - SETTLING:
            return
        latest = now - SETTLING
        finding = self.client.server_clock.finding()
        raise WindowRefused(
            f"The window {walk.window} is not over: the API's clock says {rfc3339(now)}, and records appear up "
            f"to a minute late. Ask for an end at or before {rfc3339(latest)}."
            + (f" {finding}" if finding else ""),
            parameter="to",
            nearest=latest,
            attempts=walk.attempts,
        )

    def _failed(self, walk: _Walk, error: AnthropicError) -> WindowFailed:
        return WindowFailed(walk.window, error, pages_served=walk.served, attempts=walk.attempts)


def _checked_limit(limit: int) -> int:
    if not 1 <= limit <= LARGEST_PAGE:
        raise ValueError(f"a page holds 1 to {LARGEST_PAGE} records, not {limit}")
    return limit
