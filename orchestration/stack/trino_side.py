"""Trino on the stack: the archive's tables, the dbt project built there too, and every count beside DuckDB's."""

import os
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import duckdb

from sandbox.servers.trino import Trino
from warehouse.archive.archive import Archive
from warehouse.tables.athena import ENGINES, Place, catalogue
from warehouse.tables.marts.project import find_project

ARCHIVE, MARTS = "ledgerline_archive", "ledgerline"
CATALOG = "exact"
_BUILD_SECONDS = 900
_TABLES = ("audit_events", "audit_event_versions", "audit_pages", "alerts", "cost_rows", "usage_rows",
           "directory_users", "otel_events", "otel_metric_points", "log_entries")  # fmt: skip


class TrinoFailed(RuntimeError):
    """Trino refused a statement or a model; the message has its own words."""


@dataclass(frozen=True)
class Counted:
    """A table's rows in DuckDB and in Trino."""

    table: str
    here: int
    there: int


def make_tables(trino: Trino, archive: Archive, location: str) -> int:
    """What `ledgerline catalog --engine trino` prints, run; how many statements. Raises TrinoFailed.

    Trino looks for files from the oldest day that has one: it asks the store for each day since.
    """
    files = [file for table in archive.state.tables.values() for file in (*table.recent, *table.sealed)]
    first_day = min(file.dt for file in files)
    made = catalogue(archive.state, Place(location, ARCHIVE, first_day), ENGINES["trino"])
    for statement in made:
        ask(trino, statement)
    return len(made)


def build_marts(
    trino: Trino,
    work: Path,
    days: tuple[date, date],
    *,
    archive: str = ARCHIVE,
    batch: str = "month",
    select: str | None = None,
    tests: bool = True,
) -> float:
    """The dbt project with the target `trino` over half-open days, by `batch` (`day` or `month`); its seconds.

    `archive` is the schema of the archive's tables; `select` (dbt's words) builds some models only; without
    `tests` no data test is asked. Raises TrinoFailed with what dbt said.
    """
    began, project = time.monotonic(), find_project()
    command = [
        *("build", "--exclude-resource-type", "unit_test", *(() if tests else ("test",))),
        *(("--select", select) if select else ()),
        *("--event-time-start", str(days[0]), "--event-time-end", str(days[1])),
        *("--project-dir", str(project), "--profiles-dir", str(project), "--target", "trino"),
        *("--target-path", str(work / "target"), "--log-path", str(work / "logs"), "--no-use-colors"),
    ]
    environment = {
        "LEDGERLINE_TRINO_PORT": str(trino.port), "LEDGERLINE_TRINO_CATALOG": CATALOG,
        "LEDGERLINE_TRINO_SCHEMA": MARTS, "LEDGERLINE_ATHENA_ARCHIVE": archive,
        "LEDGERLINE_DBT_BATCH": batch, "DO_NOT_TRACK": "1",
    }  # fmt: skip
    done = subprocess.run(  # noqa: S603 - our own command line
        [sys.executable, "-m", "dbt.cli.main", *command],
        env={**os.environ, **environment}, capture_output=True, text=True, check=False, timeout=_BUILD_SECONDS,
    )  # fmt: skip
    if done.returncode != 0:
        raise TrinoFailed(f"dbt did not build on Trino:\n{done.stdout[-4000:]}")
    return time.monotonic() - began


def counts(trino: Trino, db: duckdb.DuckDBPyConnection, marts: Sequence[str]) -> list[Counted]:
    """Rows of the archive's tables and of the marts, by both engines; `db` has both too."""
    asked = [(name, f"{ARCHIVE}.{name}") for name in _TABLES] + [(name, f"{MARTS}.{name}") for name in marts]
    return [
        Counted(name, _count(db.execute(f'select count(*) from "{name}"').fetchall()),  # noqa: S608
                _count(ask(trino, f"select count(*) from {there}")))  # noqa: S608
        for name, there in asked
    ]  # fmt: skip


def ask(trino: Trino, statement: str) -> list[Any]:
    """The rows of one statement. Raises TrinoFailed."""
    from trino.exceptions import TrinoQueryError  # noqa: PLC0415 - an extra

    connection = trino.connect(CATALOG, "default")
    try:
        cursor = connection.cursor()
        cursor.execute(statement)
        rows: list[Any] = cursor.fetchall()
    except TrinoQueryError as error:
        raise TrinoFailed(f"Trino refuses {statement[:80]!r}: {error.message}") from error
    finally:
        connection.close()
    return rows


def _count(rows: Sequence[Any]) -> int:
    return int(rows[0][0])
