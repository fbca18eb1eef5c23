"""Dagster on the stack: its memory in PostgreSQL, and runs that go through its queue as any other."""

import time
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

from orchestration.dagster_processes import CannotStart, Running
from sandbox.servers.postgresql import Database

_RUN_SECONDS = 600
_STORAGE = """
# One database on this machine, thrown away with the stack.
storage:
  postgres:
    postgres_db: {{hostname: 127.0.0.1, port: {port}, username: dagster, password: "", db_name: postgres,
                  scheme: postgresql+psycopg2}}
"""
_LAUNCH = """
mutation ($job: String!) {
  launchRun(executionParams: {mode: "default", selector: {
      repositoryLocationName: "ledgerline", repositoryName: "__repository__", jobName: $job}}) {
    __typename
    ... on LaunchRunSuccess { run { runId } }
    ... on PythonError { message }
  }
}"""
_BACKFILL = """
mutation ($asset: String!, $days: [String!]!) {
  launchPartitionBackfill(backfillParams: {assetSelection: [{path: [$asset]}], partitionNames: $days}) {
    __typename
    ... on LaunchBackfillSuccess { backfillId }
    ... on PythonError { message }
  }
}"""
_RUN = "query ($id: ID!) { runOrError(runId: $id) { ... on Run { status startTime endTime } } }"
_OF_BACKFILL = """
query ($id: String!) { partitionBackfillOrError(backfillId: $id) {
  ... on PartitionBackfill { status runs(limit: 50) { runId status } } } }"""


@dataclass(frozen=True)
class Done:
    """What became of something that was launched: `status` in Dagster's word, and how many runs it took."""

    what: str
    status: str
    runs: int
    seconds: float

    @property
    def good(self) -> bool:
        return self.status in ("SUCCESS", "COMPLETED_SUCCESS")


def write_settings(home: Path, database: Database) -> None:
    """Our dagster.yaml with PostgreSQL behind it."""
    home.mkdir(parents=True)
    settings = files("orchestration").joinpath("dagster.yaml").read_text(encoding="utf-8")
    (home / "dagster.yaml").write_text(settings + _STORAGE.format(port=database.port), encoding="utf-8")


def run_job(dagster: Running, job: str) -> Done:
    """Launch a job as the UI does, and wait for its end. Raises CannotStart where it is not taken."""
    began = time.monotonic()
    taken = _taken(dagster.ask(_LAUNCH, job=job)["launchRun"], f"the job {job}")
    id = taken["run"]["runId"]
    while True:
        status = dagster.ask(_RUN, id=id)["runOrError"]["status"]
        if status in ("SUCCESS", "FAILURE", "CANCELED") or _late(dagster, began):
            return Done(job, status, 1, time.monotonic() - began)


def backfill(dagster: Running, asset: str, days: list[str]) -> Done:
    """Materialize days of an asset as the UI does, and wait. Raises CannotStart where it is not taken."""
    began = time.monotonic()
    taken = _taken(
        dagster.ask(_BACKFILL, asset=asset, days=days)["launchPartitionBackfill"], f"the days of {asset}"
    )
    while True:
        found = dagster.ask(_OF_BACKFILL, id=taken["backfillId"])["partitionBackfillOrError"]
        ended = found["status"] in ("COMPLETED_SUCCESS", "COMPLETED_FAILED", "FAILED", "CANCELED")
        if ended or _late(dagster, began):
            what = f"{asset} of {len(days)} days"
            return Done(what, found["status"], len(found["runs"]), time.monotonic() - began)


def runs_in(database: Database) -> int:
    """How many runs PostgreSQL itself knows."""
    import psycopg2  # type: ignore[import-untyped]  # noqa: PLC0415 - comes with an extra

    connection = psycopg2.connect(database.url)
    try:
        with connection.cursor() as cursor:
            cursor.execute("select count(*) from runs")
            return int(cursor.fetchone()[0])
    finally:
        connection.close()


def _taken(answer: dict[str, Any], what: str) -> dict[str, Any]:
    if answer["__typename"] not in ("LaunchRunSuccess", "LaunchBackfillSuccess"):
        raise CannotStart(
            f"Dagster did not take {what}: {answer.get('message', answer['__typename'])}",
            remedy="look into the logs beside its memory",
        )
    return answer


def _late(dagster: Running, began: float) -> bool:
    dagster.check()
    time.sleep(0.5)
    return time.monotonic() - began > _RUN_SECONDS
