"""One DuckDB for the tests of the comparison with the feed."""

from collections.abc import Iterator

import duckdb
import pytest


@pytest.fixture(scope="module")
def db() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        connection.execute("set timezone = 'UTC'; set threads = 2")
        yield connection
