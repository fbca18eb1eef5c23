"""Engagement through Dagster: an asset for each endpoint, days as partitions, checks that see what is missing."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from sandbox import Served, Tenant, serve
from tests.assets.pipeline import Pipeline
from warehouse.tables.engagement.schema import MEASURES

FIRST, LAST = "2026-11-19", "2026-11-21"


@pytest.fixture
def served() -> Iterator[Served]:
    with serve(Tenant(seed=5, users=5, days=1, clock="2026-11-22T12:00:00Z", analytics_rate_limit=0)) as running:
        yield running


@pytest.fixture
def pipeline(served: Served, tmp_path: Path) -> Pipeline:
    return Pipeline(served, tmp_path, date(2026, 11, 19))


def test_each_asset_reads_its_days_and_its_checks_are_good(pipeline: Pipeline) -> None:
    run = pipeline.materialize(*MEASURES, days=(FIRST, LAST))
    assert run.success
    for table in MEASURES:
        days = run.days(table)
        assert list(days) == ["2026-11-19", "2026-11-20", "2026-11-21"]
        assert {day["covered"] for day in days.values()} == {"the whole day"}
        checks = run.checks(table)
        assert {name: found.passed for name, found in checks.items()} == {
            "days_are_pulled": True,
            "days_are_fresh": True,
        }
    assert run.days("engagement_summaries")[LAST]["requests of the run"] == 1


def test_a_hole_and_days_that_stopped_coming_are_seen(pipeline: Pipeline) -> None:
    pipeline.materialize("engagement_skills", days=(FIRST, FIRST))
    pipeline.later(days=3)
    run = pipeline.materialize("engagement_skills", days=("2026-11-21", "2026-11-21"))
    checks = run.checks("engagement_skills")
    assert not checks["days_are_pulled"].passed
    assert "Backfill engagement_skills there" in (checks["days_are_pulled"].description or "")
    assert not checks["days_are_fresh"].passed
    filled = pipeline.materialize("engagement_skills", days=("2026-11-20", "2026-11-24"))
    assert all(found.passed for found in filled.checks("engagement_skills").values())


def test_a_run_of_which_nothing_could_be_read_fails(pipeline: Pipeline, served: Served) -> None:
    served.faults.on("expired_key", path="/v1/organizations/analytics/plugins")
    run = pipeline.materialize("engagement_plugins", days=(FIRST, LAST))
    assert not run.success
    assert "anthropic.keys.analytics" in run.failure
