"""`GET /v1/compliance/activities`: the Activity Feed, parameter by parameter (reference 1.1, 1.2, 1.5).

Where the reference leaves a point open, one answer is chosen and named here:
two cursors, or both type filters, are a 400 that says they are mutually exclusive;
a time without an offset is a 400;
cursors are activity ids, not bound to filters (quirks `opaque_cursors` and `bound_cursors` turn either round);
a repeated single-valued parameter counts with its last value.
"""

from __future__ import annotations

import base64
import difflib
import hashlib
import re
from datetime import datetime
from urllib.parse import parse_qsl

from pydantic import AwareDatetime, TypeAdapter, ValidationError
from starlette.requests import Request

from sandbox.api.errors import ApiError, invalid
from sandbox.api.gate import Page
from sandbox.clock import to_us
from sandbox.tenant.ids import activity_time
from sandbox.tenant.store import Walk, record_id
from sandbox.tenant.tenant import Tenant
from sandbox.tenant.world import Key

MAX_LIMIT = 5000
DEFAULT_LIMIT = 100
_BOUNDS = ("created_at.gte", "created_at.gt", "created_at.lte", "created_at.lt")
_SINGLE = ("limit", "order", "after_id", "before_id", *_BOUNDS)
_LISTS = ("activity_types[]", "exclude_activity_types[]", "actor_ids[]", "user_ids[]", "organization_ids[]")
_NAMES = (*_SINGLE, *_LISTS)
_UUID = re.compile(r"[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}", re.IGNORECASE)
_TIME: TypeAdapter[datetime] = TypeAdapter(AwareDatetime)


class Activities:
    """The feed of one tenant."""

    def __init__(self, tenant: Tenant) -> None:
        self.tenant = tenant

    def page(self, request: Request, _key: Key) -> Page:
        """The page a request asks for; raises ApiError (400, 403)."""
        return self.answer(request.url.query)

    def answer(self, query: str) -> Page:
        """The page for a raw query string."""
        single, lists = _split(query)
        walk = self._walk(single, lists)
        records, more = self.tenant.store.page(walk, self.tenant.clock.now_us())
        first = self._cursor(records[0], single, lists) if records else None
        last = self._cursor(records[-1], single, lists) if records else None
        return Page(records, more, first, last)

    def _walk(self, single: dict[str, str], lists: dict[str, list[str]]) -> Walk:
        limit = _integer("limit", single["limit"], 1, MAX_LIMIT) if "limit" in single else DEFAULT_LIMIT
        order = single.get("order", "desc")
        if order not in ("asc", "desc"):
            raise invalid("order: Input should be 'asc' or 'desc'")
        if "after_id" in single and "before_id" in single:
            raise invalid("after_id and before_id are mutually exclusive")
        only, without = lists["activity_types[]"], lists["exclude_activity_types[]"]
        if only and without:
            raise invalid("activity_types[] and exclude_activity_types[] are mutually exclusive")
        for name in ("activity_types[]", "exclude_activity_types[]"):
            for position, value in enumerate(lists[name]):
                if value not in self.tenant.permitted_types:
                    raise invalid(f"{name}.{position}: Input is not one of the permitted values.")
        for name in ("actor_ids[]", "user_ids[]"):
            for position, value in enumerate(lists[name]):
                if not value.startswith("user_"):
                    raise invalid(f"{name}.{position}: Invalid user_id format: '{value}'")
        start, end = _bounds(single)
        given = single.get("after_id", single.get("before_id"))
        return Walk(
            limit=limit,
            start=start,
            end=end,
            ascending=order == "asc",
            backwards="before_id" in single,
            cursor=self._decode(given, single, lists) if given is not None else None,
            only_types=frozenset(only),
            not_types=frozenset(without),
            users=frozenset(lists["actor_ids[]"] + lists["user_ids[]"]),
            orgs=self._organizations(lists["organization_ids[]"]),
        )

    def _organizations(self, given: list[str]) -> frozenset[str]:
        """`org_...` ids for the given ids or UUIDs; 403 for one outside the key's reach."""
        found = set()
        for position, value in enumerate(given):
            if not value.startswith("org_") and not _UUID.fullmatch(value):
                raise invalid(f"organization_ids[].{position}: Invalid organization_id format: '{value}'")
            known = [o.id for o in self.tenant.world.organizations if value == o.id or value.lower() == o.uuid]
            if not known:
                raise ApiError(403, "permission_error", f"API key does not have access to organization '{value}'")
            found.add(known[0])
        return frozenset(found)

    def _cursor(self, record: bytes, single: dict[str, str], lists: dict[str, list[str]]) -> str:
        identifier = record_id(record)
        if not self.tenant.quirks & {"opaque_cursors", "bound_cursors"}:
            return identifier
        text = f"{identifier}.{_filter_digest(single, lists)}"
        return "activity_page_" + base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")

    def _decode(self, given: str, single: dict[str, str], lists: dict[str, list[str]]) -> str:
        """The activity id a cursor stands for; 400 where it stands for none."""
        identifier, digest = given, None
        if given.startswith("activity_page_"):
            coded = given.removeprefix("activity_page_")
            try:
                text = base64.urlsafe_b64decode(coded + "=" * (-len(coded) % 4)).decode("ascii")
            except ValueError:
                text = ""
            identifier, _, digest = text.partition(".")
        if activity_time(identifier) is None:
            raise invalid(f"Invalid activity_id format: '{given}'")
        if "bound_cursors" in self.tenant.quirks and digest not in (None, _filter_digest(single, lists)):
            raise invalid("Cursor was issued for different filters")
        return identifier


