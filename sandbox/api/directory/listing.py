"""Lists that are paged: by the ids of their objects (Admin API), or by an opaque token (everything else).

Where the reference leaves a point open, one answer is chosen and named here:
both cursors at once, or an id that is not in the list, are a 400; a token is bound to the request's parameters.
"""

from __future__ import annotations

from typing import Any

from sandbox.api.analytics.body import Rows
from sandbox.api.analytics.cursor import Cursor
from sandbox.api.analytics.query import Query
from sandbox.api.errors import invalid

ID_CURSORS = ("limit", "after_id", "before_id")
TOKENS = ("limit", "page")


def by_id(query: Query, objects: list[dict[str, Any]], *, usual: int = 20) -> Rows:
    """The page of `objects` (in the list's order, each with an `id`) that the cursors ask for; 400."""
    limit = query.integer("limit", usual, 1, 1000)
    if "after_id" in query.single and "before_id" in query.single:
        raise invalid("after_id and before_id are mutually exclusive")
    ids = [thing["id"] for thing in objects]
    first, last = 0, limit
    for name in ("after_id", "before_id"):
        if name not in query.single:
            continue
        if query.single[name] not in ids:
            raise invalid(f"{name}: No object with the id '{query.single[name]}'")
        place = ids.index(query.single[name])
        first, last = (place + 1, place + 1 + limit) if name == "after_id" else (max(0, place - limit), place)
    rows = objects[first:last]
    more = first > 0 if "before_id" in query.single else last < len(objects)
    ends = {"first_id": rows[0]["id"] if rows else None, "last_id": rows[-1]["id"] if rows else None}
    return Rows(rows, {"has_more": more, **ends})


def by_token(query: Query, objects: list[dict[str, Any]], *, usual: int = 20, says_more: bool = True) -> Rows:
    """The page of `objects` at the request's token; `says_more`: with `has_more` beside `next_page`; 400."""
    limit = query.integer("limit", usual, 1, 1000)
    start = 0
    if "page" in query.single:
        start = Cursor.read(query.single["page"], query.digest(), 0, lasting=True).offset
    end = start + limit
    more = end < len(objects)
    token = Cursor(query.digest(), 0, 0, end).text() if more else None
    beside: dict[str, Any] = {"has_more": more} if says_more else {}
    return Rows(objects[start:end], {**beside, "next_page": token})
