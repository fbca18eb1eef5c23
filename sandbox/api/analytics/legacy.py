"""The four legacy reports (reference 3.4): usage_report, cost_report, user_usage_report, user_cost_report.

The same ledger as usage and cost, with the old faults: at most 100 groups in a bucket and no remainder, and no row
for spend without a person in the two reports per user.
Where the reference leaves a point open, one answer is chosen and named here:
the cut at 100 is made in both bucketed reports; a bucket's rows come dearest (or largest) first;
spend of the Console organisation is in them, so that old and new totals agree, but no filter names its products;
costs of a kind the old API has no name for (`session_usage`) fan out with `cost_type` null.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from starlette.requests import Request

from sandbox.api.analytics import measures
from sandbox.api.analytics.actors import Actors
from sandbox.api.analytics.body import Rows
from sandbox.api.analytics.cursor import Cursor
from sandbox.api.analytics.filters import keeper
from sandbox.api.analytics.query import Query
from sandbox.api.analytics.span import Span, export_now, refreshed_at, span_of
from sandbox.api.analytics.tally import Grouping, Row, in_order, tally
from sandbox.api.errors import invalid
from sandbox.tenant.spend.line import EXPORT_MINUTES, Place, day_at
from sandbox.tenant.tenant import Tenant
from sandbox.tenant.world import Key

MOST_GROUPS = 100
DIMENSIONS = (
    "product",
    "model",
    "context_window",
    "inference_geo",
    "speed",
    "rbac_group_id",
    "slack_channel_id",
    "claude_tag_category",
    "claude_tag_user_id",
)
_FANS = ("cost_type", "token_type")
_LISTS = (
    "products",
    "models",
    "user_ids",
    "rbac_group_ids",
    "context_windows",
    "inference_geos",
    "speeds",
    "slack_channel_ids",
    "claude_tag_categories",
    "claude_tag_user_ids",
)
_BUCKETS = {1440: (7, 31), 60: (24, 168), 1: (60, 256)}  # default and most, by width in minutes
_SHARED = ("starting_at", "ending_at", "bucket_width", "limit", "page")
_OF_USERS = ("order", "order_by", "exclude_deleted_users")


@dataclass(frozen=True, slots=True)
class _Report:
    """Which of the four: costs or tokens, and whether there is a row per person."""

    costs: bool
    per_user: bool

    @property
    def name(self) -> str:
        return f"{'user_' if self.per_user else ''}{'cost' if self.costs else 'usage'}_report"

    @property
    def orders(self) -> tuple[str, ...]:
        return (measures.COST_ORDERS if self.costs else measures.USAGE_ORDERS)[:-1]


@dataclass(frozen=True, slots=True)
class _Asked:
    """One request: its parameters, who asks, the time it is about, and the export it is answered from."""

    query: Query
    key: Key
    digest: str
    span: Span
    export: int
    offset: int
    grouping: Grouping


class Legacy:
    """The four reports of one tenant."""

    def __init__(self, tenant: Tenant) -> None:
        self.tenant = tenant

    def usage_report(self, request: Request, key: Key) -> Rows:
        return self._bucketed(request, key, _Report(costs=False, per_user=False))

    def cost_report(self, request: Request, key: Key) -> Rows:
        return self._bucketed(request, key, _Report(costs=True, per_user=False))

    def user_usage_report(self, request: Request, key: Key) -> Rows:
        return self._per_user(request, key, _Report(costs=False, per_user=True))

    def user_cost_report(self, request: Request, key: Key) -> Rows:
        return self._per_user(request, key, _Report(costs=True, per_user=True))

    def _bucketed(self, request: Request, key: Key, report: _Report) -> Rows:
        """A page of buckets, empty ones too, each with its 100 largest groups."""
        asked = self._asked(request, key, report)
        span = asked.span
        usual, most = _BUCKETS[span.width]
        limit = asked.query.integer("limit", usual, 1, most)
        first = span.start + asked.offset * span.width
        last = min(span.end, first + limit * span.width)
        rows = self._rows(asked, report, Span(first, last, span.width))
        by_bucket: dict[int, list[Row]] = {}
        for row in in_order(rows, measures.MEASURES[report.orders[0]], descending=True):
            by_bucket.setdefault(row.bucket, []).append(row)
        actors = self._actors(asked)
        data = []
        for bucket in range(first, last, span.width):
            start, end = span.bounds(bucket)
            kept = by_bucket.get(bucket, [])[:MOST_GROUPS]
            results = [flat for row in kept for flat in self._flat(row, asked, report, actors)]
            data.append({"starting_at": start, "ending_at": end, "results": results})
        return self._page(asked, data, asked.offset + limit, more=last < span.end)

    def _per_user(self, request: Request, key: Key, report: _Report) -> Rows:
        """A page of rows, one for each person x bucket x group; spend without a person is in none."""
        asked = self._asked(request, key, report)
        query = asked.query
        limit = query.integer("limit", 20, 1, 1000)
        order_by = query.choice("order_by", report.orders, report.orders[0]) or report.orders[0]
        descending = query.choice("order", ("asc", "desc"), "desc") == "desc"
        without_deleted = query.flag("exclude_deleted_users")
        rows = self._rows(asked, report, asked.span)
        rows = in_order(rows, measures.MEASURES[order_by], descending=descending)
        end, actors = asked.offset + limit, self._actors(asked)
        data = []
        for row in rows[asked.offset : end]:
            if without_deleted and actors.deleted(row.values[0]):
                continue  # after paging: such a page has fewer rows than its limit
            start, stop = asked.span.bounds(row.bucket) if asked.span.width else (None, None)
            bounds = {"starting_at": start, "ending_at": stop}
            data += [bounds | flat for flat in self._flat(row, asked, report, actors)]
        return self._page(asked, data, end, more=end < len(rows))

    def _asked(self, request: Request, key: Key, report: _Report) -> _Asked:
        single = (*_SHARED, *_OF_USERS) if report.per_user else _SHARED
        query = Query.of(request.url.query, single, ("group_by", *_LISTS))
        export, clock = export_now(self.tenant.clock), self.tenant.clock
        digest, start = f"{report.name}/{query.digest()}", None
        if "page" in query.single:
            lasting = "lasting_cursors" in self.tenant.quirks
            start = Cursor.read(query.single["page"], digest, export, lasting=lasting)
        usual = None if report.per_user else "1d"
        span = span_of(query, clock, "bucket_width", default_width=usual, end=start.end if start else None)
        names = query.members("group_by", DIMENSIONS + _FANS if report.costs else DIMENSIONS)
        dimensions = tuple(name for name in names if name not in _FANS)
        if "claude_tag_user_id" in dimensions and ("rbac_group_id" in dimensions or query.lists["rbac_group_ids"]):
            raise invalid("group_by[]: claude_tag_user_id cannot be combined with rbac_group_id")
        grouping = Grouping(
            span.width,
            ("actor", *dimensions) if report.per_user else dimensions,
            "cost_type" in names,
            "token_type" in names,
            frozenset(query.lists["rbac_group_ids"]),
        )
        offset = start.offset if start else 0
        return _Asked(query, key, digest, span, start.export if start else export, offset, grouping)

    def _rows(self, asked: _Asked, report: _Report, span: Span) -> list[Row]:
        kept = keeper(asked.query, self.tenant.world, asked.key)

        def of_a_person(place: Place) -> bool:
            return place.actor is not None and place.actor.person is not None and kept(place)

        lines = self.tenant.ledger.shown(span.start, span.end, asked.export)
        rows = tally(lines, asked.grouping, of_a_person if report.per_user else kept)
        return rows if report.costs else [row for row in rows if row.sum.requests or row.sum.total_tokens]

    def _actors(self, asked: _Asked) -> Actors:
        return Actors(self.tenant.world, day_at(asked.export * EXPORT_MINUTES))

    def _flat(self, row: Row, asked: _Asked, report: _Report, actors: Actors) -> list[dict[str, Any]]:
        """A row on the wire: figures and dimensions side by side; several where costs fan out."""
        values: dict[str, Any] = dict.fromkeys(DIMENSIONS)
        values |= dict(zip(asked.grouping.dimensions, row.values, strict=True))
        values["product"] = old_product(values["product"])
        who = values.pop("actor", None)
        email = "email" if "actor_email" in self.tenant.quirks else "email_address"
        actor = {"actor": actors.describe(who, email)} if report.per_user else {}
        if not report.costs:
            tokens = measures.usage(row.sum)
            if not report.per_user:
                del tokens["total_tokens"]
            return [{**actor, **tokens, **values}]
        values |= dict.fromkeys(_FANS)
        if not (asked.grouping.by_cost_type or asked.grouping.by_token_type):
            return [{**actor, **measures.cost(row.sum), **values}]
        return [
            {**actor, **money, **values, "cost_type": _old_type(cost_type), "token_type": token_type}
            for (cost_type, token_type), money in measures.fanned(row.sum)
        ]

    def _page(self, asked: _Asked, data: list[dict[str, Any]], offset: int, *, more: bool) -> Rows:
        cursor = Cursor(asked.digest, asked.export, asked.span.end, offset).text() if more else None
        before = {
            "organization_id": self.tenant.world.parent.id,
            "data_refreshed_at": refreshed_at(asked.export),
        }
        return Rows(data, {"has_more": more, "next_page": cursor}, before)


def old_product(name: str | None) -> str | None:
    """A product as the legacy reports spell it: `claude-tag` with a hyphen."""
    return "claude-tag" if name == "claude_tag" else name


def _old_type(name: str) -> str | None:
    return None if name == "session_usage" else name
