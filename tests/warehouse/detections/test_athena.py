"""The form for Athena: it parses as Trino's SQL, and read as such it raises the same alerts on the same events.

No Trino runs here: the statement is read by a parser of its dialect and written for the engine that does.
"""

import duckdb
import pytest
import sqlglot

from warehouse.detections.rule import Rule
from warehouse.detections.rulebook import load
from warehouse.detections.samples import table
from warehouse.detections.statement import statement
from warehouse.detections.trial import raised

RULES = load().rules


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.path.stem)
def test_the_form_for_athena_raises_the_same_alerts(rule: Rule, db: duckdb.DuckDBPyConnection) -> None:
    athena = statement(rule, dialect="athena", relation="sample")
    read = sqlglot.parse_one(athena, read="athena", error_level=sqlglot.ErrorLevel.RAISE)
    for _, sample in rule.samples:
        here = raised(db, rule, sample)
        db.register("sample", table(sample))
        there = db.execute(f"select event_ids from ({read.sql('duckdb')}) as found").fetchall()
        db.unregister("sample")
        assert [tuple(row[0]) for row in there] == here


def test_the_form_for_athena_uses_no_word_that_only_duckdb_has() -> None:
    for rule in RULES:
        athena = statement(rule, dialect="athena")
        for word in ("regexp_matches", "list_distinct", "len(", "list(", "::", "exclude"):
            assert word not in athena, (rule.path.stem, word)
