"""The rules that ship: each fires on its true samples only, and no condition in one is there for nothing."""

import re
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml

from warehouse.detections.errors import RuleInvalid
from warehouse.detections.rule import Rule, read
from warehouse.detections.rulebook import load
from warehouse.detections.trial import try_out

RULES = load().rules


def test_there_are_at_least_45_and_each_has_an_id_a_name_and_a_title_of_its_own() -> None:
    assert len(RULES) >= 45
    for names in ({rule.id for rule in RULES}, {rule.title for rule in RULES}, {rule.path.stem for rule in RULES}):
        assert len(names) == len(RULES)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.path.stem)
def test_a_rule_fires_on_its_true_samples_and_not_on_its_false_ones(
    rule: Rule, db: duckdb.DuckDBPyConnection
) -> None:
    outcomes = try_out(db, rule)
    assert {outcome.should_fire for outcome in outcomes} == {True, False}, "a rule needs samples of both kinds"
    for outcome in outcomes:
        assert outcome.passed, outcome


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.path.stem)
def test_a_rule_says_why_and_what_to_do_and_what_else_it_may_be(rule: Rule) -> None:
    assert len(rule.runbook) >= 2
    assert rule.false_positives
    assert any(tag.startswith("attack.") for tag in rule.tags)
    assert rule.controls
    assert rule.why.endswith(".")
    assert rule.description.endswith(".")


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.path.stem)
def test_denying_any_one_condition_makes_a_sample_fail(
    rule: Rule, db: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    tried = 0
    for what, documents in _denied(rule):
        path = tmp_path / rule.path.name
        path.write_text(yaml.safe_dump_all(documents, sort_keys=False), encoding="utf-8")
        tried += 1
        assert not all(outcome.passed for outcome in try_out(db, read(path))), f"{what} makes no difference"
    assert tried


def _denied(rule: Rule) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """The rule's documents, once for each condition on a field, with that one denied."""
    whole = list(yaml.safe_load_all(rule.path.read_text(encoding="utf-8")))
    for number, document in enumerate(whole):
        for name, selection in document.get("detection", {}).items():
            if name == "condition":
                continue
            for field in selection:
                documents = deepcopy(whole)
                documents[-1]["ledgerline"]["broad"] = True
                detection = documents[number]["detection"]
                rest = {other: value for other, value in detection[name].items() if other != field}
                detection["denied"] = {field: detection[name][field]}
                both = f"({name} and not denied)" if rest else "(not denied)"
                detection["condition"] = re.sub(rf"\b{name}\b", both, detection["condition"])
                if rest:
                    detection[name] = rest
                else:
                    del detection[name]
                yield f"{name}.{field}", documents


@pytest.mark.parametrize("text", ["text\n", "title: t\ndetection:\n  on:\n    type: a\n  condition: on\n"])
def test_a_file_of_another_shape_is_refused_in_words_and_not_in_those_of_python(tmp_path: Path, text: str) -> None:
    path = tmp_path / "odd.yml"
    path.write_text(text)
    with pytest.raises(RuleInvalid, match=r"odd\.yml is no Sigma rule") as told:
        read(path)
    assert "object" not in str(told.value)
    assert "iterable" not in str(told.value)
