"""What the archive already holds for a span of event time: each record's newest version and its content hash.

Promise: the same answer whether the rows stand in the recent or the sealed tier, or in both during a seal.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime

import pyarrow as pa

from warehouse.archive.archive import Archive
from warehouse.archive.state import LogState, TableFile
from warehouse.tables import parquet
from warehouse.tables.schema import AUDIT_EVENTS, TABLE
from warehouse.wire.windows import Window

_KEY_COLUMNS = ["id", "created_at", "content_sha256", "version", "fold"]


@dataclass(frozen=True)
class Held:
    """The newest version of one record. `file` and `row` say where it stands."""

    content: str
    version: int
    withdrawn: bool
    created_at: datetime | None
    file: TableFile
    row: int


def files_for(state: LogState, days: Iterable[date], span: tuple[datetime, datetime] | None) -> list[TableFile]:
    """The visible files of these days that may hold rows of the (inclusive) span of event time."""
    wanted = {day.isoformat() for day in days}
    table = state.table(TABLE)
    if span is None:
        return [file for file in [*table.sealed, *table.recent] if file.dt in wanted]
    low, high = (moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ") for moment in span)
    return [
        file
        for file in [*table.sealed, *table.recent]
        if file.dt in wanted
        and (file.last_at is None or file.last_at >= low)
        and (file.first_at is None or file.first_at <= high)
    ]


def files_within(state: LogState, table: str, window: Window, before: int) -> list[TableFile]:
    """The files of a table that may hold days of a window, from pulls before a number. A file's span is that of
    its days; nothing seals these tables."""
    low, high = (moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ") for moment in (window.start, window.end))
    return [
        file
        for file in state.table(table).recent
        if file.seq is not None
        and file.seq < before
        and (file.last_at is None or file.last_at >= low)
        and (file.first_at is None or file.first_at < high)
    ]


def held_versions(archive: Archive, files: list[TableFile], through_seq: int) -> dict[str, Held]:
    """By record id, the newest version in these files that came from pulls before `through_seq`."""
    newest: dict[str, Held] = {}
    for file in files:
        if file.seq is not None and file.seq >= through_seq:
            continue
        data = archive.read(file)
        rows = parquet.read(data, [*_KEY_COLUMNS, "commit_seq"])
        columns = [rows[name].to_pylist() for name in _KEY_COLUMNS]
        seqs = rows["commit_seq"].to_pylist()
        for row, (record_id, created_at, content, version, fold) in enumerate(zip(*columns, strict=True)):
            if seqs[row] >= through_seq:
                continue
            before = newest.get(record_id)
            if before is None or version > before.version:
                newest[record_id] = Held(content, version, fold == "withdrawn", created_at, file, row)
    return newest


def full_rows(archive: Archive, wanted: list[Held]) -> pa.Table:
    """The whole rows of these versions, in the order given."""
    tables: dict[str, pa.Table] = {}
    parts = []
    for held in wanted:
        if held.file.key not in tables:
            data = archive.read(held.file)
            tables[held.file.key] = parquet.read(data, AUDIT_EVENTS.names)
        parts.append(tables[held.file.key].slice(held.row, 1))
    return pa.concat_tables(parts).cast(AUDIT_EVENTS) if parts else AUDIT_EVENTS.empty_table()
