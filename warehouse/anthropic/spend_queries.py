"""How usage and cost are asked for: paths, parameters and dimensions of the current API and of the legacy reports.

Data from reference 3.3 and 3.4. Whatever the report, one query brings the total by day, another the rows.
"""

from dataclasses import dataclass
from typing import Final, Literal
from urllib.parse import quote

from warehouse.wire.times import rfc3339
from warehouse.wire.windows import Window

Stream = Literal["usage", "cost", "legacy_usage", "legacy_cost"]
# What is pulled as a matter of course; the legacy reports are a second source, asked for by hand.
STREAMS: Final[tuple[Stream, ...]] = ("usage", "cost")
BETA = "analytics-usage-cost-2026-08-24"
LARGEST_PAGE = 1000
# At most five; why these: docs/decisions. Groups of people (`rbac_group_id`) overlap and are never asked for.
ORGANIZATION = "organization_id"
DIMENSIONS = ("actor", "product", "model", ORGANIZATION, "context_window")
# These two fan a cost row out and count neither against the five nor against the limit.
_KINDS_OF_COST = ("cost_type", "token_type")
_PREFIX = "/v1/organizations/analytics/"
_GROUPED = "group_by%5B%5D="


@dataclass(frozen=True)
class Queries:
    """The two queries of one stream. `largest_total` is the limit of the total, None for that of the rows;
    `fan_out` are dimensions that do not count."""

    total_path: str
    rows_path: str
    width: str
    total_order: str
    rows_order: str
    dimensions: tuple[str, ...]
    fan_out: tuple[str, ...] = ()
    betas: tuple[str, ...] = ()
    largest_total: int | None = None

    def total(self, window: Window, limit: int, cursor: str | None = None) -> str:
        """The query string of the total by day."""
        return self._query(window, self.total_order, min(limit, self.largest_total or limit), (), cursor)

    def rows(self, window: Window, limit: int, dimensions: tuple[str, ...], cursor: str | None = None) -> str:
        """The query string of the grouped rows; the cursor is bound to all the rest of it."""
        return self._query(window, self.rows_order, limit, (*dimensions, *self.fan_out), cursor)

    def _query(self, window: Window, order: str, limit: int, by: tuple[str, ...], cursor: str | None) -> str:
        groups = "".join(f"&{_GROUPED}{name}" for name in by)
        after = f"&page={quote(cursor, safe='')}" if cursor is not None else ""
        return (
            f"starting_at={rfc3339(window.start)}&ending_at={rfc3339(window.end)}&{self.width}=1d"
            f"{order}&limit={limit}{groups}{after}"
        )


_BY_TIME = "&order_by=time&order=asc"


def _legacy(what: str, largest: str, fan_out: tuple[str, ...] = ()) -> Queries:
    """A legacy report: the total, of which a page holds buckets and not rows; and the rows per user, which come
    with the largest first: there is no order by time."""
    return Queries(
        f"{_PREFIX}{what}_report",
        f"{_PREFIX}user_{what}_report",
        "bucket_width",
        "",
        f"&order_by={largest}&order=desc",
        ("product", "model", "context_window"),
        fan_out,
        largest_total=31,
    )


QUERIES: Final[dict[Stream, Queries]] = {
    "usage": Queries(
        f"{_PREFIX}usage", f"{_PREFIX}usage", "time_bucket_width", _BY_TIME, _BY_TIME, DIMENSIONS, betas=(BETA,)
    ),
    "cost": Queries(
        f"{_PREFIX}cost",
        f"{_PREFIX}cost",
        "time_bucket_width",
        _BY_TIME,
        _BY_TIME,
        DIMENSIONS,
        _KINDS_OF_COST,
        (BETA,),
    ),
    "legacy_usage": _legacy("usage", "total_tokens"),
    "legacy_cost": _legacy("cost", "amount", _KINDS_OF_COST),
}


def is_grouped(query: str) -> bool:
    """Whether a query as sent asked for grouped rows; else it asked for the total."""
    return _GROUPED in query
