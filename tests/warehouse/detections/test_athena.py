"""The form for Athena: it parses as Trino's SQL, and read as such it raises the same alerts on the same events.

No Trino runs here: the statement is read by a parser of its dialect and written for the engine that does.
"""

import duckdb
import pytest
import sqlglot

from warehouse.detections.errors import RuleInvalid
from warehouse.detections.rule import Rule
from warehouse.detections.rulebook import load
from warehouse.detections.statement import statement
from warehouse.detections.trial import held, raised

RULES = load().rules


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.path.stem)
def test_the_form_for_athena_raises_the_same_alerts(rule: Rule, db: duckdb.DuckDBPyConnection) -> None:
    for _, sample in rule.samples:
        here = raised(db, rule, sample)
        with held(db, rule, sample) as relations:
            athena = statement(rule, dialect="athena", relation=relations)
            read = sqlglot.parse_one(athena, read="athena", error_level=sqlglot.ErrorLevel.RAISE)
            there = db.execute(f"select event_ids from ({read.sql('duckdb')}) as found").fetchall()
        assert [tuple(row[0]) for row in there] == here


def test_a_rule_over_computed_rows_has_no_form_for_athena_and_says_so() -> None:
    computed = [rule for rule in RULES if rule.source.computed]
    assert computed
    for rule in computed:
        with pytest.raises(RuleInvalid, match="has no form for Athena"):
            statement(rule, dialect="athena")


def test_the_form_for_athena_uses_no_word_that_only_duckdb_has() -> None:
    for rule in RULES:
        tables = {part.source.name: part.source.table for part in rule.parts}
        athena = statement(rule, dialect="athena", relation=tables)
        for word in ("regexp_matches", "list_distinct", "len(", "list(", "::", "exclude"):
            assert word not in athena, (rule.path.stem, word)
