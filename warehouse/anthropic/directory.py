"""The directory as it is now: members, groups with their members, API keys; whole lists, page by page.

Reference 4.4 and 4.5. Promise: iterating to the end means that every list was read to its last page; anything
short of that raises. There is no past to ask for: a snapshot is of the moment it is taken.
"""

from collections.abc import Iterator
from typing import Any, Final, Literal
from urllib.parse import quote

import msgspec

from warehouse.anthropic.errors import RequestRefused, WindowFailed
from warehouse.anthropic.http import Client
from warehouse.anthropic.walk import Page, Pages, Walk
from warehouse.wire.windows import Window

Snapshot = Literal["users", "rbac_groups", "api_keys"]
SNAPSHOTS: Final[tuple[Snapshot, ...]] = ("users", "rbac_groups", "api_keys")
LARGEST_PAGE = 1000
_PREFIX = "/v1/organizations/"


class Directory:
    """Takes snapshots. Holds no state between them."""

    def __init__(self, client: Client, page_limit: int = LARGEST_PAGE) -> None:
        if not 1 <= page_limit <= LARGEST_PAGE:
            raise ValueError(f"a page holds 1 to {LARGEST_PAGE} records, not {page_limit}")
        self.client = client
        self.page_limit = page_limit

    def pages(self, stream: Snapshot, day: Window) -> Pages:
        """All pages of one list; of groups, those of each group's members too. `day` is what errors name.

        A group that is deleted while its members are asked for has none. Raises StreamTrouble (key or scope), or
        WindowFailed for what could not be read to its end.
        """
        if stream != "rbac_groups":
            return self._list(Walk(self.client, f"{_PREFIX}{stream}", day, "last_id"))
        return self._groups(day)

    def _groups(self, day: Window) -> Pages:
        walk = Walk(self.client, f"{_PREFIX}rbac_groups", day, "next_page", flag_is_optional=True)
        groups: list[str] = []
        for page in self._list(walk):
            groups += _ids(page)
            yield page
        for group in groups:
            walk.path = f"{_PREFIX}rbac_groups/{quote(group, safe='')}/members"
            walk.begin_query()
            try:
                yield from self._list(walk)
            except WindowFailed as failed:
                gone = failed.last_error
                if not (isinstance(gone, RequestRefused) and gone.status == 404):
                    raise

    def _list(self, walk: Walk) -> Iterator[Page]:
        name = "after_id" if walk.cursor_name == "last_id" else "page"

        def ask() -> Page:
            after = f"&{name}={quote(walk.cursor, safe='')}" if walk.cursor is not None else ""
            return walk.ask(f"limit={self.page_limit}{after}", whole_stream=not walk.path.endswith("/members"))

        return walk.pages(ask, lambda page: not page.has_more, lambda: None)


def _ids(page: Page) -> list[str]:
    found: list[str] = []
    for record in page.records:
        try:
            document: Any = msgspec.json.decode(record)
        except (msgspec.DecodeError, UnicodeDecodeError):
            continue  # kept in the page; without an id nobody can ask for its members
        if isinstance(document, dict) and isinstance(document.get("id"), str):
            found.append(document["id"])
    return found
