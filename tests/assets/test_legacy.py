"""The legacy reports through Dagster: a month as one run, and the check that compares it with the current API."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from sandbox import Served, Tenant, serve
from tests.assets.pipeline import Pipeline

DAYS = ("2026-11-10", "2026-11-21")


@pytest.fixture
def served() -> Iterator[Served]:
    with serve(Tenant(seed=5, users=3, days=1, clock="2026-11-22T10:00:00Z", analytics_rate_limit=0)) as running:
        yield running


@pytest.fixture
def pipeline(served: Served, tmp_path: Path) -> Pipeline:
    return Pipeline(served, tmp_path, date(2026, 11, 10))


def test_the_old_reports_are_pulled_beside_the_new_ones_and_agree(pipeline: Pipeline) -> None:
    run = pipeline.materialize("cost_rows", "legacy_cost_rows", days=DAYS)
    assert run.success
    new, old = run.days("cost_rows"), run.days("legacy_cost_rows")
    assert {day: facts["total_amount USD"] for day, facts in old.items()} == {
        day: facts["total_amount USD"] for day, facts in new.items()
    }
    assert sum(facts["amount USD"] for facts in old.values()) < sum(facts["amount USD"] for facts in new.values())
    found = run.checks("legacy_cost_rows")["old_and_new_agree"]
    assert found.passed
    assert found.metadata["unexplained USD"].value in ("0", "0.00000000")


def test_the_old_usage_reports_agree_to_the_last_token(pipeline: Pipeline) -> None:
    run = pipeline.materialize("usage_rows", "legacy_usage_rows", days=DAYS)
    assert run.success
    found = run.checks("legacy_usage_rows")["old_and_new_usage_agree"]
    assert found.passed, found.description
    assert int(str(found.metadata["legacy_missing"].value)) > 0
    assert found.metadata["tokens"].value == found.metadata["legacy_tokens"].value


def test_old_reports_that_lost_rows_fail_the_check(pipeline: Pipeline, served: Served) -> None:
    pipeline.materialize("cost_rows", days=DAYS)
    served.faults.on("short_rows", next=1, path="/v1/organizations/analytics/user_cost_report")
    found = pipeline.materialize("legacy_cost_rows", days=DAYS).checks("legacy_cost_rows")["old_and_new_agree"]
    assert not found.passed
    assert "without an explanation" in (found.description or "")
