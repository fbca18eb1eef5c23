"""Thirty days of five-minute runs in a real PostgreSQL: its size, the UI's questions, and what pruning leaves.

`python -m tests.real.month_of_runs` measures it, with `--per-day` runs for each of `--days`. The first run of each
day is a real one of the job `audit_tail`; the others are its rows, copied within the database under ids and times
of their own. Dagster's own storage reads them like any others.
"""

import argparse
import json
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from statistics import median

import dagster as dg
import psycopg2
import pytest
import yaml
from dagster._core.instance.ref import InstanceRef
from dagster._core.storage.tags import ASSET_PARTITION_RANGE_END_TAG, ASSET_PARTITION_RANGE_START_TAG

from orchestration.dagster_processes import Running, running
from orchestration.pruning import Pruned, prune
from sandbox import Tenant, serve
from tests.assets.pipeline import QUIET, Pipeline
from tests.real.servers import Database, a_database

DEPLOYED = Path(__file__).parents[2] / "deploy" / "container" / "dagster.yaml"
JOB, ASSET = "audit_tail", "audit_events"
# what holds rows of a run, and its columns of time
_TABLES = {
    "runs": ("create_timestamp", "update_timestamp", "start_time", "end_time"),
    "run_tags": (),
    "event_logs": ("timestamp",),
    "asset_check_executions": ("evaluation_event_timestamp", "create_timestamp"),
}
_RUN = "id runId status startTime endTime updateTime jobName hasReExecutePermission tags {key value}"


def _runs(arguments: str, fields: str = _RUN) -> str:
    return f"{{runsOrError({arguments}) {{... on Runs {{results {{{fields}}}}}}}}}"


def _of_asset(asked: str) -> str:
    return f'{{assetNodeOrError(assetKey: {{path: ["{ASSET}"]}}) {{... on AssetNode {{{asked}}}}}}}'


# $SINCE is a day ago, $RUN the newest run
QUESTIONS = {
    "the list of runs": _runs("limit: 26", f"{_RUN} assetSelection {{path}}"),
    "how many runs there are": "{runsOrError(limit: 1) {... on Runs {count}}}",
    "runs of a job": _runs(f'filter: {{pipelineName: "{JOB}"}}, limit: 26'),
    "the timeline of a day": _runs("filter: {createdAfter: $SINCE}, limit: 500"),
    "the newest of each asset": f'{{assetsLatestInfo(assetKeys: [{{path: ["{ASSET}"]}}, {{path: ["alerts"]}}]) '
    "{latestMaterialization {timestamp runId} latestRun {status}}}",
    "an asset's materializations": _of_asset(
        "assetMaterializations(limit: 100) {timestamp runId partition metadataEntries {label}}"
    ),
    "an asset's partitions": _of_asset(
        "partitionStats {numMaterialized numFailed} "
        "assetPartitionStatuses {... on TimePartitionStatuses {ranges {status}}}"
    ),
    "an asset's checks": _of_asset(
        "assetChecksOrError {... on AssetChecks "
        "{checks {name executionForLatestMaterialization {status timestamp}}}}"
    ),
    "the log of a run": '{logsForRun(runId: "$RUN", limit: 1000) {... on EventConnection {events '
    "{... on MessageEvent {message timestamp eventType}}}}}",
}


@dataclass(frozen=True)
class Measured:
    """`sizes` in bytes: empty, full, after pruning and after a vacuum; `seconds` by question: median, longest."""

    runs: int
    events: int
    sizes: dict[str, int]
    seconds: dict[str, tuple[float, float]]
    pruned: Pruned
    prune_seconds: float


@contextmanager
def deployed(database: Database, home: Path) -> Iterator[dg.DagsterInstance]:
    """The instance as the container makes it: its dagster.yaml, the database from the environment."""
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


