"""Export rows and feed events as the view audit_export_matches reads them, and its answers."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

import duckdb
import pyarrow as pa

from warehouse.tables.audit_export import audit_export_matches_sql

TEN = datetime(2026, 11, 20, 10, tzinfo=UTC)
CHAT = "claude_chat_created"
JANE = "jane@example.com"
EVENTS = pa.schema(
    [
        ("id", pa.string()),
        ("created_at", pa.timestamp("us", "UTC")),
        ("type", pa.string()),
        ("actor_email", pa.string()),
    ]
)
ROWS = pa.schema(
    [
        ("export_id", pa.string()),
        ("row_key", pa.string()),
        ("row_no", pa.int64()),
        ("commit_seq", pa.int64()),
        ("created_at", pa.timestamp("us", "UTC")),
        ("actor_email", pa.string()),
        ("feed_type", pa.string()),
        ("feed_type_note", pa.string()),
    ]
)


def at(seconds: float) -> datetime:
    return TEN + timedelta(seconds=seconds)


def row(
    key: str, seconds: float | None, email: str | None = JANE, type_: str | None = CHAT, **more: Any
) -> dict[str, Any]:
    usual = {"export_id": "e", "row_no": 1, "commit_seq": 1, "feed_type_note": None}
    moment = None if seconds is None else at(seconds)
    return {**usual, "row_key": key, "created_at": moment, "actor_email": email, "feed_type": type_, **more}


def event(id_: str, seconds: float, email: str | None = JANE, type_: str = CHAT) -> dict[str, Any]:
    return {"id": id_, "created_at": at(seconds), "type": type_, "actor_email": email}


def matches(
    db: duckdb.DuckDBPyConnection, rows: Iterable[dict[str, Any]], events: Iterable[dict[str, Any]], **options: Any
) -> dict[str, tuple[str | None, str, float | None, str | None]]:
    """row_key -> event_id, match, delta_ms, reason; through a view, as the catalogue makes it."""
    numbered = [{**one, "row_no": number} for number, one in enumerate(rows, start=1)]
    db.register("audit_export_rows", pa.Table.from_pylist(numbered, schema=ROWS))
    db.register("audit_events", pa.Table.from_pylist(list(events), schema=EVENTS))
    db.execute(f"create or replace temp view audit_export_matches as {audit_export_matches_sql(**options)}")
    answer = db.execute("select row_key, event_id, match, delta_ms, reason from audit_export_matches").fetchall()
    assert len({line[0] for line in answer}) == len(answer)
    return {key: tuple(rest) for key, *rest in answer}


def chosen(
    db: duckdb.DuckDBPyConnection, rows: Iterable[dict[str, Any]], events: Iterable[dict[str, Any]]
) -> dict[str, str | None]:
    return {key: answer[0] for key, answer in matches(db, rows, events).items()}
