"""The Parquet schemas of Claude Code's telemetry: data points, events, spans, and the files they came in.

Promise: columns are only ever added at the end. Nothing is removed as a repeat: the views mark repeats (`views`).
"""

from dataclasses import dataclass

import pyarrow as pa

STREAM = "otel"

_TIME = pa.timestamp("us", "UTC")
_TEXT = pa.string()
_MONEY = pa.decimal128(38, 8)

# Who and where, in every table, from the row's own attributes and else from its resource's.
WHO = {
    "user_id": "user.id",
    "user_email": "user.email",
    "user_account_id": "user.account_id",
    "user_account_uuid": "user.account_uuid",
    "enduser_id": "enduser.id",
    "organization_id": "organization.id",
    "service_name": "service.name",
    "app_version": "app.version",
    "app_entrypoint": "app.entrypoint",
    "cost_center": "cost_center",
    "department": "department",
    "team": "team",
    "repo": "repo",
}
# Other spellings of the same custom attribute, in order.
SPELLINGS = {
    "cost_center": ("cost_center", "cost.center"),
    "team": ("team", "team.id", "team_id", "team.name"),
    "repo": ("repo", "repository"),
}
LABELS = {
    "model": "model",
    "query_source": "query_source",
    "speed": "speed",
    "effort": "effort",
    "tool_name": "tool_name",
    "decision": "decision",
}
# Where every row came from. `position` counts the rows of a table within their commit, from 0.
_ORIGIN = [
    pa.field("resource", _TEXT),
    pa.field("problems", pa.list_(_TEXT)),
    pa.field("source_file", _TEXT),
    pa.field("source_sha256", _TEXT),
    pa.field("position", pa.int64()),
    pa.field("commit_seq", pa.int64()),
    pa.field("landed_at", _TIME),
]


def _texts(*names: str) -> list[pa.Field]:
    return [pa.field(name, _TEXT) for name in names]


POINTS = pa.schema(
    [
        pa.field("time", _TIME),
        pa.field("start_time", _TIME),
        *_texts("metric", "unit", "temporality"),
        pa.field("value", pa.float64()),
        *_texts("session_id", "user_key", "model", "token_type", "attributes"),
        *_texts("kind"),
        pa.field("monotonic", pa.bool_()),
        *_texts("type", "start_type", "query_source", "speed", "effort", "tool_name", "decision"),
        *_texts(*WHO, "service_version", "scope_version", "series_key"),
        *_ORIGIN,
    ]
)
COUNTS = [
    "input_tokens",
    "output_tokens",
    "cache_read_tokens",
    "cache_creation_tokens",
    "duration_ms",
    "status_code",
    "attempt",
    "prompt_length",
    "response_length",
]
EVENTS = pa.schema(
    [
        pa.field("time", _TIME),
        *_texts("event_name", "session_id", "user_key", "model", "request_id"),
        pa.field("cost_usd", _MONEY),
        *_texts("attributes"),
        pa.field("cost_usd_micros", pa.int64()),
        *[pa.field(name, pa.int64()) for name in COUNTS],
        pa.field("observed_time", _TIME),
        pa.field("wire_time", _TIME),
        *_texts("client_request_id", "prompt_id", "tool_use_id"),
        pa.field("sequence", pa.int64()),
        pa.field("success", pa.bool_()),
        *_texts("query_source", "speed", "effort", "tool_name", "decision", "source", "error_type"),
        pa.field("severity", pa.int32()),
        *_texts("trace_id", "span_id", *WHO, "service_version", "scope_version", "dedup_key"),
        *_ORIGIN,
    ]
)
SPANS = pa.schema(
    [
        pa.field("time", _TIME),
        pa.field("end_time", _TIME),
        *_texts("span_name", "session_id", "user_key", "model", "request_id", "attributes"),
        *_texts("trace_id", "span_id", "parent_span_id"),
        pa.field("duration_ms", pa.int64()),
        pa.field("status", pa.int32()),
        *_texts("tool_name", *WHO, "service_version", "scope_version", "dedup_key"),
        *_ORIGIN,
    ]
)
FILES = pa.schema(
    [
        *_texts("source_file", "source_sha256"),
        pa.field("source_bytes", pa.int64()),
        *_texts("source_version"),
        pa.field("messages", pa.int64()),
        pa.field("points", pa.int64()),
        pa.field("events", pa.int64()),
        pa.field("spans", pa.int64()),
        *_texts("removed"),
        pa.field("removed_total", pa.int64()),
        *_texts("problems"),
        pa.field("first_time", _TIME),
        pa.field("last_time", _TIME),
        pa.field("position", pa.int64()),
        pa.field("commit_seq", pa.int64()),
        pa.field("landed_at", _TIME),
    ]
)


@dataclass(frozen=True)
class Table:
    """A table of telemetry. `key`: what two rows share when one repeats the other; None where none can."""

    name: str
    schema: pa.Schema
    key: tuple[str, ...] | None = None


OTEL_FILES = Table("otel_files", FILES)
OTEL_METRIC_POINTS = Table("otel_metric_points", POINTS, ("series_key", "start_time", "time"))
OTEL_EVENTS = Table("otel_events", EVENTS, ("dedup_key",))
OTEL_SPANS = Table("otel_spans", SPANS, ("dedup_key",))
TABLES = {one.name: one for one in (OTEL_FILES, OTEL_METRIC_POINTS, OTEL_EVENTS, OTEL_SPANS)}
