"""Rows and days of usage and cost made again from the archived pages, and compared with what is stored.

Promise: reads only. Each pull is folded again upon the days that the pulls before it left, which were compared
before it, so all of them are compared with the pages.
"""

import pyarrow as pa

from warehouse.archive.archive import Archive
from warehouse.archive.entry import Entry
from warehouse.archive.errors import StoreUnreachable
from warehouse.archive.findings import Verification
from warehouse.tables.row_difference import difference
from warehouse.tables.spend.fold import fold_again
from warehouse.tables.spend.schema import ALL_REPORTS
from warehouse.tables.stored_rows import UNREADABLE, StoredRows


def rederive_spend(archive: Archive, pulls: list[Entry], result: Verification) -> None:
    """Compare each pull of usage and cost (in order of the log) with the rows and days stored of it."""
    for report in ALL_REPORTS.values():
        tables = {report.rows_table: report.rows, report.days_table: report.days}
        stored = {name: StoredRows(archive, name, schema) for name, schema in tables.items()}
        folded: set[int] = set()
        for entry in pulls:
            if entry.stream != report.stream:
                continue
            if str(entry.seq) in archive.state.stream(report.stream).pending_fold:
                continue
            folded.add(entry.seq)
            try:
                made = fold_again(archive, entry)
                for name, schema in tables.items():
                    _compare(stored[name], name, entry.seq, made[name], schema, result)
            except StoreUnreachable:
                raise
            except UNREADABLE as error:
                result.not_made_again(f"pull {entry.seq}", error)
        for name in tables:
            _strangers(stored[name], folded, result)


def _compare(
    stored: StoredRows, name: str, seq: int, made: pa.Table, schema: pa.Schema, result: Verification
) -> None:
    """A pull's file lies under its first day; rows of it in the file of another pull are told by `_strangers`."""
    day = min(made["day"].to_pylist()).isoformat() if made.num_rows else None
    named = {dt for dt, files in stored.days.items() if any(file.seq == seq for file in files)}
    for dt in sorted(named | ({day} if day else set())):
        there = stored.of_commit(dt, seq)
        mine = made if dt == day else schema.empty_table()
        if not mine.num_rows and not there.num_rows:
            continue
        for file, detail in difference(mine, there, schema).rows:
            files = stored.files(dt)
            subject = (
                files[file].key if file is not None else f"tables/recent/{name}/dt={dt}/ (rows of entry {seq})"
            )
            result.not_rederived(subject, detail)


def _strangers(stored: StoredRows, folded: set[int], result: Verification) -> None:
    """No row may come from something that is no pull of this stream."""
    for _, file, counted in stored.counted(result):
        for seq, rows in counted.items():
            if seq not in folded:
                result.not_rederived(file.key, f"{rows} rows say that they come from entry {seq}, no pull of it")
