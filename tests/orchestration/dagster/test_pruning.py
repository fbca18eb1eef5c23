"""Pruning Dagster's memory: files go, what a partition or a check rests on stays."""

import os
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
import pytest

from orchestration.pruning import dbt_sql, prune, pruning_job
from tests.assets.pipeline import QUIET

DAYS = dg.DailyPartitionsDefinition(start_date="2026-11-01", timezone="UTC")


@dg.asset(partitions_def=DAYS)
def daily() -> None: ...


@dg.asset_check(asset=daily)
def always() -> dg.AssetCheckResult:
    return dg.AssetCheckResult(passed=True)


JOB = dg.Definitions(assets=[daily], asset_checks=[always], executor=dg.in_process_executor)


@pytest.fixture
def instance(tmp_path: Path) -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.local_temp(str(tmp_path)) as made:
        yield made


def run(instance: dg.DagsterInstance, day: str) -> str:
    job = JOB.resolve_implicit_global_asset_job_def()
    return job.execute_in_process(partition_key=day, run_config=QUIET, instance=instance).run_id


def files(instance: dg.DagsterInstance) -> set[str]:
    """Ids of the runs that have an SQLite file."""
    folder = Path(instance.root_directory) / "history" / "runs"
    return {path.stem for path in folder.glob("*.db") if len(path.stem) == 36}


def a_while_later() -> datetime:
    return datetime.now(UTC) + timedelta(minutes=1)


def test_old_runs_and_their_files_are_really_gone(instance: dg.DagsterInstance) -> None:
    runs = [run(instance, "2026-11-01") for _ in range(4)]
    assert files(instance) == set(runs)
    done = prune(instance, a_while_later())
    assert files(instance) == {runs[-1]}
    assert (done.runs, done.kept) == (3, 1)
    assert done.bytes > 3 * 100_000
    assert not any((Path(instance.root_directory) / "storage" / gone).exists() for gone in runs[:-1])


def test_a_partition_keeps_the_run_that_made_it_last(instance: dg.DagsterInstance) -> None:
    for day in ("2026-11-01", "2026-11-02", "2026-11-01", "2026-11-03"):
        run(instance, day)
    prune(instance, a_while_later())
    assert instance.get_materialized_partitions(daily.key) == {"2026-11-01", "2026-11-02", "2026-11-03"}
    assert len(files(instance)) == 3


def test_a_run_that_is_not_old_or_not_finished_is_left_alone(instance: dg.DagsterInstance) -> None:
    run(instance, "2026-11-01")
    waiting = instance.create_run_for_job(JOB.resolve_implicit_global_asset_job_def()).run_id
    assert prune(instance, datetime.now(UTC) - timedelta(days=1)).runs == 0
    prune(instance, a_while_later())
    assert instance.get_run_by_id(waiting) is not None


def test_files_of_runs_that_are_not_known_any_more_are_removed(instance: dg.DagsterInstance) -> None:
    kept = run(instance, "2026-11-01")
    gone = run(instance, "2026-11-02")
    instance.delete_run(gone)  # as anybody may in the UI: the file stays
    assert gone in files(instance)
    path = Path(instance.root_directory) / "history" / "runs" / f"{gone}.db"
    prune(instance, datetime.now(UTC) - timedelta(days=1))
    assert path.exists(), "a file of the last hour may be of a run that is just being created"
    os.utime(path, (time.time() - 7200,) * 2)
    done = prune(instance, datetime.now(UTC) - timedelta(days=1))
    assert (path.exists(), done.files, files(instance)) == (False, 1, {kept})


def test_evaluations_of_deleted_runs_are_forgotten_but_the_last_one(instance: dg.DagsterInstance) -> None:
    runs = [run(instance, "2026-11-01") for _ in range(3)]
    key = dg.AssetCheckKey(daily.key, "always")
    prune(instance, a_while_later())
    history = instance.event_log_storage.get_asset_check_execution_history(key, limit=10)
    assert {record.run_id for record in history} == {runs[-1]}
    assert history[0].evaluation is not None


def test_the_job_prunes_and_removes_the_sql_that_dbt_wrote_down(
    instance: dg.DagsterInstance, tmp_path: Path
) -> None:
    marts = tmp_path / "data" / "warehouse.duckdb"
    old, new = (marts.parent / "dbt" / "target" / "duckdb-day" / name for name in ("old.sql", "new.sql"))
    old.parent.mkdir(parents=True)
    old.touch()
    new.touch()
    os.utime(old, (time.time() - 30 * 86_400,) * 2)
    result = pruning_job(marts).execute_in_process(run_config=QUIET, instance=instance)
    assert result.success
    assert list(dbt_sql(marts)) == [new]
