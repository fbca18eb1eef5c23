"""Rows as tables: the contract's columns, days, and text that any reader of Parquet takes."""

import io
from datetime import UTC, date, datetime, timedelta, timezone

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from tests.warehouse.tables.audit_export.made_exports import SAMPLE, actor, csv_text, record
from warehouse.tables.audit_export import AUDIT_EXPORT_ROWS, FIELDS, by_day, read_export, rows_to_table

SEEN = datetime(2026, 11, 23, 8, tzinfo=UTC)


def table_of(data: bytes, name: str = "a.csv", observed_at: datetime = SEEN) -> pa.Table:
    export = read_export(data, name)
    return rows_to_table(export.rows(), export.export_id, export.file_name, 7, observed_at)


def test_the_columns_are_those_of_the_contract_in_its_order() -> None:
    assert (
        AUDIT_EXPORT_ROWS.names[:26]
        == [
            *["export_id", "file_name", "row_no", "created_at", "created_at_text", *FIELDS[1:]],
            *["actor_name", "actor_uuid", "actor_email", "entity_type", "entity_uuid", "entity_name"],
            *["feed_type", "parse_status", "raw", "row_key", "commit_seq", "observed_at", "feed_type_note"],
        ][:26]
    )
    assert table_of(csv_text(record()).encode()).schema.names == [*AUDIT_EXPORT_ROWS.names, "dt"]


def test_a_row_is_one_line_with_its_nine_texts_and_its_source() -> None:
    (line,) = table_of(csv_text(record(actor_info=actor("Reece O'Sullivan"))).encode()).to_pylist()
    assert {name: line[name] for name in FIELDS[1:]} == dict(
        zip(FIELDS[1:], record(actor_info=actor("Reece O'Sullivan"))[1:], strict=True)
    )
    assert line["created_at_text"] == "2026-11-20T10:00:00.123456Z"
    assert line["created_at"] == datetime(2026, 11, 20, 10, 0, 0, 123456, UTC)
    assert (line["row_no"], line["commit_seq"], line["observed_at"], line["file_name"]) == (1, 7, SEEN, "a.csv")
    assert (line["actor_name"], line["feed_type"], line["problems"]) == (
        "Reece O'Sullivan",
        "claude_chat_created",
        [],
    )


def test_no_rows_make_a_valid_empty_table() -> None:
    table = table_of(csv_text().encode())
    assert (table.num_rows, table.schema.names[-1]) == (0, "dt")
    assert by_day(table) == {}


def test_each_row_is_in_the_table_of_its_day_and_one_without_a_time_in_that_of_its_import() -> None:
    east = SEEN.astimezone(timezone(timedelta(hours=20)))
    table = table_of(
        csv_text(
            record(created_at="2026-11-20T23:30:00-01:00"),
            record(created_at="2026-11-20T10:00:00Z"),
            record(created_at="?"),
        ).encode(),
        observed_at=east,
    )
    days = by_day(table)
    assert {day: part["row_no"].to_pylist() for day, part in days.items()} == {
        date(2026, 11, 20): [2],
        date(2026, 11, 21): [1],
        date(2026, 11, 23): [3],
    }
    assert all(part.schema.equals(AUDIT_EXPORT_ROWS) for part in days.values())


def test_duckdb_reads_the_parquet_of_any_hostile_row() -> None:
    hostile = "\x00 =1+1 \x1b[0m � \U0001f98a '\""
    text = csv_text(record(user_agent=hostile, device_id="x" * 1_000_000), record(user_agent="§"))
    table = table_of(text.encode().replace("§".encode(), b"\xff"), "n\udcffme\x1b.csv")
    sink = io.BytesIO()
    pq.write_table(table, sink)
    read_back = pq.read_table(pa.BufferReader(sink.getvalue()))
    with duckdb.connect() as db:
        db.register("rows", read_back)
        got = db.sql("select user_agent, length(device_id), raw_bytes is not null, file_name from rows").fetchall()
    assert got == [(hostile, 1_000_000, False, "n�me\x1b.csv"), ("�", 0, True, "n�me\x1b.csv")]


def test_the_sample_file_makes_one_table_a_day() -> None:
    (day,) = by_day(table_of(SAMPLE.read_bytes())).items()
    assert (day[0], day[1].num_rows) == (date(2026, 11, 20), 10)
