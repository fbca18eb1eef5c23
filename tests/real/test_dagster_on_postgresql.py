"""Dagster on a real PostgreSQL with the settings that are deployed: a run, its memory, and pruning."""

import os
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.storage.dagster_run import RunsFilter

from orchestration.dagster_processes import running
from orchestration.pruning import prune
from orchestration.stack import dagster_side
from sandbox import Tenant, serve
from tests.assets.pipeline import QUIET
from tests.promises.site import Site
from tests.real.month_of_runs import QUESTIONS, Table, deployed, measure
from tests.real.servers import Database, a_database

pytestmark = pytest.mark.real
pytest.importorskip("dagster_postgres")

DAYS = dg.DailyPartitionsDefinition(start_date="2026-11-01", timezone="UTC")
TAIL_RUNS = int(os.environ.get("LEDGERLINE_TEST_RUNS", "40"))  # 8640 are thirty days of five minutes


@dg.asset(partitions_def=DAYS)
def daily() -> None: ...


@dg.asset_check(asset=daily)
def always() -> dg.AssetCheckResult:
    return dg.AssetCheckResult(passed=True)


JOB = dg.Definitions(assets=[daily], asset_checks=[always], executor=dg.in_process_executor)


@pytest.fixture(scope="module")
def database() -> Iterator[Database]:
    with a_database() as running:
        yield running


@pytest.fixture(scope="module")
def instance(database: Database, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dg.DagsterInstance]:
    with deployed(database, tmp_path_factory.mktemp("home")) as made:
        yield made


def run(instance: dg.DagsterInstance, day: str) -> str:
    job = JOB.resolve_implicit_global_asset_job_def()
    return job.execute_in_process(partition_key=day, run_config=QUIET, instance=instance).run_id


def test_runs_of_the_tail_are_remembered_and_pruned(instance: dg.DagsterInstance, database: Database) -> None:
    assert "Postgres" in type(instance.run_storage).__name__
    before, began = Table(database).size(), time.monotonic()
    runs = [run(instance, "2026-11-02") for _ in range(TAIL_RUNS)]
    took, grown = time.monotonic() - began, Table(database).size() - before
    assert instance.get_runs_count() == TAIL_RUNS
    asked = time.monotonic()
    assert len(instance.get_run_records(RunsFilter(), limit=25)) == 25
    listing = time.monotonic() - asked
    done = prune(instance, datetime.now(UTC) + timedelta(minutes=1))
    assert (done.runs, done.kept) == (TAIL_RUNS - 1, 1)
    assert instance.get_runs_count() == 1
    assert instance.get_materialized_partitions(daily.key) == {"2026-11-02"}
    assert [record.dagster_run.run_id for record in instance.get_run_records()] == [runs[-1]]
    print(
        f"{TAIL_RUNS} runs in {took:.1f} s, {grown / TAIL_RUNS / 1e3:.0f} kB a run in the database, "
        f"25 newest listed in {listing * 1e3:.0f} ms"
    )


def test_a_copied_run_is_a_run_to_dagster_and_is_pruned_like_one(tmp_path: Path) -> None:
    done = measure(tmp_path, days=2, per_day=3, rounds=1)
    assert done.runs == 6
    assert done.events > 6 * 20
    assert set(done.seconds) == set(QUESTIONS)
    assert done.sizes["full"] > done.sizes["empty"]


def test_what_the_ui_launches_goes_through_the_queue_in_postgresql(tmp_path: Path) -> None:
    """As `python -m orchestration.stack` does it: our own settings, the daemon, the code server."""
    tenant, home = Tenant(seed=3, users=5, days=4), tmp_path / "dagster"
    with a_database() as database, serve(tenant) as served:
        site = Site(tmp_path / "site", served.url, served.keys["compliance"], tenant.first_day, timeout=20)
        dagster_side.write_settings(home, database)
        with running(site.folder / "ledgerline.toml", home, 0, reports=tmp_path) as dagster:
            days = [str(tenant.first_day + timedelta(days=n)) for n in (0, 1)]
            done = [
                dagster_side.backfill(dagster, "audit_events", days),
                dagster_side.run_job(dagster, "archive_upkeep"),
            ]
        assert [one.good for one in done] == [True, True], done
        assert dagster_side.runs_in(database) >= 2
        assert site.sql("select count(*) > 0 from audit_events") == [(True,)]
