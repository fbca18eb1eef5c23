"""Usage and cost through Dagster: a month as one run, money in the metadata, checks that see what differs."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import dagster as dg
import pytest

from sandbox import Served, Tenant, serve
from tests.assets.pipeline import Pipeline, Run

COST = "/v1/organizations/analytics/cost"


@pytest.fixture
def served() -> Iterator[Served]:
    with serve(Tenant(seed=5, users=3, days=1, clock="2026-11-22T10:00:00Z", analytics_rate_limit=0)) as running:
        yield running


@pytest.fixture
def pipeline(served: Served, tmp_path: Path) -> Pipeline:
    return Pipeline(served, tmp_path, date(2026, 10, 22))


def cost(pipeline: Pipeline, first: str, last: str) -> Run:
    return pipeline.materialize("cost_rows", days=(first, last))


def ledger(served: Served, first: date, last: date) -> float:
    return served.tenant.spend.totals(first, last).get((), (0,))[0] / 10**8


def test_31_days_are_one_run_one_window_and_one_commit_with_money_for_each_day(
    pipeline: Pipeline, served: Served
) -> None:
    run = cost(pipeline, "2026-10-22", "2026-11-21")
    days = run.days("cost_rows")
    assert run.success
    assert len(days) == 31
    total = ledger(served, date(2026, 10, 22), date(2026, 11, 22))
    assert sum(day["amount USD"] for day in days.values()) == pytest.approx(total, abs=0.01 * 31)
    assert {day["covered"] for day in days.values()} == {"the whole day"}
    assert {day["version"] for day in days.values()} == {1}
    assert {day["log_entries"] for day in days.values()} == {"1"}
    # the question, the total, and the rows
    assert {day["requests of the run"] for day in days.values()} == {len(served.requests)}
    assert len(served.requests) <= 4
    assert all(found.passed for found in run.checks("cost_rows").values())


def test_a_run_over_days_that_are_held_asks_one_small_question_and_shows_what_is_there(
    pipeline: Pipeline, served: Served
) -> None:
    first = cost(pipeline, "2026-11-15", "2026-11-21").days("cost_rows")
    asked = len(served.requests)
    again = cost(pipeline, "2026-11-15", "2026-11-21").days("cost_rows")
    assert len(served.requests) == asked + 1
    assert {day: facts["amount USD"] for day, facts in again.items()} == {
        day: facts["amount USD"] for day, facts in first.items()
    }
    assert {facts["covered"] for facts in again.values()} == {"the whole day"}


def test_final_days_that_are_held_are_not_even_asked_about(pipeline: Pipeline, served: Served) -> None:
    pipeline.later(days=40)
    cost(pipeline, "2026-10-25", "2026-10-31")
    asked = len(served.requests)
    assert cost(pipeline, "2026-10-25", "2026-10-31").success
    assert len(served.requests) == asked


def test_a_run_that_is_told_to_reads_again_what_is_held(pipeline: Pipeline) -> None:
    cost(pipeline, "2026-11-15", "2026-11-21")
    run = pipeline.materialize("cost_rows", days=("2026-11-15", "2026-11-21"), config={"again": True})
    again = run.days("cost_rows")
    assert {day["requests of the run"] > 1 for day in again.values()} == {True}
    assert {(day["first"], day["revised"], day["withdrawn"], day["version"]) for day in again.values()} == {
        (0, 0, 0, 1)
    }


def test_a_restated_day_shows_its_new_version(pipeline: Pipeline) -> None:
    cost(pipeline, "2026-11-10", "2026-11-21")
    pipeline.later(days=5)
    run = cost(pipeline, "2026-11-10", "2026-11-21")
    versions = {day["version"] for day in run.days("cost_rows").values()}
    assert versions == {1, 2}
    known = run.checks("cost_rows")["restatements_are_known"]
    assert known.passed
    assert int(str(known.metadata["restatements"].value)) > 0


def test_rows_that_do_not_add_up_fail_a_check_that_names_the_day(pipeline: Pipeline, served: Served) -> None:
    served.faults.on("short_rows", next=1, path=COST)
    run = cost(pipeline, "2026-11-20", "2026-11-21")
    found = run.checks("cost_rows")["grouped_equals_total"]
    assert run.success
    assert (found.passed, found.severity) == (False, dg.AssetCheckSeverity.ERROR)
    assert "2026-11-21: the total is" in (found.description or "")
    pipeline.later(hours=4)
    assert cost(pipeline, "2026-11-20", "2026-11-21").checks("cost_rows")["grouped_equals_total"].passed


def test_a_window_that_fails_fails_the_run_and_the_check_names_it(pipeline: Pipeline, served: Served) -> None:
    served.faults.on("error_500_final", skip=1, path=COST)
    run = cost(pipeline, "2026-11-20", "2026-11-21")
    assert not run.success
    assert "None of the 1 windows could be read" in run.failure
    served.faults.clear()
    assert cost(pipeline, "2026-11-20", "2026-11-21").checks("cost_rows")["every_day_is_pulled"].passed is False
    assert cost(pipeline, "2026-10-22", "2026-11-21").checks("cost_rows")["every_day_is_pulled"].passed


def test_days_that_the_figures_do_not_reach_are_materialized_with_nothing(
    pipeline: Pipeline, served: Served
) -> None:
    pipeline.later(hours=15)  # one o'clock of the 23rd: the figures are those of midnight
    run = cost(pipeline, "2026-11-22", "2026-11-22")
    assert run.success
    assert run.days("cost_rows")["2026-11-22"]["covered"] == "the whole day"
    old = Pipeline(served, pipeline.folder, date(2025, 1, 1))
    assert old.definitions.resolve_asset_graph().get(dg.AssetKey("cost_rows")).partitions_def is not None
    first = old.definitions.resolve_asset_graph().get(dg.AssetKey("cost_rows")).partitions_def
    assert first is not None
    assert first.get_first_partition_key() == "2026-01-01"


def test_figures_that_have_not_come_for_two_days_are_an_error(pipeline: Pipeline) -> None:
    cost(pipeline, "2026-11-20", "2026-11-21")
    pipeline.later(hours=47)
    run = pipeline.materialize("usage_rows", "cost_rows", days=("2026-11-20", "2026-11-20"))
    assert run.checks("usage_rows")["figures_are_fresh"].passed


def test_usage_and_cost_are_pulled_side_by_side(pipeline: Pipeline) -> None:
    run = pipeline.materialize("usage_rows", "cost_rows", days=("2026-11-20", "2026-11-21"))
    assert run.success
    assert all(day["total_tokens"] == day["tokens"] > 0 for day in run.days("usage_rows").values())
    assert all(
        found.passed for found in run.checks("usage_rows").values() if found.check_name != "every_day_is_pulled"
    )
