"""The Activity Feed: one window in, its pages out, verbatim (reference 1).

Promise: iterating to the end means that the window was read to its last page, with no filter and in one
unchanged query; anything short of that raises. A page's records are exactly the bytes that were served.
"""

from datetime import timedelta
from urllib.parse import quote

from warehouse.anthropic.answers import Response
from warehouse.anthropic.errors import WindowRefused
from warehouse.anthropic.http import Client
from warehouse.anthropic.walk import Page, Pages, Walk
from warehouse.wire.records import PageBody
from warehouse.wire.times import http_date, rfc3339
from warehouse.wire.windows import Window

PATH = "/v1/compliance/activities"
LARGEST_PAGE = 5000
# Documented: queryable within a minute of occurring. A window that ends later than that is still growing.
SETTLING = timedelta(seconds=60)


class ActivityFeed:
    """Walks windows of the Activity Feed. Holds no state between windows, so threads may share one.

    page_limit: records asked for per page, 1 to 5,000; the largest spends the least of the budget.
    """

    def __init__(self, client: Client, page_limit: int = LARGEST_PAGE) -> None:
        self.client = client
        self.page_limit = _checked_limit(page_limit)

    def pages(self, window: Window, limit: int | None = None) -> Pages:
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
        limit = _checked_limit(limit or self.page_limit)
        walk = Walk(self.client, PATH, window, "last_id")

        def ask() -> Page:
            return walk.ask(_query(walk, limit), accept=settled)

        def settled(_: PageBody, response: Response) -> None:
            if walk.served == 0:
                self._refuse_if_growing(walk, response)

        return walk.pages(ask, lambda page: not page.has_more, lambda: None)

    def _refuse_if_growing(self, walk: Walk, response: Response) -> None:
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


def _query(walk: Walk, limit: int) -> str:
    bounds = f"created_at.gte={rfc3339(walk.window.start)}&created_at.lt={rfc3339(walk.window.end)}"
    after = f"&after_id={quote(walk.cursor, safe='')}" if walk.cursor is not None else ""
    return f"{bounds}&limit={limit}{after}"


def _checked_limit(limit: int) -> int:
    if not 1 <= limit <= LARGEST_PAGE:
        raise ValueError(f"a page holds 1 to {LARGEST_PAGE} records, not {limit}")
    return limit
