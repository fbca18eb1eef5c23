"""Masking of the other tables: a rule by the names of columns, and the same expressions for Athena."""

from typing import Any

import duckdb
import pyarrow as pa
import pytest
import sqlglot

from warehouse.archive.restriction import digest, normal
from warehouse.archive.state import Restriction
from warehouse.tables.audit_export.schema import AUDIT_EXPORT_ROWS
from warehouse.tables.directory.schema import API_KEYS, LISTINGS, MEMBERS, USERS
from warehouse.tables.engagement.schema import MEASURES
from warehouse.tables.masking import ACCOUNTING, Masks
from warehouse.tables.schema import AUDIT_EVENTS
from warehouse.tables.spend.schema import ALL_REPORTS, COST_ROWS

SALT, MARK = "ab" * 16, "[restricted]"
JANE, ID = "jane@example.com", "user_01JaneAbCdEfGhJkLmNp"
TABLES = {
    "audit_events": AUDIT_EVENTS,
    "audit_export_rows": AUDIT_EXPORT_ROWS,
    **{report.rows_table: report.rows for report in ALL_REPORTS.values()},
    **{listing.table: listing.schema for listing in LISTINGS.values()},
    **{measure.table: measure.schema for measure in MEASURES.values()},
}


def restricted(*identifiers: str, salt: str = SALT) -> Restriction:
    spelled = [normal(one) for one in identifiers]
    lengths = sorted({len(one) for one in spelled})
    digests = [digest(salt, one) for one in spelled]
    return Restriction(1, "2026-11-20T08:00:00Z", "erasure", salt, digests, lengths, whole=True)


def shown(
    table: str, schema: pa.Schema, *rows: dict[str, Any], masks: Masks | None = None
) -> list[dict[str, Any]]:
    """Rows of a table as they are read under a restriction of Jane."""
    stored = pa.Table.from_pylist([{name: None for name in schema.names} | one for one in rows], schema=schema)
    with duckdb.connect() as db:
        db.register("stored", stored)
        sql = (masks or Masks([restricted(JANE, ID)])).over(table, schema.names, "stored")
        found = db.execute(sql or "select * from stored").to_arrow_table()
        return found.to_pylist()


@pytest.mark.parametrize(("table", "schema"), TABLES.items(), ids=TABLES)
def test_every_table_hides_somebody_in_every_text_that_could_hold_her(table: str, schema: pa.Schema) -> None:
    texts = [field.name for field in schema if field.type == pa.string()]
    identifying = [name for name in texts if name.endswith(("email", "user_id", "actor_id")) or name == "raw"]
    assert identifying
    for name in identifying:
        value = f'{{"x":"{JANE}"}}' if name == "raw" else JANE
        (row,) = shown(table, schema, {name: value})
        assert JANE not in str(row), f"{table}.{name}"


@pytest.mark.parametrize(("table", "schema"), TABLES.items(), ids=TABLES)
def test_a_row_of_somebody_else_stays_as_it_is_in_every_table(table: str, schema: pa.Schema) -> None:
    texts = {field.name: "kim@example.com" for field in schema if field.type == pa.string()}
    row = {name: None for name in schema.names} | texts | {"raw": '{"x":"kim@example.com"}'}
    assert shown(table, schema, row) == [row]


@pytest.mark.parametrize("given", [{"id": ID}, {"email": JANE}])
def test_a_member_of_the_directory_is_masked_by_either_name(given: dict[str, str]) -> None:
    person = {"id": "user_other", "email": "other@example.com", "name": "Jane Doe", "role": "admin"} | given
    (row,) = shown("directory_users", USERS.schema, person)
    assert (row["id"], row["email"], row["name"], row["role"]) == (MARK, MARK, MARK, "admin")


def test_versions_of_a_masked_member_stay_apart_from_those_of_another() -> None:
    jane = {"user_id": ID, "raw": f'{{"user_id":"{ID}"}}'}
    rows = shown(
        "directory_group_members",
        MEMBERS.schema,
        {**jane, "record_key": f"g1 {ID}", "version": 1},
        {**jane, "record_key": f"g1 {ID}", "version": 2},
        {**jane, "record_key": f"g2 {ID}", "version": 1},
    )  # fmt: skip
    first, second, other = (row["record_key"] for row in rows)
    assert first == second != other
    assert ID not in str(rows)


def test_a_key_that_somebody_made_names_its_maker_no_more() -> None:
    (row,) = shown(
        "directory_api_keys", API_KEYS.schema, {"id": "apikey_1", "created_by": ID, "name": f"{JANE} ci"}
    )
    assert (row["id"], row["created_by"], row["name"]) == ("apikey_1", MARK, MARK)


def test_cost_of_a_person_is_masked_and_its_amounts_are_not() -> None:
    row = {"actor_id": ID, "actor_email": JANE, "actor_name": "Jane Doe", "product": "chat", "requests": 7}
    (masked,) = shown("cost_rows", COST_ROWS, row)
    assert [masked[name] for name in row] == [MARK, MARK, MARK, "chat", 7]


def test_chargeback_reads_cost_as_it_is() -> None:
    masks = Masks([restricted(JANE)], unmasked=ACCOUNTING)
    (row,) = shown("cost_rows", COST_ROWS, {"actor_email": JANE}, masks=masks)
    assert row["actor_email"] == JANE
    (event,) = shown("audit_events", AUDIT_EVENTS, {"actor_email": JANE}, masks=masks)
    assert event["actor_email"] == MARK


def test_two_salts_are_both_looked_for() -> None:
    masks = Masks([restricted(JANE), restricted("kim@example.com", salt="cd" * 16)])
    rows = [{"actor_email": one} for one in (JANE, "kim@example.com", "lee@example.com")]
    assert [row["actor_email"] for row in shown("audit_events", AUDIT_EVENTS, *rows, masks=masks)] == [
        MARK, MARK, "lee@example.com",
    ]  # fmt: skip


@pytest.mark.parametrize(("table", "schema"), TABLES.items(), ids=TABLES)
def test_the_expressions_parse_as_athena_too_and_hold_nobody(table: str, schema: pa.Schema) -> None:
    text = Masks([restricted(JANE, ID)], dialect="trino").over(table, schema.names, "stored")
    assert text is not None
    assert sqlglot.parse_one(text, read="trino").sql(dialect="trino")
    for word in ("lambda", "list_transform", "list_filter", "list_zip", "::", "json_valid", JANE, ID.lower(), ID):
        assert word not in text
