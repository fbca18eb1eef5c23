"""Tries a rule on its own samples: what should raise an alert does, what should not does not.

Promise: a trial runs the very statement that runs over the archive, on rows that went through the very parser.
"""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import duckdb

from warehouse.detections.rule import Rule
from warehouse.detections.samples import table
from warehouse.detections.statement import statement
from warehouse.tables.catalog import JSON_MACROS


@dataclass(frozen=True)
class Outcome:
    """One sample of a rule: whether it should raise an alert, how many it raised, and of which events."""

    rule: Rule
    number: int
    should_fire: bool
    alerts: tuple[tuple[str, ...], ...]

    @property
    def passed(self) -> bool:
        return bool(self.alerts) == self.should_fire


@contextmanager
def bench() -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection that rules can be tried on, without an archive."""
    with duckdb.connect(config={"autoinstall_known_extensions": False, "autoload_known_extensions": False}) as db:
        db.execute("set timezone = 'UTC'")
        for macro in JSON_MACROS:
            db.execute(macro)
        yield db


def raised(
    db: duckdb.DuckDBPyConnection, rule: Rule, sample: Iterable[Mapping[str, Any]]
) -> list[tuple[str, ...]]:
    """The events of each alert that a rule raises over the records of a sample."""
    db.register("sample", table(sample))
    try:
        answer = db.execute(f"select event_ids from ({statement(rule, relation='sample')}) as found")
        return [tuple(row[0]) for row in answer.fetchall()]
    finally:
        db.unregister("sample")


def try_out(db: duckdb.DuckDBPyConnection, rule: Rule) -> list[Outcome]:
    """Every sample of a rule."""
    return [
        Outcome(rule, number, should_fire, tuple(raised(db, rule, sample)))
        for number, (should_fire, sample) in enumerate(rule.samples, start=1)
    ]
