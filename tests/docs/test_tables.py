"""Tables and columns: each one is described, in its place, and nothing is described that does not exist."""

import re

import duckdb
import pyarrow as pa
import pytest

from tests.docs.pages import first_column, names_in, page, tables
from warehouse.delivery.receipts import DEAD_LETTERS, RECEIPTS
from warehouse.tables.audit_export.schema import AUDIT_EXPORT_ROWS
from warehouse.tables.directory.schema import LISTINGS
from warehouse.tables.engagement.schema import MEASURES
from warehouse.tables.schema import ACTOR_ID_FIELD, AUDIT_EVENTS
from warehouse.tables.seal import MARKER
from warehouse.tables.spend.schema import COST_DAYS, COST_ROWS, REPORTS, USAGE_DAYS, USAGE_ROWS
from warehouse.tables.telemetry import TABLES as TELEMETRY
from warehouse.tables.telemetry import shown_columns

SQL, FORMATS = page("docs/sql.md"), page("docs/formats.md")
IN_SQL = [
    "audit_pages",
    "log_entries",
    "audit_unknown_first_seen",
    "audit_export_matches",
    "cost_parity",
    "usage_parity",
    *(f"{stream}_{what}" for stream in REPORTS for what in ("restatements", "restated_rows")),
]
SPEND = [f"{stream}_{what}" for stream in REPORTS for what in ("rows", "days")]
IN_FORMATS = [
    "audit_events",
    "audit_export_rows",
    *SPEND,
    *LISTINGS,
    *MEASURES,
    *TELEMETRY,
    "deliveries",
    "dead_letters",
]
MACROS = {f"{name}_as_of" for name in ("audit_events", *SPEND, *LISTINGS, *MEASURES)}
TYPES = {
    "string": "string",
    "timestamp[us, tz=UTC]": "timestamp",
    "binary": "binary",
    "double": "double",
    "int32": "int32",
    "int64": "int64",
    "bool": "bool",
    "date32[day]": "date",
    "decimal128(38, 8)": "decimal(38, 8)",
}


def columns(db: duckdb.DuckDBPyConnection, table: str) -> list[str]:
    return [row[0] for row in db.execute(f"select column_name from (describe {table})").fetchall()]


def views(db: duckdb.DuckDBPyConnection) -> set[str]:
    """What `.tables` lists: the archive's views, and those over the marts."""
    found = "select view_name from duckdb_views() where not internal and database_name = 'memory'"
    return {row[0] for row in db.execute(found).fetchall()}


def test_every_table_is_listed_and_every_listed_one_exists(database: duckdb.DuckDBPyConnection) -> None:
    section = SQL.section("The tables").partition("\n### ")[0]
    listed = {name.partition("(")[0] for name in first_column(section, "table")}
    aside = next(paragraph for paragraph in section.split("\n\n") if "nothing is promised" in paragraph)
    assert listed | set(names_in(aside)) == views(database) | MACROS


@pytest.mark.parametrize("table", IN_SQL)
def test_the_columns_of_a_table_are_described_in_their_order(
    table: str, database: duckdb.DuckDBPyConnection
) -> None:
    assert first_column(SQL.section(table), "column") == columns(database, table)


@pytest.mark.parametrize("table", IN_FORMATS)
def test_the_columns_of_a_parquet_table_are_described_in_their_order(
    table: str, database: duckdb.DuckDBPyConnection
) -> None:
    assert first_column(FORMATS.section(f"Columns of `{table}`"), "column") == columns(database, table)
    assert columns(database, "audit_event_versions") == columns(database, "audit_events")
    for what in ("rows", "days"):
        for stream in REPORTS:
            assert columns(database, f"legacy_{stream}_{what}") == columns(database, f"{stream}_{what}")


def marts(db: duckdb.DuckDBPyConnection) -> list[str]:
    return sorted(name for name in views(db) if name.startswith(("dim_", "fct_")))


def test_every_column_of_a_mart_is_described(database: duckdb.DuckDBPyConnection) -> None:
    for mart in marts(database):
        section = SQL.section(mart)
        shared = re.search(r"And, as above: (.*)", section)
        described = first_column(section, "column") + (names_in(shared.group(1)) if shared else [])
        assert sorted(described) == sorted(columns(database, mart)), mart


def test_what_the_marts_share_is_explained_once(database: duckdb.DuckDBPyConnection) -> None:
    explained = set(names_in(SQL.section("The marts, column by column").partition("\n### ")[0]))
    for mart in marts(database):
        shared = re.search(r"And, as above: (.*)", SQL.section(mart))
        assert set(names_in(shared.group(1)) if shared else []) <= explained, mart


@pytest.mark.parametrize(
    ("heading", "schema"),
    [
        ("Columns of `audit_events`", AUDIT_EVENTS),
        ("Columns of `audit_export_rows`", AUDIT_EXPORT_ROWS),
        ("Table files", MARKER),
        ("Columns of `cost_rows`", COST_ROWS),
        ("Columns of `cost_days`", COST_DAYS),
        ("Columns of `usage_rows`", USAGE_ROWS),
        ("Columns of `usage_days`", USAGE_DAYS),
        ("Columns of `deliveries`", RECEIPTS),
        ("Columns of `dead_letters`", DEAD_LETTERS),
        *((f"Columns of `{name}`", listing.schema) for name, listing in LISTINGS.items()),
        *((f"Columns of `{name}`", measure.schema) for name, measure in MEASURES.items()),
        *((f"Columns of `{name}`", shown_columns(table)) for name, table in TELEMETRY.items()),
    ],
)
def test_the_types_of_parquet_columns_are_those_that_are_described(heading: str, schema: pa.Schema) -> None:
    table = next(rows for header, rows in tables(FORMATS.section(heading)) if header[:2] == ["column", "type"])
    described = {names_in(row[0])[0]: row[1] for row in table if row[1] != "date (folder)"}
    assert described == {field.name: TYPES.get(str(field.type), "list of strings") for field in schema}


def test_the_field_that_says_who_acted_is_described_for_every_kind_of_actor() -> None:
    section = FORMATS.section("Columns of `audit_events`")
    table = next(rows for header, rows in tables(section) if header[0] == "kind of actor")
    described = {names_in(row[0])[0]: names_in(row[1])[0] for row in table if names_in(row[1])}
    assert described == ACTOR_ID_FIELD
