"""`GET /v1/organizations/analytics/usage` and `/cost` (reference 3.3): the current API, parameter by parameter.

Where the reference leaves a point open, one answer is chosen and named here:
a missing beta header is a 400; an end in the future is allowed; a span without any line has no row;
a row of a bucket has the bucket's whole bounds, also where the request begins or ends inside it;
a parent-level key sees its Console organisation too, and may filter and group by what only that one has.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request

from sandbox.api.analytics import measures
from sandbox.api.analytics.actors import Actors
from sandbox.api.analytics.body import Rows
from sandbox.api.analytics.cursor import Cursor
from sandbox.api.analytics.filters import LISTS, keeper
from sandbox.api.analytics.query import Query
from sandbox.api.analytics.span import Span, export_now, refreshed_at, span_of
from sandbox.api.analytics.tally import Grouping, Row, in_order, tally
from sandbox.api.errors import invalid
from sandbox.tenant.spend.line import EXPORT_MINUTES, day_at
from sandbox.tenant.tenant import Tenant
from sandbox.tenant.world import Key

BETA = "analytics-usage-cost-2026-08-24"
DIMENSIONS = (
    "product",
    "model",
    "actor",
    "actor_type",
    "api_key_id",
    "context_window",
    "inference_geo",
    "speed",
    "rbac_group_id",
    "organization_id",
    "service_tier",
    "workspace_id",
    "slack_channel_id",
    "claude_tag_category",
    "claude_tag_user_id",
    "agent_id",
    "deployment_id",
    "environment_id",
    "session_id",
    "user_profile_id",
)
FANS = ("cost_type", "token_type")
MOST_DIMENSIONS = 5
_SINGLE = (
    "starting_at",
    "ending_at",
    "time_bucket_width",
    "order_by",
    "order",
    "limit",
    "page",
    "exclude_deleted_users",
)
_KEPT_ANSWERS = 16


@dataclass(frozen=True, slots=True)
class _Question:
    """A request understood: what to sum, in which order, and where its page begins."""

    span: Span
    export: int
    grouping: Grouping
    order_by: str
    descending: bool
    limit: int
    offset: int
    digest: str
    without_deleted: bool


class UsageCost:
    """Both endpoints of one tenant."""

    def __init__(self, tenant: Tenant) -> None:
        self.tenant = tenant
        self._answers: OrderedDict[tuple[Any, ...], list[Row]] = OrderedDict()

    def usage(self, request: Request, key: Key) -> Rows:
        """The page of usage a request asks for; raises ApiError."""
        return self._page(request, key, costs=False)

    def cost(self, request: Request, key: Key) -> Rows:
        """The page of cost a request asks for; raises ApiError."""
        return self._page(request, key, costs=True)

    def _page(self, request: Request, key: Key, *, costs: bool) -> Rows:
        _demand_beta(request)
        query = Query.of(request.url.query, _SINGLE, ("group_by", *LISTS))
        asked = self._question(query, key, costs=costs)
        actors = Actors(self.tenant.world, day_at(asked.export * EXPORT_MINUTES))
        rows = self._rows(query, key, asked, costs=costs)
        end = asked.offset + asked.limit
        more = end < len(rows)
        beside = {
            "has_more": more,
            "next_page": Cursor(asked.digest, asked.export, asked.span.end, end).text() if more else None,
            "data_refreshed_at": refreshed_at(asked.export),
        }
        if "usage_organization_id" in self.tenant.quirks:
            beside["organization_id"] = self.tenant.world.parent.id
        there = rows[asked.offset : end]
        if asked.without_deleted:  # after paging: such a page has fewer rows than its limit
            at = asked.grouping.dimensions.index("actor")
            there = [row for row in there if not actors.deleted(row.values[at])]
        shown = [wire for row in there for wire in self._wire(row, asked, actors, costs=costs)]
        return Rows(shown, beside)

    def _question(self, query: Query, key: Key, *, costs: bool) -> _Question:
        clock, tenant = self.tenant.clock, self.tenant
        export = export_now(clock)
        digest = f"{'c' if costs else 'u'}{key.kind[0]}{query.digest()}"
        start: Cursor | None = None
        if "page" in query.single:
            lasting = "lasting_cursors" in tenant.quirks
            start = Cursor.read(query.single["page"], digest, export, lasting=lasting)
        limit = query.integer("limit", 20, 1, 1000)
        span = span_of(query, clock, "time_bucket_width", default_width=None, end=start.end if start else None)
        names = query.members("group_by", DIMENSIONS + FANS if costs else DIMENSIONS)
        dimensions = tuple(name for name in names if name not in FANS)
        if len(dimensions) > MOST_DIMENSIONS:
            raise invalid(f"group_by[]: List should have at most {MOST_DIMENSIONS} items after validation")
        without_deleted = query.flag("exclude_deleted_users")
        if without_deleted and "actor" not in dimensions:
            raise invalid("exclude_deleted_users: requires group_by[]=actor")
        by_group = "rbac_group_id" in dimensions or query.lists["rbac_group_ids"]
        if "claude_tag_user_id" in dimensions and by_group:
            raise invalid("group_by[]: claude_tag_user_id cannot be combined with rbac_group_id")
        orders = measures.COST_ORDERS if costs else measures.USAGE_ORDERS
        order_by = query.choice("order_by", orders, orders[0]) or orders[0]
        if order_by == "time" and not span.width:
            order_by = orders[0]
        grouping = Grouping(
            span.width,
            dimensions,
            "cost_type" in names,
            "token_type" in names,
            frozenset(query.lists["rbac_group_ids"]),
        )
        return _Question(
            span,
            start.export if start else export,
            grouping,
            order_by,
            query.choice("order", ("asc", "desc"), "desc") == "desc",
            limit,
            start.offset if start else 0,
            digest,
            without_deleted,
        )

    def _rows(self, query: Query, key: Key, asked: _Question, *, costs: bool) -> list[Row]:
        """All rows of a question in its order; kept, because its next page is asked for soon."""
        name = (asked.digest, asked.export, asked.span)
        rows = self._answers.get(name)
        if rows is None:
            keep = keeper(query, self.tenant.world, key)
            span = asked.span
            rows = tally(self.tenant.ledger.shown(span.start, span.end, asked.export), asked.grouping, keep)
            if not costs:
                rows = [row for row in rows if row.sum.requests or row.sum.total_tokens]
            usual = measures.MEASURES["amount" if costs else "total_tokens"]
            then = usual if asked.order_by == "time" else None
            rows = in_order(rows, measures.MEASURES[asked.order_by], descending=asked.descending, then=then)
            self._answers[name] = rows
            while len(self._answers) > _KEPT_ANSWERS:
                self._answers.popitem(last=False)
        return rows

    def _wire(self, row: Row, asked: _Question, actors: Actors, *, costs: bool) -> list[dict[str, Any]]:
        """A row as it is on the wire: one object, or one for each kind of cost."""
        start, end = asked.span.bounds(row.bucket)
        group: dict[str, Any] = dict.fromkeys(DIMENSIONS)
        for name, value in zip(asked.grouping.dimensions, row.values, strict=True):
            group[name] = self._value(name, value, actors)
        if not costs:
            return [{"starting_at": start, "ending_at": end, "group": group, "usage": measures.usage(row.sum)}]
        group |= dict.fromkeys(FANS)
        bounds = {"starting_at": start, "ending_at": end}
        if not (asked.grouping.by_cost_type or asked.grouping.by_token_type):
            return [{**bounds, "group": group, "cost": measures.cost(row.sum)}]
        return [
            {**bounds, "group": group | {"cost_type": cost_type, "token_type": token_type}, "cost": money}
            for (cost_type, token_type), money in measures.fanned(row.sum)
        ]

    def _value(self, name: str, value: Any, actors: Actors) -> Any:
        """A dimension's value on the wire: an actor as an object, an organisation by its UUID."""
        match name:
            case "actor":
                return actors.describe(value)
            case "organization_id":
                return next(o.uuid for o in self.tenant.world.organizations if o.id == value)
        return value


def _demand_beta(request: Request) -> None:
    named = ",".join(request.headers.getlist("anthropic-beta"))
    if BETA not in [part.strip() for part in named.split(",")]:
        raise invalid(f"anthropic-beta: this endpoint requires the header value {BETA}")
