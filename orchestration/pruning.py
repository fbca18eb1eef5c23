"""Old runs and the files they leave: 288 tails a day would otherwise be 19 GB and 105,000 files a year.

Promise: a partition never loses the run that made it last, nor a check its last evaluation; a run that is not
finished is never touched. What is deleted is Dagster's memory only: the pipeline's own is the archive.
"""

import os
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
from dagster._core.events import DagsterEventType
from dagster._core.storage.asset_check_execution_record import AssetCheckExecutionRecordStatus
from dagster._core.storage.dagster_run import FINISHED_STATUSES, RunsFilter
from dagster._core.storage.event_log.schema import AssetCheckExecutionsTable
from dagster._core.storage.event_log.sql_event_log import SqlEventLogStorage
from dagster._core.storage.event_log.sqlite.sqlite_event_log import SqliteEventLogStorage
from pydantic import Field
from sqlalchemy import select

_EVALUATED = {AssetCheckExecutionRecordStatus.SUCCEEDED, AssetCheckExecutionRecordStatus.FAILED}
_SUFFIXES = (".db", ".db-wal", ".db-shm", ".db-journal")
_UNTOUCHED_FOR = 3600  # seconds: a file younger than this may be of a run that is being created
_AT_ONCE = 500


@dataclass
class Pruned:
    """What a pruning removed: runs, files and their bytes; `kept` are old runs that something still rests on."""

    runs: int = 0
    kept: int = 0
    files: int = 0
    bytes: int = 0


class PruneRun(dg.Config):
    """How long the memory of runs lasts."""

    keep_days: int = Field(default=14, ge=1, description="Finished runs older than so many days are deleted.")


def pruning_job(marts: Path) -> dg.JobDefinition:
    """The job that prunes; `marts` is the DuckDB file, beside which dbt writes the SQL it ran."""

    @dg.op(description="Delete runs that nothing rests on any more, and every file they left.")
    def prune_old_runs(context: dg.OpExecutionContext, config: PruneRun) -> None:
        before = datetime.now(UTC) - timedelta(days=config.keep_days)
        done = prune(context.instance, before)
        unlink(done, _older(dbt_sql(marts), before.timestamp()))
        context.log.info(
            f"{done.runs} runs deleted, {done.kept} older ones kept because a partition or a check rests on them; "
            f"{done.files} files removed, {done.bytes / 1e6:.1f} MB"
        )
        context.add_output_metadata(
            {"runs": done.runs, "kept": done.kept, "files": done.files, "bytes": done.bytes}
        )

    @dg.job(description="Housekeeping of Dagster itself: old runs, their logs and files.", tags={"kind": "upkeep"})
    def prune_runs() -> None:
        prune_old_runs()

    return prune_runs


def prune(instance: dg.DagsterInstance, before: datetime) -> Pruned:
    """Delete finished runs created before a moment, and every file of a run that is not known any more."""
    done = Pruned()
    needed = set(_needed(instance))
    deleted = []
    for record in instance.get_run_records(RunsFilter(statuses=FINISHED_STATUSES, created_before=before)):
        run_id = record.dagster_run.run_id
        if run_id in needed:
            done.kept += 1
            continue
        instance.delete_run(run_id)
        instance.compute_log_manager.delete_logs(prefix=[run_id])
        deleted.append(run_id)
    done.runs = len(deleted)
    _forget_evaluations(instance, deleted)
    unlink(done, _older(_orphans(instance), time.time() - _UNTOUCHED_FOR, of_run=set(deleted)))
    return done


def _needed(instance: dg.DagsterInstance) -> Iterator[str]:
    """Runs that made a partition or an asset what it is now, or that a check was last evaluated in."""
    storage = instance.event_log_storage
    for key in instance.all_asset_keys():
        latest = storage.get_latest_storage_id_by_partition(key, DagsterEventType.ASSET_MATERIALIZATION)
        ids = sorted(latest.values())
        for start in range(0, len(ids), _AT_ONCE):
            some = dg.AssetRecordsFilter(asset_key=key, storage_ids=ids[start : start + _AT_ONCE])
            yield from (record.run_id for record in instance.fetch_materializations(some, limit=_AT_ONCE).records)
        newest = instance.get_latest_materialization_event(key)
        if newest is not None:
            yield newest.run_id
    if isinstance(storage, SqlEventLogStorage):
        with storage.index_connection() as connection:
            columns = (AssetCheckExecutionsTable.c.asset_key, AssetCheckExecutionsTable.c.check_name)
            rows = connection.execute(select(*columns).distinct()).fetchall()
        checks = [dg.AssetCheckKey(_asset_key(row[0]), str(row[1])) for row in rows]
        for check in checks:
            history = storage.get_asset_check_execution_history(check, limit=1, status=_EVALUATED)
            yield from (record.run_id for record in history)


def _asset_key(stored: str) -> dg.AssetKey:
    key = dg.AssetKey.from_db_string(stored)
    assert key is not None
    return key


def _forget_evaluations(instance: dg.DagsterInstance, run_ids: list[str]) -> None:
    """Evaluations stay in the index when their run is deleted: 2 MB a day. Remove them too."""
    storage = instance.event_log_storage
    if isinstance(storage, SqlEventLogStorage):
        for start in range(0, len(run_ids), _AT_ONCE):
            with storage.index_connection() as connection:
                table = AssetCheckExecutionsTable
                connection.execute(table.delete().where(table.c.run_id.in_(run_ids[start : start + _AT_ONCE])))


def _orphans(instance: dg.DagsterInstance) -> Iterator[Path]:
    """SQLite files of runs that no storage knows: deleting a run leaves its file, and looking at it makes it
    anew."""
    storage = instance.event_log_storage
    if not isinstance(storage, SqliteEventLogStorage):
        return
    folder = Path(storage.path_for_shard("index")).parent
    known = set(instance.get_run_ids())
    for path in sorted(folder.iterdir()):
        run_id, _, ending = path.name.partition(".")
        if f".{ending}" in _SUFFIXES and len(run_id) == 36 and run_id not in known:
            yield path


def dbt_sql(marts: Path) -> Iterator[Path]:
    """The SQL that dbt wrote down of each batch it ran."""
    target = marts.parent / "dbt" / "target"
    yield from target.rglob("*.sql") if target.is_dir() else ()


def _older(paths: Iterable[Path], moment: float, *, of_run: set[str] | None = None) -> Iterator[Path]:
    """Those last written before a moment (Unix seconds), and those of runs deleted just now."""
    for path in paths:
        if path.name.partition(".")[0] in (of_run or ()) or path.stat().st_mtime < moment:
            yield path


def unlink(done: Pruned, paths: Iterable[Path]) -> None:
    """Remove files and count them; one that is gone already is no trouble."""
    for path in list(paths):
        try:
            size = path.stat().st_size
            os.unlink(path)
        except FileNotFoundError:
            continue
        done.files += 1
        done.bytes += size
