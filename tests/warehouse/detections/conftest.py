from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import duckdb
import pytest

from warehouse.detections import trial

Raised = Callable[..., list[Any]]


@pytest.fixture
def db() -> Iterator[duckdb.DuckDBPyConnection]:
    with trial.bench() as connection:
        yield connection


@pytest.fixture
def raised(db: duckdb.DuckDBPyConnection) -> Raised:
    """The alerts that a rule raises over the records of a sample, each as the ids of its events."""
    return partial(trial.raised, db)
