"""Rules in the form of a SIEM: nothing is lost without a word, and the files that ship are those of the rules."""

import json
from pathlib import Path

import pytest

from warehouse.detections.export import TARGETS, export
from warehouse.detections.rulebook import load

SHIPPED = Path(__file__).parents[3] / "deploy" / "detections"
RULES = load()


@pytest.mark.parametrize("target", TARGETS)
def test_every_rule_is_written_or_named_with_a_reason(target: str) -> None:
    done = export(RULES, target)
    written = {name.rpartition(".")[0] for name in done.files}
    assert written | set(done.refused) == {rule.path.stem for rule in RULES}
    assert not written & set(done.refused)
    assert len(written) >= 30
    assert all(len(reason) > 20 for reason in done.refused.values())


@pytest.mark.parametrize("target", TARGETS)
def test_the_files_that_ship_are_those_of_the_rules(target: str) -> None:
    shipped = {path.name: path.read_text(encoding="utf-8") for path in (SHIPPED / target).iterdir()}
    assert shipped == export(RULES, target).files, f"run `ledgerline detections export --target {target}` again"


def test_what_is_written_reads_the_names_that_our_destinations_write() -> None:
    name = "single_sign_on_switched_off"
    splunk = export([RULES.find(name)], "splunk").files[f"{name}.conf"]
    assert 'sourcetype="anthropic:claude:audit"' in splunk
    assert "raw.enabled=false OR raw.is_enabled=false" in splunk
    assert "disabled = 1" in splunk
    elastic = json.loads(export([RULES.find(name)], "elasticsearch").files[f"{name}.ndjson"])
    assert "anthropic.record.is_enabled:false" in elastic["query"]
    assert elastic["enabled"] is False
    kusto = json.loads(export([RULES.find(name)], "kusto").files[f"{name}.json"])["resources"][0]["properties"]
    assert 'EventType =~ "org_sso_toggled"' in kusto["query"]
    assert 'tostring(RawEvent.is_enabled) =~ "false"' in kusto["query"]


def test_a_rule_of_our_own_kind_is_never_written() -> None:
    for target in TARGETS:
        assert "dormant_account_wakes" in export(RULES, target).refused


def test_what_a_flattened_field_cannot_compare_is_refused_for_elastic_and_written_for_others() -> None:
    for name, field in (("spend_limit_raised", "amount"), ("compliance_key_created", "scopes")):
        assert f"it looks into {field}" in export([RULES.find(name)], "elasticsearch").refused[name]
        assert export([RULES.find(name)], "splunk").files
        assert export([RULES.find(name)], "kusto").files
    beginning = "compliance_key_used_by_a_stranger"  # of a field of its own, which may be compared in any way
    assert export([RULES.find(beginning)], "elasticsearch").files


def test_a_rule_over_computed_rows_is_never_written_and_the_reason_says_what_it_reads() -> None:
    for target in TARGETS:
        refused = export(RULES, target).refused
        for name in (
            "spend_jumps",
            "setting_changed_without_activity",
            "feed_silent",
            "removed_account_still_costs",
        ):
            assert "which Ledgerline computes" in refused[name]