def _split(query: str) -> tuple[dict[str, str], dict[str, list[str]]]:
    """Single-valued and list parameters of a raw query string; 400 for a stranger.

    Brackets may come plain or percent-encoded.
    """
    single: dict[str, str] = {}
    lists: dict[str, list[str]] = {name: [] for name in _LISTS}
    for name, value in parse_qsl(query, keep_blank_values=True):
        if name in lists:
            lists[name].append(value)
        elif name in _SINGLE:
            single[name] = value
        else:
            near = difflib.get_close_matches(name, _NAMES, n=1, cutoff=0.6)
            hint = f" Did you mean '{near[0]}'?" if near else ""
            raise invalid(f"Unknown query parameter: '{name}'.{hint}")
    return single, lists


def _integer(name: str, text: str, least: int, most: int) -> int:
    if not re.fullmatch(r"[+-]?\d{1,18}", text):
        raise invalid(f"{name}: Input should be a valid integer, unable to parse string as an integer")
    value = int(text)
    if value < least:
        raise invalid(f"{name}: Input should be greater than or equal to {least}")
    if value > most:
        raise invalid(f"{name}: Input should be less than or equal to {most}")
    return value


def _bounds(single: dict[str, str]) -> tuple[int | None, int | None]:
    """The half-open interval of `created_at` in us that the four bounds leave."""
    starts, ends = [], []
    for name in _BOUNDS:
        if name not in single:
            continue
        try:
            us = to_us(_TIME.validate_python(single[name]))
        except ValidationError as problem:
            raise invalid(f"{name}: {problem.errors()[0]['msg']}") from problem
        if name in ("created_at.gte", "created_at.gt"):
            starts.append(us + (name == "created_at.gt"))
        else:
            ends.append(us + (name == "created_at.lte"))
    return max(starts, default=None), min(ends, default=None)


def _filter_digest(single: dict[str, str], lists: dict[str, list[str]]) -> str:
    kept = sorted((k, v) for k, v in single.items() if k not in ("after_id", "before_id", "limit"))
    return hashlib.sha256(repr((kept, sorted(lists.items()))).encode()).hexdigest()[:12]
