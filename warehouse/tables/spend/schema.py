"""The Parquet schemas of usage and cost: rows by actor, product and model, and the days they belong to.

Promise: columns are only ever added at the end; their order, names and types are the archive's final form.
"""

from dataclasses import dataclass

import pyarrow as pa

_TIME = pa.timestamp("us", "UTC")
MONEY = pa.decimal128(38, 8)

# Who, what and when: what every row says, whichever report it is of.
_DIMENSIONS = [
    pa.field("day", pa.date32()),
    pa.field("starting_at", _TIME),
    pa.field("ending_at", _TIME),
    pa.field("organization_id", pa.string()),
    pa.field("product", pa.string()),
    pa.field("model", pa.string()),
    pa.field("context_window", pa.string()),
    pa.field("actor_type", pa.string()),
    pa.field("actor_id", pa.string()),
    pa.field("actor_email", pa.string()),
    pa.field("actor_name", pa.string()),
    pa.field("actor_deleted", pa.bool_()),
]
# Where a row came from and which version of its day it belongs to.
_ORIGIN = [
    pa.field("row_key", pa.string()),
    pa.field("raw", pa.string()),
    pa.field("raw_bytes", pa.binary()),
    pa.field("data_refreshed_at", _TIME),
    pa.field("observed_at", _TIME),
    pa.field("commit_seq", pa.int64()),
    pa.field("page", pa.int32()),
    pa.field("position", pa.int32()),
    pa.field("version", pa.int32()),
    pa.field("content_sha256", pa.string()),
    pa.field("unknown_fields", pa.list_(pa.string())),
]
TOKENS = (
    "uncached_input_tokens",
    "cache_creation_5m_input_tokens",
    "cache_creation_1h_input_tokens",
    "cache_read_input_tokens",
    "output_tokens",
    "total_tokens",
    "web_search_requests",
    "requests",
)

COST_ROWS = pa.schema(
    [
        *_DIMENSIONS,
        pa.field("cost_type", pa.string()),
        pa.field("token_type", pa.string()),
        pa.field("amount", MONEY),
        pa.field("list_amount", MONEY),
        pa.field("currency", pa.string()),
        pa.field("requests", pa.int64()),
        pa.field("amount_text", pa.string()),
        pa.field("list_amount_text", pa.string()),
        *_ORIGIN,
    ]
)
USAGE_ROWS = pa.schema([*_DIMENSIONS, *(pa.field(name, pa.int64()) for name in TOKENS), *_ORIGIN])

# What the two kinds of days share: the version, and whether the grouped rows add up to the total.
_DAY = [
    pa.field("day", pa.date32()),
    pa.field("version", pa.int32()),
    pa.field("data_refreshed_at", _TIME),
    pa.field("final", pa.bool_()),
    pa.field("rows", pa.int64()),
]
_DAY_ORIGIN = [
    pa.field("agrees", pa.bool_()),
    pa.field("raw", pa.string()),
    pa.field("observed_at", _TIME),
    pa.field("commit_seq", pa.int64()),
    pa.field("content_sha256", pa.string()),
]
COST_DAYS = pa.schema(
    [
        *_DAY,
        pa.field("amount", MONEY),
        pa.field("list_amount", MONEY),
        pa.field("total_amount", MONEY),
        pa.field("total_list_amount", MONEY),
        pa.field("total_requests", pa.int64()),
        pa.field("difference", MONEY),
        *_DAY_ORIGIN,
    ]
)
USAGE_DAYS = pa.schema(
    [
        *_DAY,
        pa.field("tokens", pa.int64()),
        pa.field("requests", pa.int64()),
        pa.field("total_tokens", pa.int64()),
        pa.field("total_requests", pa.int64()),
        pa.field("difference", pa.int64()),
        *_DAY_ORIGIN,
    ]
)


@dataclass(frozen=True)
class Report:
    """The tables of one stream: its rows, its days, and the column whose change is told first.

    figures: the member of a record that holds them. legacy: records in the older shape, whose rows are those of
    people only, so that they need not add up to the total.
    """

    stream: str
    rows: pa.Schema
    days: pa.Schema
    measure: str
    figures: str
    legacy: bool = False

    @property
    def rows_table(self) -> str:
        return f"{self.stream}_rows"

    @property
    def days_table(self) -> str:
        return f"{self.stream}_days"


COST = Report("cost", COST_ROWS, COST_DAYS, "amount", "cost")
USAGE = Report("usage", USAGE_ROWS, USAGE_DAYS, "total_tokens", "usage")
LEGACY_COST = Report("legacy_cost", COST_ROWS, COST_DAYS, "amount", "cost", legacy=True)
LEGACY_USAGE = Report("legacy_usage", USAGE_ROWS, USAGE_DAYS, "total_tokens", "usage", legacy=True)
REPORTS = {report.stream: report for report in (USAGE, COST)}
ALL_REPORTS = {**REPORTS, **{report.stream: report for report in (LEGACY_USAGE, LEGACY_COST)}}
