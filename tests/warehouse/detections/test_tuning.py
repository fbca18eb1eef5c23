"""Thresholds by configuration: they change what is enough, say so in the version, and end on their day."""

from datetime import UTC, date, datetime
from typing import Any

import pytest

from tests.warehouse.detections.conftest import Raised
from warehouse.detections.errors import ThresholdInvalid
from warehouse.detections.rulebook import load
from warehouse.detections.tuning import Threshold, numbers, tune

NOW = datetime(2026, 11, 28, tzinfo=UTC)
RULES = load()


def decided(rule: str, **numbers: Any) -> Threshold:
    whole = {"reason": "a busy team", "owner": "bea@example.com", "until": date(2027, 1, 1), **numbers}
    return Threshold(rule=rule, **whole)


@pytest.mark.parametrize(
    ("rule", "change"),
    [
        ("many_files_exported", {"count": 100_000}),
        ("signed_in_from_several_countries", {"count": 4}),
        ("impossible_travel", {"km_per_hour": 50_000}),
        ("impossible_travel", {"least_km": 15_000}),
        ("dormant_account_wakes", {"silent_for": "40d"}),
        ("sign_in_from_a_new_country", {"history": "14d"}),
        ("failed_sign_ins_then_success", {"timespan": "30s"}),
    ],
)
def test_a_threshold_silences_what_is_no_longer_enough(raised: Raised, rule: str, change: dict[str, Any]) -> None:
    own = RULES.find(rule)
    fires = next(records for fires, records in own.samples if fires)
    assert raised(own, fires)
    tuned = tune(RULES, [decided(rule, **change)], NOW)
    (made,) = [one for one in tuned.rules if one.id == own.id]
    assert not raised(made, fires)
    said = ",".join(f"{name}={value}" for name, value in change.items())
    assert made.version == f"{own.version}+{said}"
    assert numbers(made).items() >= change.items()
    assert tuned.evidence()[rule] == change | {
        "reason": "a busy team",
        "owner": "bea@example.com",
        "until": "2027-01-01",
    }


def test_a_threshold_can_make_a_rule_more_wakeful_and_it_then_reads_further_back(raised: Raised) -> None:
    own = RULES.find("many_files_exported")
    (made,) = [
        one
        for one in tune(RULES, [decided("many_files_exported", count=2, timespan="2d")], NOW).rules
        if one.id == own.id
    ]
    two = [{"type": "claude_file_exported"}, {"type": "claude_file_exported", "after": "1d"}]
    assert not raised(own, two)
    assert raised(made, two)
    assert (made.timespan, made.look_back) == (2 * 86_400, 4 * 86_400)


def test_a_threshold_whose_day_has_come_holds_no_more_and_is_named() -> None:
    tuned = tune(RULES, [decided("many_files_exported", count=7, until=date(2026, 11, 28))], NOW)
    assert [one.rule for one in tuned.expired] == ["many_files_exported"]
    assert tuned.by_rule == {}
    assert tuned.rules == list(RULES)


def test_every_mistake_is_named_at_once() -> None:
    wrong = {
        "single_sign_on_switched_off has no threshold": decided("single_sign_on_switched_off", count=3),
        "did you mean many_files_exported": decided("many_files_exportd", count=3),
        "many_files_uploaded has no km_per_hour; it takes count and timespan": decided(
            "many_files_uploaded", km_per_hour=3
        ),
        "many_failed_sign_ins sets nothing": decided("many_failed_sign_ins"),
        "many_keys_deleted: a threshold is more than nothing": decided("many_keys_deleted", count=0),
        "many_files_downloaded: 'soon' is no span": decided("many_files_downloaded", timespan="soon"),
        "sign_in_by_a_new_program looks back no further than 60d": decided(
            "sign_in_by_a_new_program", history="90d"
        ),
    }
    twice = [decided("mass_deletion_of_chats", count=5), decided("mass_deletion_of_chats", count=6)]
    with pytest.raises(ThresholdInvalid) as refused:
        tune(RULES, [*wrong.values(), *twice], NOW)
    for says in (*wrong, "mass_deletion_of_chats has two thresholds"):
        assert says in str(refused.value)
    assert "[[detections.thresholds]]" in refused.value.remedy
