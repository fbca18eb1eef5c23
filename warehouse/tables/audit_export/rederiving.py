"""Rows of imported exports made again from the archived files, and compared with what is stored.

Promise: reads only. A row that an earlier import had brought is not expected a second time, as the import itself
does not store it twice.
"""

import pyarrow as pa

from warehouse.archive.archive import Archive
from warehouse.archive.entry import Entry
from warehouse.archive.errors import ArchiveError, StoreUnreachable
from warehouse.archive.findings import Verification
from warehouse.tables.audit_export.errors import AuditExportError
from warehouse.tables.audit_export.parse import read_export
from warehouse.tables.audit_export.schema import AUDIT_EXPORT_ROWS, TABLE, by_day, rows_to_table
from warehouse.tables.row_difference import difference
from warehouse.tables.stored_rows import UNREADABLE, StoredRows
from warehouse.wire.times import parse_rfc3339


def rederive_exports(archive: Archive, imports: list[Entry], result: Verification) -> None:
    """Compare each import (pull entries of exports, in order of the log) with the rows stored of it."""
    stored = StoredRows(archive, TABLE, AUDIT_EXPORT_ROWS)
    made_by: dict[str, set[int]] = {day: set() for day in stored.days}
    known: set[str] = set()
    for entry in imports:
        try:
            rows = _made(archive, entry)
        except StoreUnreachable:
            raise
        except (ArchiveError, AuditExportError, IndexError) as error:
            result.not_made_again(f"import {entry.seq}", error)
            for seqs in made_by.values():
                seqs.add(entry.seq)
            continue
        fresh = rows.filter(pa.array([key not in known for key in rows["row_key"].to_pylist()], pa.bool_()))
        known.update(rows["row_key"].to_pylist())
        parts = {day.isoformat(): part for day, part in by_day(fresh).items()} if fresh.num_rows else {}
        for day in sorted({*parts, *stored.days}):
            made_by.setdefault(day, set()).add(entry.seq)
            try:
                _compare(stored, day, entry.seq, parts.get(day, AUDIT_EXPORT_ROWS.empty_table()), result)
            except StoreUnreachable:
                raise
            except UNREADABLE as error:
                result.not_made_again(f"import {entry.seq}", error)
    for day, file, counted in stored.counted(result):
        for seq, count in counted.items():
            if seq not in made_by[day]:
                result.not_rederived(file.key, f"{count} rows say that they come from entry {seq}, no import")
            elif file.seq is not None and seq != file.seq:
                result.not_rederived(file.key, f"{count} rows say that they come from entry {seq}, another import")


def _made(archive: Archive, entry: Entry) -> pa.Table:
    export = read_export(archive.read_page(entry.objects[0]), str(entry.objects[0].query))
    return rows_to_table(
        export.rows(), export.export_id, export.file_name, entry.seq, parse_rfc3339(entry.committed_at)
    )


def _compare(stored: StoredRows, day: str, seq: int, made: pa.Table, result: Verification) -> None:
    there = stored.of_commit(day, seq)
    if not made.num_rows and not there.num_rows:
        return
    for file, detail in difference(made, there, AUDIT_EXPORT_ROWS).rows:
        files = stored.files(day)
        subject = files[file].key if file is not None else f"tables/*/{TABLE}/dt={day}/ (rows of entry {seq})"
        result.not_rederived(subject, detail)
