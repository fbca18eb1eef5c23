from collections.abc import Callable, Iterator
from typing import Any

import duckdb
import pytest

from warehouse.detections.rule import Rule
from warehouse.detections.samples import table
from warehouse.detections.statement import statement
from warehouse.tables.catalog import JSON_MACROS

Raised = Callable[[Rule, list[dict[str, Any]]], list[dict[str, Any]]]


@pytest.fixture
def db() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        connection.execute("set timezone = 'UTC'")
        for macro in JSON_MACROS:
            connection.execute(macro)
        yield connection


@pytest.fixture
def raised(db: duckdb.DuckDBPyConnection) -> Raised:
    """The alerts that a rule raises over the records of a sample, as dicts."""

    def run(rule: Rule, sample: list[dict[str, Any]]) -> list[dict[str, Any]]:
        db.register("sample", table(sample))
        try:
            return db.execute(statement(rule, relation="sample")).to_arrow_table().to_pylist()
        finally:
            db.unregister("sample")

    return run
