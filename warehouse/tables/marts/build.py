"""Builds the marts into a new DuckDB file, which then takes the old one's place.

Promise: readers keep the snapshot they opened; a build that fails leaves the old file as it was; building the days
that changed gives the same rows as building everything.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import duckdb

from warehouse.tables.connection import bound_memory, open_duckdb
from warehouse.tables.marts import days as built_days
from warehouse.tables.marts.absent import make_absent
from warehouse.tables.marts.dbt_run import ModelBuild, Progress, TestFailure, run_dbt
from warehouse.tables.marts.errors import CatalogIncomplete
from warehouse.tables.marts.project import find_project, fingerprint
from warehouse.tables.marts.swap import only_builder, publish, start, writing

CatalogSql = Callable[[duckdb.DuckDBPyConnection], None] | Sequence[str]

# What DuckDB may keep in memory during a build; beyond that it works on disk, beside the new file. The process as
# a whole then stays below 2 GB.
_MEMORY_MB = 1_300
# A batch costs about a tenth of a second whatever is in it, so everything, and long ranges, go by whole months.
_MONTHLY_FROM_DAYS = 8


@dataclass(frozen=True)
class BuildReport:
    """What a build did.

    `mode` is `full` or `days`, and `reason` says why; `first_day` to `last_day` (inclusive) is the range of event
    time that was built, None where no day had changed. `warnings` are data tests that found something that does
    not make the marts wrong (a value nobody has listed, say); any other failing test raises instead.
    """

    database: Path
    mode: str
    reason: str
    first_day: date | None
    last_day: date | None
    models: list[ModelBuild]
    tests_passed: int
    tests_failed: int
    warnings: list[TestFailure]
    seconds: float


@dataclass(frozen=True)
class _Plan:
    fresh: bool
    reason: str
    marks: dict[date, built_days.Mark]
    range: tuple[date, date] | None


def build_marts(
    *,
    catalog_sql: CatalogSql,
    database: Path,
    project_dir: Path | None = None,
    work_dir: Path | None = None,
    select: str | None = None,
    event_time: tuple[datetime, datetime] | None = None,
    full_refresh: bool = False,
    restrictions: str = "",
    progress: Progress | None = None,
) -> BuildReport:
    """Build the marts of the archive into `database`.

    `catalog_sql` makes the archive's views: statements, or a function that is handed the connection. They run
    with `archive` as the current schema and must stand for one state of the archive (name their files), because
    dbt reads them several times. Extensions, secrets and settings they load hold for the whole build.

    Without `event_time` the days are built whose events differ from those the marts were built from, so calling
    this after any commit is enough. With it, the days that the half-open range touches (aware datetimes).
    Everything is built where there is no earlier file, where the dbt project or the `restrictions` (a fingerprint
    of those in the views) have changed since, or if `full_refresh` is set. `select` (dbt's syntax) rebuilds some
    models only; it is widened to all where everything must be built.

    dbt's files go to `work_dir` (default: `dbt/` beside the database). `progress` hears of each finished model.
    Raises a MartsError; the old file is then as it was.
    """
    began = time.monotonic()
    project = find_project(project_dir)
    database = database.resolve()  # a link to the file stays a link
    work = (work_dir or database.parent / "dbt").absolute()
    with writing(database), only_builder(database) as folder:
        work.mkdir(parents=True, exist_ok=True)
        new = folder / database.name
        identity = fingerprint(project)
        fresh, reason = start(database, new, identity, full_refresh, restrictions)
        # It stays open while dbt works: what the catalogue loaded into the instance serves dbt as well.
        with open_duckdb(new) as db:
            bound_memory(db, _MEMORY_MB)
            with _reading_archive():
                _make_views(db, catalog_sql)
                plan = _plan(db, fresh, reason, event_time)
            batch = _batch(plan)
            through = _aligned(plan.range, batch)
            outcome = run_dbt(
                _command(plan, through, select),
                project=project,
                database=new,
                work=work,
                batch=batch,
                progress=progress,
            )
            _count_rows(db, outcome.models)
            built_days.record(
                db,
                project_sha256=identity,
                built_at=datetime.now(UTC),
                restrictions=restrictions,
                marks=plan.marks,
                through=through if select is None or plan.fresh else None,
            )
            db.execute("checkpoint")
        publish(new, database)
    return BuildReport(
        database=database,
        mode="full" if plan.fresh else "days",
        reason=plan.reason,
        first_day=plan.range[0] if plan.range else None,
        last_day=plan.range[1] - timedelta(days=1) if plan.range else None,
        models=outcome.models,
        tests_passed=outcome.tests_passed,
        tests_failed=len(outcome.warnings),
        warnings=outcome.warnings,
        seconds=time.monotonic() - began,
    )


@contextmanager
def _reading_archive() -> Iterator[None]:
    try:
        yield
    except duckdb.Error as error:
        raise CatalogIncomplete(
            f"The archive could not be read through its views: {error}. Run `ledgerline verify` to see whether an "
            "object is missing, then build again."
        ) from error


def _make_views(db: duckdb.DuckDBPyConnection, catalog_sql: CatalogSql) -> None:
    db.execute("set autoinstall_known_extensions = false")
    db.execute("drop schema if exists archive cascade")
    db.execute("create schema archive")
    db.execute("set schema = 'archive'")
    if callable(catalog_sql):
        catalog_sql(db)
    else:
        for statement in catalog_sql:
            db.execute(statement)
    db.execute("set schema = 'main'")
    have = {
        row[0]
        for row in db.execute(
            "select column_name from duckdb_columns() where database_name = current_database() "
            "and schema_name = 'archive' and table_name = 'audit_events'"
        ).fetchall()
    }
    missing = [name for name in built_days.NEEDED if name not in have]
    if missing:
        what = f"columns {', '.join(missing)} of audit_events" if have else "the view audit_events"
        raise CatalogIncomplete(
            f"The archive's catalogue did not make {what}. Pass the statements of "
            "warehouse.tables.catalog.statements(archive)."
        )
    make_absent(db)


def _plan(
    db: duckdb.DuckDBPyConnection, fresh: bool, reason: str, event_time: tuple[datetime, datetime] | None
) -> _Plan:
    marks = built_days.archive_marks(db)
    if fresh:
        return _Plan(True, reason, marks, built_days.span(marks))
    if event_time is not None:
        start, end = (moment.astimezone(UTC) for moment in event_time)
        if start >= end:
            raise ValueError(f"event_time runs backwards: {start.isoformat()} is not before {end.isoformat()}")
        last = (end - timedelta(microseconds=1)).date()
        return _Plan(False, "the days asked for", marks, (start.date(), last + timedelta(days=1)))
    stale = built_days.changed(marks, built_days.built_marks(db))
    counted = f"{len(stale)} days" if len(stale) > 1 else "1 day" if stale else "no day"
    return _Plan(False, f"{counted} changed since the last build", marks, built_days.span(stale))


def _batch(plan: _Plan) -> str:
    long = plan.range is not None and (plan.range[1] - plan.range[0]).days >= _MONTHLY_FROM_DAYS
    return "month" if plan.fresh or long else "day"


def _aligned(days: tuple[date, date] | None, batch: str) -> tuple[date, date] | None:
    """The range in whole batches: dbt rebuilds the whole month that a day is in."""
    if days is None or batch == "day":
        return days
    last = days[1] - timedelta(days=1)
    return days[0].replace(day=1), (last.replace(day=1) + timedelta(days=32)).replace(day=1)


def _command(plan: _Plan, through: tuple[date, date] | None, select: str | None) -> list[str]:
    command = ["build", "--exclude-resource-type", "unit_test"]
    if not plan.fresh:
        # The seed is part of the fingerprint, so a file that is built upon already holds it.
        command += ["--exclude-resource-type", "seed"]
        if select is not None:
            command += ["--select", *select.split()]
    if through is None and plan.fresh:
        today = datetime.now(UTC).date()  # an archive without events still makes valid, empty tables
        through = (today, today + timedelta(days=1))
    if through is None:
        command += ["--exclude", "config.materialized:incremental"]
    else:
        command += ["--event-time-start", through[0].isoformat(), "--event-time-end", through[1].isoformat()]
    return command


def _count_rows(db: duckdb.DuckDBPyConnection, models: list[ModelBuild]) -> None:
    tables = dict(
        db.execute(
            "select table_name, schema_name from duckdb_tables() where database_name = current_database() "
            "and schema_name in ('main', 'intermediate', 'staging')"
        ).fetchall()
    )
    for model in models:
        if model.name in tables:
            row = db.execute(f'select count(*) from "{tables[model.name]}"."{model.name}"').fetchone()  # noqa: S608
            model.rows = row[0] if row else None
