"""The walk over one window, whatever the stream: pages, cursors, restarts, and every request accounted for.

Promise: what comes out as a page was complete and followed from the page before; a walk that ends without an
error has read the window to its last page; one that fails says which requests it sent.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from warehouse.anthropic.answers import Attempt, Response
from warehouse.anthropic.errors import (
    AnthropicError,
    CursorExpired,
    RequestRefused,
    StreamTrouble,
    Unavailable,
    WindowFailed,
)
from warehouse.anthropic.http import Client
from warehouse.wire.records import NotAPage, PageBody, split_page
from warehouse.wire.windows import Window

# A dead cursor sends the walk back to page 1 so many times.
RESTARTS = 2


@dataclass(frozen=True)
class Page:
    """One page as it was served.

    index: 0-based over the whole iteration, restarts included. walk: 1, or more after a restart. records: the
    verbatim bytes of each, in page order. cursor_in: the cursor sent, None for a first page; last_id: the one to
    go on from. query: the query string as sent. data_refreshed_at: how fresh the answer says it is, where the
    stream's answers do. attempts: every request this page took, the last one brought it.
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
    data_refreshed_at: str | None = None


Pages = Iterator[Page]
Judge = Callable[[PageBody, Response], None] | None


@dataclass
class Walk:
    """Where one iteration over a window stands.

    client, path, betas: whom to ask, and how. cursor_name: the member of a page that holds the next cursor,
    `last_id` or `next_page`. flag_is_optional: a page need not say `has_more`; the next cursor says it then.
    """

    client: Client
    path: str
    window: Window
    cursor_name: str
    betas: Sequence[str] = ()
    flag_is_optional: bool = False
    number: int = 1
    served: int = 0
    cursor: str | None = None
    cursors: set[str] = field(default_factory=set)
    previous: bytes = b""
    # Every request so far; those before `reported` are named by some page already.
    attempts: list[Attempt] = field(default_factory=list)
    reported: int = 0

    def begin_query(self) -> None:
        """The next request is a first page."""
        self.cursor, self.cursors, self.previous = None, set(), b""

    def pages(self, ask: Callable[[], Page], ended: Callable[[Page], bool], restart: Callable[[], None]) -> Pages:
        """What `ask` brings until `ended` says that a page was the last; `restart` is told of each new begin.

        Raises StreamTrouble and WindowRefused as they come, WindowFailed for a window that cannot be read.
        """
        while True:
            try:
                page = ask()
            except StreamTrouble as trouble:
                trouble.attempts = tuple(self.attempts)
                raise
            except CursorExpired as expired:
                if self.number > RESTARTS:
                    raise self._failed(expired) from expired
                self.number += 1
                self.begin_query()
                restart()
                continue
            except (RequestRefused, Unavailable) as error:
                raise self._failed(error) from error
            yield page
            if ended(page):
                return

    def ask(self, query: str, *, judge: Judge = None, accept: Judge = None, whole_stream: bool = True) -> Page:
        """The next page of a query (which holds the cursor already, where there is one).

        `judge` may raise NotAPage for an answer, which is then asked for again; `accept` looks at one that is
        a page, before it counts. `whole_stream`: the path names a stream, not one object in it. A 400 to a
        request with a cursor means that the cursor died: the same query without one was served a moment ago.
        """

        def read(response: Response) -> PageBody:
            body = self._read(response)
            if judge is not None:
                judge(body, response)
            return body

        try:
            answer = self.client.get(self.path, query, read=read, betas=self.betas, whole_stream=whole_stream)
        except RequestRefused as refused:
            self.attempts += refused.attempts
            if self.cursor is not None and refused.status == 400:
                raise CursorExpired(str(refused), attempts=refused.attempts) from refused
            raise
        except AnthropicError as error:
            self.attempts += error.attempts
            raise
        self.attempts += answer.attempts
        if accept is not None:
            accept(answer.value, answer.response)
        return self._page(answer.value, answer.response, query)

    def _read(self, response: Response) -> PageBody:
        """The page in an answer; raises NotAPage for one that cannot be the next page of this walk."""
        page = split_page(response.body)
        cursor = self._next_cursor(page)
        if page.has_more is None and not self.flag_is_optional:
            raise NotAPage(f"{len(page.records)} records without a `has_more` flag")
        if page.has_more and not page.records:
            raise NotAPage("an empty page that claims more")
        if page.has_more and not cursor:
            raise NotAPage(f"a page that claims more without a `{self.cursor_name}` to go on from")
        if page.records and cursor in self.cursors:
            raise NotAPage(
                f"the cursor runs in a circle: `{self.cursor_name}` {cursor} was served before in this walk"
            )
        if page.records and response.body == self.previous:
            raise NotAPage("the page is the former one again")
        return page

    def _next_cursor(self, page: PageBody) -> str | None:
        return page.last_id if self.cursor_name == "last_id" else page.next_page

    def _page(self, body: PageBody, response: Response, query: str) -> Page:
        cursor = self._next_cursor(body)
        more = bool(cursor) if body.has_more is None else body.has_more
        page = Page(
            index=self.served,
            walk=self.number,
            body=response.body,
            records=body.records,
            first_id=body.first_id,
            last_id=cursor,
            has_more=more,
            cursor_in=self.cursor,
            query=query,
            status=response.status,
            request_id=response.request_id,
            requested_at=response.requested_at,
            received_at=response.received_at,
            headers=response.headers,
            attempts=tuple(self.attempts[self.reported :]),
            data_refreshed_at=body.data_refreshed_at,
        )
        self.served += 1
        self.reported = len(self.attempts)
        if more and cursor is not None:
            self.cursor, self.previous = cursor, response.body
            self.cursors.add(cursor)
        return page

    def _failed(self, error: AnthropicError) -> WindowFailed:
        return WindowFailed(self.window, error, pages_served=self.served, attempts=self.attempts)
