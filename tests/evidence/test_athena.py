"""The dialect gate: each question is SQL that Athena takes, and means the same there, as sqlglot knows it."""

import re

import duckdb
import pytest
import sqlglot
from sqlglot import exp
from sqlglot.errors import ErrorLevel

from tests.evidence.conftest import FIRST, LAST
from warehouse.evidence.questions import cookbook, filled
from warehouse.tables.schema import AUDIT_EVENTS
from warehouse.taxonomy.seed import SEED_COLUMNS
from warehouse.wire.times import midnight

# Trino's reserved words (its documentation, "Reserved keywords").
_RESERVED = set(
    [
        "alter",
        "and",
        "as",
        "between",
        "by",
        "case",
        "cast",
        "constraint",
        "create",
        "cross",
        "cube",
        "current_catalog",
        "current_date",
        "current_path",
        "current_role",
        "current_schema",
        "current_time",
        "current_timestamp",
        "current_user",
        "deallocate",
        "delete",
        "describe",
        "distinct",
        "drop",
        "else",
        "end",
        "escape",
        "except",
        "execute",
        "exists",
        "extract",
        "false",
        "for",
        "from",
        "full",
        "group",
        "grouping",
        "having",
        "in",
        "inner",
        "insert",
        "intersect",
        "into",
        "is",
        "join",
        "json_array",
        "json_exists",
        "json_object",
        "json_query",
        "json_table",
        "json_value",
        "left",
        "like",
        "listagg",
        "localtime",
        "localtimestamp",
        "natural",
        "normalize",
        "not",
        "null",
        "on",
        "or",
        "order",
        "outer",
        "prepare",
        "recursive",
        "right",
        "rollup",
        "select",
        "skip",
        "table",
        "then",
        "trim",
        "true",
        "uescape",
        "union",
        "unnest",
        "using",
        "values",
        "when",
        "where",
        "with",
    ]
)
# Functions that are Trino's by these names. What the questions call must be among them.
_TRINO = {
    "coalesce", "count", "max", "min", "lower", "strpos", "date_trunc", "date_diff", "row_number", "lead",
    "json_extract", "json_extract_scalar", "json_format", "cast", "extract", "timestamp", "filter", "in",
}  # fmt: skip
_WORD_BEFORE_BRACKET = re.compile(r"\b([a-z_][a-z0-9_]*) ?\(")
_PAGES = {"request_id", "requested_at", "query", "page", "key", "body_sha256", "records_root", "commit_seq"}
_TABLES = {
    "audit_events": {*AUDIT_EVENTS.names, "dt"},
    "audit_event_versions": {*AUDIT_EVENTS.names, "dt"},
    "audit_pages": _PAGES,
    "event_types": set(SEED_COLUMNS),
}


def texts() -> list[tuple[str, str]]:
    return [(name, asked.sql) for name, asked in cookbook().items()]


@pytest.mark.parametrize(("name", "sql"), texts(), ids=list(cookbook()))
def test_athena_reads_it_and_nothing_in_it_is_of_another_dialect(name: str, sql: str) -> None:
    (tree,) = sqlglot.parse(sql, read="athena", error_level=ErrorLevel.RAISE)
    assert isinstance(tree, exp.Select | exp.Union)
    bare = re.sub(r"'(?:[^']|'')*'|/\*.*?\*/|--.*", "", sql).lower()
    words = set(_WORD_BEFORE_BRACKET.findall(bare)) - _RESERVED
    ctes = {cte.alias for cte in tree.find_all(exp.CTE)}
    assert words - _TRINO - ctes - {"over"} == set(), "functions that are not known to be Trino's"
    aliases = {alias.alias for alias in tree.find_all(exp.Alias, exp.TableAlias) if alias.alias}
    assert {alias.lower() for alias in aliases} & _RESERVED == set()
    assert "::" not in bare
    assert "group by all" not in bare


@pytest.mark.parametrize(("name", "sql"), texts(), ids=list(cookbook()))
def test_it_asks_for_tables_and_columns_that_there_are(name: str, sql: str) -> None:
    tree = sqlglot.parse_one(sql, read="athena")
    ctes = {cte.alias for cte in tree.find_all(exp.CTE)}
    tables = {table.name: table.alias_or_name for table in tree.find_all(exp.Table)}
    assert set(tables) <= set(_TABLES) | ctes
    for table, alias in tables.items():
        asked = {column.name for column in tree.find_all(exp.Column) if column.table == alias}
        if table in _TABLES:
            assert asked <= _TABLES[table], table


@pytest.mark.parametrize("name", list(cookbook()))
def test_read_as_athenas_and_rewritten_for_duckdb_it_gives_the_same_rows(
    name: str, database: duckdb.DuckDBPyConnection
) -> None:
    """What Trino means by the text, by sqlglot's knowledge of both, is what the text means here unchanged."""
    asked = cookbook()[name]
    moments = {"from": midnight(FIRST), "to": midnight(LAST), "moment": midnight(LAST)}
    sql = filled(
        asked,
        {p.name: moments.get(p.name, p.default) for p in asked.parameters if p.needed or p.name in moments},
    )
    (rewritten,) = sqlglot.transpile(sql, read="trino", write="duckdb", error_level=ErrorLevel.RAISE)
    # sqlglot writes Trino's precision, which DuckDB reads as another type without a zone
    rewritten = re.sub(r"TIMESTAMP\(\d+\)", "TIMESTAMP", rewritten)
    unchanged = database.execute(sql).fetchall()
    assert database.execute(rewritten).fetchall() == unchanged
