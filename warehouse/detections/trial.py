"""Tries a rule on its own samples: what should raise an alert does, what should not does not.

Promise: a trial runs the very statement that runs over the archive, on rows that went through the very parser.
Addresses of the samples have the invented places of `sample_places.mmdb`, whatever is configured.
"""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import duckdb

from warehouse.detections.places import SAMPLE_FILE, Places, prepare
from warehouse.detections.rule import Rule
from warehouse.detections.samples import tables
from warehouse.detections.statement import statement
from warehouse.tables.catalog import JSON_MACROS
from warehouse.tables.connection import open_duckdb


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
    with open_duckdb() as db:
        for macro in JSON_MACROS:
            db.execute(macro)
        prepare(db)
        yield db


def raised(
    db: duckdb.DuckDBPyConnection, rule: Rule, sample: Iterable[Mapping[str, Any]]
) -> list[tuple[str, ...]]:
    """The events of each alert that a rule raises over the records of a sample."""
    with held(db, rule, sample) as relations:
        answer = db.execute(f"select event_ids from ({statement(rule, relation=relations)}) as found")
        return [tuple(row[0]) for row in answer.fetchall()]


@contextmanager
def held(
    db: duckdb.DuckDBPyConnection, rule: Rule, sample: Iterable[Mapping[str, Any]]
) -> Iterator[dict[str, str]]:
    """The rows of a sample as tables of the connection: their names by log source."""
    rows = {f"sample_{source}": found for source, found in tables(rule, sample).items()}
    for name, found in rows.items():
        db.register(name, found)
    try:
        if rule.needs():
            with Places([SAMPLE_FILE]) as places:
                places.note(db, f"select ip_address from sample_{rule.feed()}")
        yield {name.removeprefix("sample_"): name for name in rows}
    finally:
        for name in rows:
            db.unregister(name)


def try_out(db: duckdb.DuckDBPyConnection, rule: Rule) -> list[Outcome]:
    """Every sample of a rule."""
    return [
        Outcome(rule, number, should_fire, tuple(raised(db, rule, sample)))
        for number, (should_fire, sample) in enumerate(rule.samples, start=1)
    ]
