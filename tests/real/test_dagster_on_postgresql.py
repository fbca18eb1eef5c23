"""Dagster on a real PostgreSQL with the settings that are deployed: a run, its memory, and pruning."""

import os
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
import psycopg2
import pytest
import yaml
from dagster._core.instance.ref import InstanceRef
from dagster._core.storage.dagster_run import RunsFilter

from orchestration.pruning import prune
from tests.assets.pipeline import QUIET
from tests.real import postgresql
from tests.real.postgresql import Database

pytestmark = pytest.mark.real
pytest.importorskip("dagster_postgres")

DEPLOYED = Path(__file__).parents[2] / "deploy" / "container" / "dagster.yaml"
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
    with postgresql.start() as running:
        yield running


@pytest.fixture(scope="module")
def instance(database: Database, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dg.DagsterInstance]:
    """As the container makes it: its dagster.yaml, the database from the environment."""
    home = tmp_path_factory.mktemp("home")
    settings = yaml.safe_load(DEPLOYED.read_text())
    settings["storage"]["postgres"]["postgres_db"]["port"] = database.port
    for name in ("compute_logs", "local_artifact_storage"):
        settings[name]["config"]["base_dir"] = str(home)
    (home / "dagster.yaml").write_text(yaml.safe_dump(settings))
    environment = {"HOST": "127.0.0.1", "USER": "dagster", "PASSWORD": "example", "DB": "postgres"}
    with pytest.MonkeyPatch.context() as patch:
        for name, value in environment.items():
            patch.setenv(f"DAGSTER_POSTGRES_{name}", value)
        with dg.DagsterInstance.from_ref(InstanceRef.from_dir(str(home))) as made:
            yield made


def size(database: Database) -> int:
    connection = psycopg2.connect(database.url)
    try:
        with connection.cursor() as cursor:
            cursor.execute("select pg_database_size(current_database())")
            return int(cursor.fetchone()[0])
    finally:
        connection.close()


def run(instance: dg.DagsterInstance, day: str) -> str:
    job = JOB.resolve_implicit_global_asset_job_def()
    return job.execute_in_process(partition_key=day, run_config=QUIET, instance=instance).run_id


def test_runs_of_the_tail_are_remembered_and_pruned(instance: dg.DagsterInstance, database: Database) -> None:
    assert "Postgres" in type(instance.run_storage).__name__
    before, began = size(database), time.monotonic()
    runs = [run(instance, "2026-11-02") for _ in range(TAIL_RUNS)]
    took, grown = time.monotonic() - began, size(database) - before
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
