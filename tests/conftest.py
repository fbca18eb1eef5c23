"""What all tests share: dbt parses its project once in each process."""

from collections.abc import Iterator

import pytest

from tests.dbt.parsed_once import parsing_once


@pytest.fixture(scope="session", autouse=True)
def _parsing_once() -> Iterator[None]:
    with parsing_once():
        yield
