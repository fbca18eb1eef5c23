"""Exports into the archive: the file as one commit, its rows as another, like a pull and its fold.

Promise: a file is archived verbatim before a row of it is believed; a file or a row that is held already adds
nothing; what a crash left between the two commits is finished by the next import.
"""

from dataclasses import dataclass, field
from datetime import date
from pathlib import PurePath

import pyarrow as pa
import pyarrow.compute as pc

from warehouse.archive import keys
from warehouse.archive.archive import Archive
from warehouse.archive.entry import Draft, Entry, ObjectRef, sha256_hex
from warehouse.archive.state import LogState
from warehouse.tables import parquet
from warehouse.tables.audit_export.parse import Export, read_export
from warehouse.tables.audit_export.schema import (
    AUDIT_EXPORT_ROWS,
    DICTIONARY_COLUMNS,
    STATISTICS_COLUMNS,
    TABLE,
    by_day,
    rows_to_table,
)
from warehouse.wire.times import parse_rfc3339

STREAM = "audit_export"


@dataclass
class Imported:
    """What became of one file. `status` is `imported` or `known`; `unchanged` rows were held already."""

    name: str
    status: str
    rows: int = 0
    new: int = 0
    unchanged: int = 0
    with_problems: int = 0
    unmapped: int = 0
    notes: list[str] = field(default_factory=list)
    seqs: list[int] = field(default_factory=list)


def import_export(archive: Archive, data: bytes, path: str, *, member: str | None = None) -> Imported:
    """Archive one export file and its rows; `member` is where in a ZIP of several it was found.

    Raises AuditExportError when it is not an export.
    """
    finish_imports(archive)
    name = PurePath(path).name + (f" ({member})" if member else "")
    export = read_export(data, name)
    if export.export_id in _held(archive, "export_id"):
        return Imported(name, "known", notes=["this very file is in the archive already"])
    rows = sum(1 for _ in export.rows())
    file = archive.put_file(STREAM, data, rows, name)
    entry = archive.commit(
        Draft(kind="pull", stream=STREAM, query=name, complete=True, objects=[file], counts={"records": rows})
    )
    return _fold(archive, entry, export)


def finish_imports(archive: Archive) -> list[Imported]:
    """Fold files that were committed and whose rows were not."""
    archive.refresh()
    done = []
    for seq in sorted(int(text) for text in archive.state.stream(STREAM).pending_fold):
        entry = archive.entry(seq)
        data = archive.read_page(entry.objects[0])
        done.append(_fold(archive, entry, read_export(data, str(entry.objects[0].query))))
    return done


def _fold(archive: Archive, entry: Entry, export: Export) -> Imported:
    table = rows_to_table(
        export.rows(), export.export_id, export.file_name, entry.seq, parse_rfc3339(entry.committed_at)
    )
    while (counts := _commit_new(archive, entry, table)) is None:
        pass  # another import was faster: compare again with what it added
    notes = list(export.notes)
    if export.extra_columns:
        notes.append(f"columns beyond the nine are kept in raw: {', '.join(export.extra_columns)}")
    return Imported(
        name=export.file_name,
        status="imported",
        rows=counts["records"],
        new=counts["first"],
        unchanged=counts["unchanged"],
        with_problems=counts["with_problems"],
        unmapped=counts["unmapped"],
        notes=notes,
        seqs=[entry.seq],
    )


def _commit_new(archive: Archive, entry: Entry, table: pa.Table) -> dict[str, int] | None:
    """Commit the rows that are not held yet; None when what is held changed meanwhile. Returns the counts."""
    held = _held(archive, "row_key")
    compared = _files(archive.state)
    fresh = pa.array([key not in held for key in table["row_key"].to_pylist()], pa.bool_())
    new = table.filter(fresh)
    counts = {
        "records": table.num_rows,
        "first": new.num_rows,
        "unchanged": table.num_rows - new.num_rows,
        "with_problems": _count(pc.greater(pc.list_value_length(new["problems"]), 0)),
        "unmapped": _count(pc.is_null(new["feed_type"])),
    }
    objects = [_store(archive, entry.seq, day, rows) for day, rows in by_day(new).items()] if new.num_rows else []
    stale = False

    def build(state: LogState) -> Draft | None:
        nonlocal stale
        if str(entry.seq) not in state.stream(STREAM).pending_fold:
            return None  # another import has finished this file
        stale = _files(state) != compared
        if stale:
            return None
        return Draft(
            kind="table",
            stream=STREAM,
            table=TABLE,
            complete=True,
            objects=objects,
            derived_from=[entry.seq],
            counts=counts,
        )

    archive.append(build)
    return None if stale else counts


def _store(archive: Archive, seq: int, day: date, rows: pa.Table) -> ObjectRef:
    data = parquet.write([rows], AUDIT_EXPORT_ROWS, dictionary=DICTIONARY_COLUMNS, statistics=STATISTICS_COLUMNS)
    stored = archive.put(keys.recent(TABLE, day, seq, sha256_hex(data)), data)
    return ObjectRef(
        key=stored.key,
        version_id=stored.version_id,
        sha256=stored.sha256,
        bytes=stored.bytes,
        records=rows.num_rows,
        table=TABLE,
        dt=day.isoformat(),
    )


def _held(archive: Archive, column: str) -> set[str]:
    """The distinct values of a column over the rows that the archive holds."""
    archive.refresh()
    table = archive.state.table(TABLE)
    held: set[str] = set()
    for file in [*table.sealed, *table.recent]:
        held.update(pc.unique(parquet.read(archive.read(file), [column])[column]).to_pylist())
    return held


def _files(state: LogState) -> set[str]:
    table = state.table(TABLE)
    return {file.key for file in [*table.sealed, *table.recent]}


def _count(mask: pa.ChunkedArray) -> int:
    return int(pc.sum(pc.fill_null(mask, False)).as_py() or 0)