class Table:
    """Statements to the database behind Dagster's back, for sizes and copies."""

    def __init__(self, database: Database) -> None:
        self.connection = psycopg2.connect(database.url)
        self.connection.autocommit = True

    def one(self, statement: str, *values: object) -> int:
        with self.connection.cursor() as cursor:
            cursor.execute(statement, values)
            return int(cursor.fetchone()[0])

    def run(self, statement: str, *values: object) -> None:
        with self.connection.cursor() as cursor:
            cursor.execute(statement, values)

    def size(self) -> int:
        return self.one("select pg_database_size(current_database())")

    def columns(self, table: str) -> list[str]:
        with self.connection.cursor() as cursor:
            cursor.execute(
                "select column_name from information_schema.columns where table_name = %s order by 1",
                (table,),
            )
            return [row[0] for row in cursor.fetchall() if row[0] != "id"]

    def copy(self, run_id: str, later: timedelta) -> str:
        """All rows of a run once more, under a new id and so much later; the id."""
        new, seconds = str(uuid.uuid4()), later.total_seconds()
        for table, times in _TABLES.items():
            made, values = [], []
            for column in self.columns(table):
                if column in ("run_id", "run_body", "event", "evaluation_event"):
                    made.append(f'replace("{column}", %s, %s)')
                    values += [run_id, new]
                elif column in times:
                    made.append(
                        f'"{column}" + {"%s" if column.endswith("_time") else "make_interval(secs => %s)"}'
                    )
                    values.append(seconds)
                else:
                    made.append(f'"{column}"')
            names = ", ".join(f'"{column}"' for column in self.columns(table))
            self.run(
                f"insert into {table} ({names}) select {', '.join(made)} from {table} where run_id = %s",
                *values, run_id,
            )  # fmt: skip
        return new


def fill(pipeline: Pipeline, instance: dg.DagsterInstance, table: Table, days: list[date], per_day: int) -> None:
    """For each day a real run and copies of it."""
    job = pipeline.definitions.resolve_job_def(JOB)
    for day in days:
        tags = {ASSET_PARTITION_RANGE_START_TAG: str(day), ASSET_PARTITION_RANGE_END_TAG: str(day)}
        done = job.execute_in_process(tags=tags, run_config=QUIET, instance=instance, raise_on_error=False)
        away = datetime.now(UTC) - datetime.combine(day, datetime.min.time(), UTC)
        for number in range(per_day - 1):
            table.copy(done.run_id, timedelta(minutes=5 * (number + 1)) - away)


def ask(dagster: Running, run_id: str, rounds: int) -> dict[str, tuple[float, float]]:
    """Median and longest of each question of the UI's pages."""
    since = time.time() - 86_400
    found = {}
    for what, question in QUESTIONS.items():
        query = question.replace("$SINCE", f"{since:.0f}").replace("$RUN", run_id)
        taken = []
        for _ in range(rounds):
            began = time.monotonic()
            dagster.ask(query)
            taken.append(time.monotonic() - began)
        found[what] = (median(taken), max(taken))
    return found


def measure(folder: Path, *, days: int, per_day: int, rounds: int = 5) -> Measured:
    """Fill a database, ask, prune. Skips the test where there is no PostgreSQL."""
    home = folder / "home"
    home.mkdir()
    tenant = Tenant(seed=3, users=10, days=days, rate_limit=0)
    with a_database() as database, serve(tenant) as served, deployed(database, home) as instance:
        pipeline, table = Pipeline(served, folder, tenant.first_day), Table(database)
        sizes = {"empty": table.size()}
        fill(pipeline, instance, table, [tenant.first_day + timedelta(days=n) for n in range(days)], per_day)
        table.run("vacuum analyze")
        sizes["full"] = table.size()
        runs, events = table.one("select count(*) from runs"), table.one("select count(*) from event_logs")
        newest = instance.get_run_records(limit=1)[0].dagster_run.run_id
        config = folder / "ledgerline.toml"
        config.write_text(f"[anthropic]\nstart = {tenant.first_day}\n")
        with running(config, home, 0, reports=folder) as dagster:
            seconds = ask(dagster, newest, rounds)
        began = time.monotonic()
        pruned = prune(instance, datetime.now(UTC) - timedelta(days=14))
        took = time.monotonic() - began
        sizes["pruned"] = table.size()
        table.run("vacuum full")
        sizes["vacuumed"] = table.size()
    return Measured(runs, events, sizes, seconds, pruned, took)


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tests.real.month_of_runs", description=(__doc__ or "").split("\n")[0]
    )
    parser.add_argument("--days", type=int, default=30)
    parser.add_argument("--per-day", type=int, default=288)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="ledgerline-month-") as folder:
        try:
            done = measure(Path(folder), days=options.days, per_day=options.per_day)
        except pytest.skip.Exception as missing:
            print(f"month_of_runs: {missing}", file=sys.stderr)
            return 2
    print(f"{done.runs:,} runs, {done.events:,} events; MB: "
          + ", ".join(f"{name} {size / 1e6:.1f}" for name, size in done.sizes.items()))  # fmt: skip
    print(f"pruned {done.pruned.runs:,} runs, kept {done.pruned.kept}, in {done.prune_seconds:.1f} s")
    for what, (middle, longest) in done.seconds.items():
        print(f"| {what} | {middle * 1e3:.0f} | {longest * 1e3:.0f} |")
    print(json.dumps({"runs": done.runs, "sizes": done.sizes}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
