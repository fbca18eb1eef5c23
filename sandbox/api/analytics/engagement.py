"""The engagement endpoints (reference 3.2): users, skills, connectors, plugins, artifacts, projects, summaries.

One table says what each may filter, group and sort by; the rows themselves are made in `engagement_rows.py`.
Where the reference leaves a point open, one answer is chosen and named here:
distinct counts over a range are exact (the vendor's are within 2 %); a row can be ordered by any number in it,
named by its path (`chat_metrics.message_count`); `summaries` counts people with sessions, not Slack users.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Any

from starlette.requests import Request

from sandbox.api.analytics import engagement_rows as rows
from sandbox.api.analytics.body import Rows
from sandbox.api.analytics.cursor import Cursor
from sandbox.api.analytics.dates import NAMES, Days, days_of
from sandbox.api.analytics.query import Query
from sandbox.api.analytics.summaries import summaries
from sandbox.api.errors import invalid
from sandbox.tenant.engagement import ARTIFACTS, CONNECTORS, PLUGINS, SKILLS, Session
from sandbox.tenant.groups import groups_of
from sandbox.tenant.tenant import Tenant
from sandbox.tenant.world import Key

PRODUCTS = ("chat", "chat_cowork_unified", "claude_code", "cowork", "office_agent")


@dataclass(frozen=True, slots=True)
class Kind:
    """One endpoint: what a session counts for (its entities), filters, groupings, sort column, its rows."""

    entities: Callable[[Session], list[Any]]
    filters: tuple[str, ...]
    groupings: tuple[str, ...]
    sort: str
    row: Callable[[rows.Cut], dict[str, Any]]
    ranges: bool = True


KINDS = {
    "users": Kind(
        lambda s: [s.person], ("project_id", "rbac_group_id", "user_id"), ("rbac_group_id",), "email", rows.user
    ),
    "skills": Kind(
        lambda s: list(s.skills),
        ("product", "rbac_group_id", "share_status", "skill_name", "user_id"),
        ("product", "rbac_group_id", "user_id"),
        "skill_name",
        rows.skill,
    ),
    "connectors": Kind(
        lambda s: [call.connector for call in s.calls],
        ("connector_name", "product", "rbac_group_id", "user_id"),
        ("product", "rbac_group_id", "user_id"),
        "connector_name",
        rows.connector,
    ),
    "plugins": Kind(
        lambda s: list(s.plugins),
        ("plugin_name", "product", "rbac_group_id", "user_id"),
        ("product", "rbac_group_id", "user_id"),
        "plugin_name",
        rows.plugin,
    ),
    "projects": Kind(
        lambda s: [] if s.project is None else [s.project],
        ("project_id", "rbac_group_id", "user_id"),
        ("rbac_group_id", "user_id"),
        "project_id",
        rows.project,
    ),
    "artifacts": Kind(
        lambda s: list(dict.fromkeys((kind, shared) for kind, shared, _ in s.artifacts)),
        ("artifact_type", "is_shared", "product", "rbac_group_id", "user_id"),
        ("product", "rbac_group_id", "user_id"),
        "artifact_type",
        rows.artifact,
        ranges=False,
    ),
}
_ENTITY_NAMES: dict[str, Callable[[Any], str]] = {
    "skill_name": lambda at: SKILLS[at][0],
    "share_status": lambda at: SKILLS[at][2],
    "connector_name": lambda at: CONNECTORS[at][0],
    "plugin_name": lambda at: PLUGINS[at][0],
    "artifact_type": lambda cell: ARTIFACTS[cell[0]],
    "is_shared": lambda cell: str(cell[1]).lower(),
}


class EngagementReads:
    """The engagement endpoints of one tenant."""

    def __init__(self, tenant: Tenant) -> None:
        self.tenant = tenant

    def endpoint(self, name: str) -> Callable[[Request, Key], Rows]:
        """What answers the endpoint `name` (a key of KINDS)."""
        kind = KINDS[name]
        return lambda request, _key: self._page(request, name, kind)

    def summaries(self, request: Request, _key: Key) -> Rows:
        """One row for each day of a range; `filter[]=rbac_group_id:` is the only filter."""
        query = Query.of(request.url.query, ("starting_date", "ending_date", "limit", "page"), ("filter",))
        query.integer("limit", 100, 1, 1000)
        if "page" in query.single:
            raise invalid("page: Invalid cursor")
        days = days_of(query, self.tenant.clock.now(), self.tenant.quirks)
        groups = _filters(query, ("rbac_group_id",)).get("rbac_group_id", frozenset())
        array = "summaries" if "summaries_array" in self.tenant.quirks else "data"
        return Rows(summaries(self.tenant, days, groups), {"next_page": None}, array=array)

    def _page(self, request: Request, name: str, kind: Kind) -> Rows:
        single = (*NAMES, "order", "order_by", "limit", "page") if kind.ranges else ("date", "limit", "page")
        query = Query.of(request.url.query, single, ("filter", "group_by"))
        limit = query.integer("limit", 100, 1, 1000)
        digest = f"{name}/{query.digest()}"
        start: Cursor | None = None
        if "page" in query.single:
            start = Cursor.read(query.single["page"], digest, 0, lasting=True)
        resolved = date.fromordinal(start.end) if start else None
        days = days_of(query, self.tenant.clock.now(), self.tenant.quirks, end=resolved)
        grouping = tuple(query.members("group_by", kind.groupings))
        found = self._rows(kind, days, grouping, _filters(query, kind.filters))
        if not kind.ranges and not grouping:
            if start:
                raise invalid("page: only valid with group_by[]")
            return Rows(found, {"next_page": None})
        found = _in_order(query, found, kind)
        offset = start.offset if start else 0
        more = offset + limit < len(found)
        cursor = Cursor(digest, 0, days.end.toordinal(), offset + limit).text() if more else None
        return Rows(found[offset : offset + limit], {"next_page": cursor})

    def _rows(
        self, kind: Kind, days: Days, grouping: tuple[str, ...], wanted: dict[str, frozenset[str]]
    ) -> list[dict[str, Any]]:
        cuts: dict[tuple[Any, ...], rows.Cut] = {}
        now, by_group = self.tenant.clock.now(), "rbac_group_id" in grouping
        for day in days.all():
            for session in self.tenant.engagement.sessions(day, now):
                groups = groups_of(self.tenant.world, session.person)
                if not self._kept(session, groups, wanted):
                    continue
                for entity in kind.entities(session):
                    if not _named(entity, wanted):
                        continue
                    for group in groups if by_group else (None,):
                        values = _values(session, group, grouping)
                        one = None if kind.sort == "email" and grouping else entity
                        cut = cuts.setdefault((one, values), rows.Cut(one, {}, days.rolled, self.tenant))
                        cut.sessions.append(session)
                        cut.group |= dict(zip(grouping, values, strict=True))
        return [self._with_group(kind.row(cut), cut) for cut in cuts.values()]

    def _with_group(self, row: dict[str, Any], cut: rows.Cut) -> dict[str, Any]:
        if "rbac_group_id" in cut.group:
            names = dict(self.tenant.world.groups)
            return row | cut.group | {"rbac_group_name": names.get(cut.group["rbac_group_id"])}
        return row | cut.group

    def _kept(self, session: Session, groups: tuple[str, ...], wanted: dict[str, frozenset[str]]) -> bool:
        values = {
            "product": (session.product,),
            "user_id": (session.person.user_id,),
            "rbac_group_id": groups,
            "project_id": ()
            if session.project is None
            else (self.tenant.engagement.projects[session.project][0],),
        }
        return all(not wanted[name].isdisjoint(values[name]) for name in wanted if name in values)


def _values(session: Session, group: str | None, grouping: tuple[str, ...]) -> tuple[Any, ...]:
    named = {"product": session.product, "user_id": session.person.user_id, "rbac_group_id": group}
    return tuple(named[name] for name in grouping)


def _named(entity: Any, wanted: dict[str, frozenset[str]]) -> bool:
    """Whether an entity passes the filters on its own properties."""
    return all(_ENTITY_NAMES[name](entity) in values for name, values in wanted.items() if name in _ENTITY_NAMES)


def _filters(query: Query, permitted: tuple[str, ...]) -> dict[str, frozenset[str]]:
    """`filter[]=dimension:value`: the same dimension again means or, another means and; 400."""
    found: dict[str, set[str]] = {}
    for position, text in enumerate(query.lists["filter"]):
        name, colon, value = text.partition(":")
        if not colon or not value:
            raise invalid(f"filter[].{position}: Input should be dimension:value")
        if name not in permitted:
            raise invalid(
                f"filter[].{position}: unsupported dimension '{name}'; supported: {', '.join(permitted)}"
            )
        if name == "product" and value not in PRODUCTS:
            raise invalid(f"filter[].{position}: unknown product '{value}'")
        found.setdefault(name, set()).add(value)
    return {name: frozenset(values) for name, values in found.items()}


def _in_order(query: Query, found: list[dict[str, Any]], kind: Kind) -> list[dict[str, Any]]:
    """Rows by the sort column upwards, or by a number in them downwards, unless `order` says otherwise; 400."""
    found = sorted(found, key=lambda row: rows.sort_key(row, kind.sort))
    named = query.single.get("order_by", kind.sort)
    order = query.choice("order", ("asc", "desc"), "asc" if named == kind.sort else "desc")
    if named == kind.sort:
        return found if order == "asc" else found[::-1]
    if found and not isinstance(rows.number(found[0], named), int):
        raise invalid(f"order_by: '{named}' is not a field that rows can be ordered by")
    return sorted(found, key=lambda row: rows.number(row, named) or 0, reverse=order == "desc")
