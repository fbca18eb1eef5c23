"""The Parquet schema of audit-log export rows, and rows into tables of it.

Promise: columns are only ever added at the end; the nine fields, the row's text and its key are never null where
the file had them. The view that compares with the feed is in `join`.
"""

from collections.abc import Iterable
from datetime import UTC, date, datetime

import pyarrow as pa
import pyarrow.compute as pc

from warehouse.tables.audit_export.fields import FIELDS
from warehouse.tables.audit_export.join import audit_export_matches_sql
from warehouse.tables.audit_export.parse import ExportRow

__all__ = [
    "AUDIT_EXPORT_ROWS",
    "DICTIONARY_COLUMNS",
    "STATISTICS_COLUMNS",
    "TABLE",
    "audit_export_matches_sql",
    "by_day",
    "rows_to_table",
]

TABLE = "audit_export_rows"

_TIME = pa.timestamp("us", "UTC")
_NINE_TEXTS = tuple(field for field in FIELDS if field != "created_at")

# As files hold it: `dt` is the folder, not a column.
AUDIT_EXPORT_ROWS = pa.schema(
    [
        pa.field("export_id", pa.string()),
        pa.field("file_name", pa.string()),
        pa.field("row_no", pa.int64()),
        pa.field("created_at", _TIME),
        pa.field("created_at_text", pa.string()),
        *[pa.field(name, pa.string()) for name in _NINE_TEXTS],
        pa.field("actor_name", pa.string()),
        pa.field("actor_uuid", pa.string()),
        pa.field("actor_email", pa.string()),
        pa.field("entity_type", pa.string()),
        pa.field("entity_uuid", pa.string()),
        pa.field("entity_name", pa.string()),
        pa.field("feed_type", pa.string()),
        pa.field("parse_status", pa.string()),
        pa.field("raw", pa.string()),
        pa.field("row_key", pa.string()),
        pa.field("commit_seq", pa.int64()),
        pa.field("observed_at", _TIME),
        pa.field("feed_type_note", pa.string()),
        pa.field("problems", pa.list_(pa.string())),
        pa.field("raw_bytes", pa.binary()),
    ]
)

DICTIONARY_COLUMNS = [
    "export_id",
    "file_name",
    "actor_info",
    "event",
    "event_info",
    "ip_address",
    "device_id",
    "user_agent",
    "client_platform",
    "actor_name",
    "actor_uuid",
    "actor_email",
    "entity_type",
    "feed_type",
    "parse_status",
    "commit_seq",
    "observed_at",
    "feed_type_note",
]
# Statistics everywhere but on long texts, whose least and greatest would say nothing.
STATISTICS_COLUMNS = [
    name
    for name in AUDIT_EXPORT_ROWS.names
    if name not in ("actor_info", "event_info", "entity_info", "raw", "problems", "raw_bytes")
]


def rows_to_table(
    rows: Iterable[ExportRow], export_id: str, file_name: str, commit_seq: int, observed_at: datetime
) -> pa.Table:
    """The columns of AUDIT_EXPORT_ROWS and, last, `dt`; empty input gives a valid, empty table.

    `dt` is the UTC day of created_at, or of `observed_at` where that could not be read: no row is without a day.
    `observed_at` (aware) is the time of the commit that archived the file, `commit_seq` its number.
    """
    columns: dict[str, list[object]] = {name: [] for name in [*AUDIT_EXPORT_ROWS.names, "dt"]}
    for row in rows:
        values: dict[str, object] = {
            "export_id": export_id,
            "file_name": file_name,
            "row_no": row.row_no,
            "created_at": row.created_at,
            "created_at_text": row.fields["created_at"],
            **{name: row.fields[name] for name in _NINE_TEXTS},
            "actor_name": row.actor_name,
            "actor_uuid": row.actor_uuid,
            "actor_email": row.actor_email,
            "entity_type": row.entity_type,
            "entity_uuid": row.entity_uuid,
            "entity_name": row.entity_name,
            "feed_type": row.feed_type,
            "parse_status": row.parse_status,
            "raw": row.raw,
            "row_key": row.row_key,
            "commit_seq": commit_seq,
            "observed_at": observed_at,
            "feed_type_note": row.feed_type_note,
            "problems": list(row.problems),
            "raw_bytes": row.raw_bytes,
            "dt": (row.created_at or observed_at).astimezone(UTC).date(),
        }
        for name, value in values.items():
            columns[name].append(value)
    return pa.table(columns, schema=AUDIT_EXPORT_ROWS.append(pa.field("dt", pa.date32())))


def by_day(table: pa.Table) -> dict[date, pa.Table]:
    """The rows of `rows_to_table`, one table of AUDIT_EXPORT_ROWS a day, days ascending, file order kept."""
    days = sorted(pc.unique(table["dt"]).to_pylist())
    return {day: table.filter(pc.equal(table["dt"], day)).drop_columns(["dt"]) for day in days}
