"""The directory as it is now: members, groups with their members, keys, invitations, the organisations with their
settings, spend limits; whole lists, page by page.

Reference 1.7, 4.4 and 4.5; spend limits as the vendor's own package has them. Promise: iterating to the end
means that every list was read to its last page; anything short of that raises. There is no past to ask for: a
snapshot is of the moment it is taken.
"""

from collections.abc import Iterator
from typing import Any, Final, Literal
from urllib.parse import quote

import msgspec

from warehouse.anthropic.errors import RequestRefused, WindowFailed
from warehouse.anthropic.http import Client
from warehouse.anthropic.walk import Page, Pages, Walk
from warehouse.wire.windows import Window

Snapshot = Literal["users", "rbac_groups", "api_keys", "invites", "organizations", "spend_limits"]
# Of the directory's own key; the other two take a key each.
SNAPSHOTS: Final[tuple[Snapshot, ...]] = ("users", "rbac_groups", "api_keys", "invites")
EVERY_SNAPSHOT: Final[tuple[Snapshot, ...]] = (*SNAPSHOTS, "organizations", "spend_limits")
LARGEST_PAGE = 1000
_PREFIX = "/v1/organizations/"
_COMPLIANCE = "/v1/compliance/organizations"


class Directory:
    """Takes snapshots. Holds no state between them."""

    def __init__(self, client: Client, page_limit: int = LARGEST_PAGE) -> None:
        if not 1 <= page_limit <= LARGEST_PAGE:
            raise ValueError(f"a page holds 1 to {LARGEST_PAGE} records, not {page_limit}")
        self.client = client
        self.page_limit = page_limit

    def pages(self, stream: Snapshot, day: Window) -> Pages:
        """All pages of one list; of groups, those of each group's members too; of organisations, each one's
        settings; of spend limits, the requests for higher ones. `day` is what errors name.

        A group that is deleted while its members are asked for has none, and so has an organisation without
        settings. Raises StreamTrouble (key or scope), or WindowFailed for what could not be read to its end.
        """
        if stream == "rbac_groups":
            return self._with_each(day, f"{_PREFIX}rbac_groups", "id", "members")
        if stream == "organizations":
            return self._with_each(day, _COMPLIANCE, "uuid", "settings")
        if stream == "spend_limits":
            return self._limits(day)
        return self._list(Walk(self.client, f"{_PREFIX}{stream}", day, "last_id"))

    def _with_each(self, day: Window, path: str, name: str, below: str) -> Pages:
        """A list, and what lies below each of its objects, which are known by `name`."""
        walk = Walk(self.client, path, day, "next_page", flag_is_optional=True)
        found: list[str] = []
        for page in self._list(walk):
            found += _named(page, name)
            yield page
        for one in found:
            walk.path = f"{path}/{quote(one, safe='')}/{below}"
            walk.begin_query()
            try:
                yield from self._list(walk)
            except WindowFailed as failed:
                gone = failed.last_error
                if not (isinstance(gone, RequestRefused) and gone.status == 404):
                    raise

    def _limits(self, day: Window) -> Pages:
        walk = Walk(self.client, f"{_PREFIX}spend_limits/effective", day, "next_page", flag_is_optional=True)
        yield from self._list(walk)
        walk.path = f"{_PREFIX}spend_limit_increase_requests"
        walk.begin_query()
        yield from self._list(walk)

    def _list(self, walk: Walk) -> Iterator[Page]:
        name = "after_id" if walk.cursor_name == "last_id" else "page"

        def ask() -> Page:
            if walk.path.endswith("/settings"):
                return walk.ask("", whole_stream=False)
            after = f"&{name}={quote(walk.cursor, safe='')}" if walk.cursor is not None else ""
            return walk.ask(f"limit={self.page_limit}{after}", whole_stream=not walk.path.endswith("/members"))

        return walk.pages(ask, lambda page: not page.has_more, lambda: None)


def _named(page: Page, name: str) -> list[str]:
    found: list[str] = []
    for record in page.records:
        try:
            document: Any = msgspec.json.decode(record)
        except (msgspec.DecodeError, UnicodeDecodeError):
            continue  # kept in the page; without an id nobody can ask for its members
        if isinstance(document, dict) and isinstance(document.get(name), str):
            found.append(document[name])
    return found
