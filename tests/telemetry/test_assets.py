"""Telemetry in Dagster: a run lands what is due, and its checks see what a person should."""

from datetime import timedelta
from pathlib import Path

import dagster as dg
import pytest

from assets.telemetry import ASSETS, CHECKS
from assets.workshop import TelemetryFiles
from tests.telemetry.client import Client, as_json
from tests.telemetry.places import Place


def run(place: Place) -> dg.ExecuteInProcessResult:
    with place.open() as workshop:
        workshop.telemetry = TelemetryFiles(sources=(str(place.inbox),), settled=timedelta(0))
        definitions = dg.Definitions(assets=ASSETS, asset_checks=CHECKS, resources={"workshop": workshop})
        job = dg.define_asset_job("all", selection=dg.AssetSelection.all())
        resolved = dg.Definitions.merge(definitions, dg.Definitions(jobs=[job])).resolve_job_def("all")
        return resolved.execute_in_process(raise_on_error=False)


def checks(result: dg.ExecuteInProcessResult) -> dict[str, bool]:
    return {one.check_name: one.passed for one in result.get_asset_check_evaluations()}


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def test_a_run_lands_what_is_due_and_every_check_passes(place: Place) -> None:
    client = Client("s1")
    client.request(125_000, request_id="req_1")
    place.put("logs.json", as_json(client.logs()))
    place.put("metrics.json", as_json(client.metrics()))
    result = run(place)
    assert result.success
    assert checks(result) == dict.fromkeys(
        ("no_content_is_sent", "attributes_are_listed", "telemetry_is_fresh", "counters_add_up"), True
    )
    facts = result.asset_materializations_for_node("telemetry")[0].metadata
    assert (facts["landed"].value, facts["events"].value, facts["points"].value) == (2, 1, 5)


def test_content_unlisted_names_and_odd_points_fail_their_checks(place: Place) -> None:
    client = Client("s1")
    client.event("user_prompt", {"prompt": "a text that somebody wrote", "prompt_length": 26})
    client.event("tool_result", {"brand_new": "x"})
    client.count("cost.usage", 1)
    place.put("logs.json", as_json(client.logs()))
    place.put("metrics.json", as_json(client.metrics()).replace(b'"isMonotonic":true', b'"isMonotonic":false'))
    result = run(place)
    assert checks(result) == {
        "no_content_is_sent": False,
        "attributes_are_listed": False,
        "telemetry_is_fresh": True,
        "counters_add_up": False,
    }
    said = " ".join(one.description or "" for one in result.get_asset_check_evaluations())
    assert "prompt 1" in said
    assert "brand_new 1" in said
    assert "not_monotonic 1" in said


def test_a_bad_file_fails_the_run_and_is_named(place: Place) -> None:
    place.put("bad.json", b"{")
    result = run(place)
    assert not result.success
    (failure,) = [event for event in result.all_events if event.is_step_failure]
    assert "bad.json is no OTLP JSON" in str(failure.event_specific_data)
