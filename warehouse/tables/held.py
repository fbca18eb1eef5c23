"""What the archive already holds for a span of event time: each record's newest version and its content hash.

Promise: the same answer whether the rows stand in the recent or the sealed tier, or in both during a seal.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from itertools import groupby
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from warehouse.archive.archive import Archive
from warehouse.archive.state import LogState, TableFile
from warehouse.tables import parquet
from warehouse.tables.schema import AUDIT_EVENTS, TABLE
from warehouse.wire.arrays import micros
from warehouse.wire.windows import Window

_KEY_COLUMNS = ["id", "created_at", "content_sha256", "version", "fold", "commit_seq"]
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_HASH = "^[0-9a-f]{64}$"
_AT_ONCE = 65_536  # rows turned into Python's objects together


class Held(NamedTuple):
    """The newest version of one record. `created` in microseconds since 1970; `seq` is the pull that it came from;
    `file` (its key) and `row` say where it stands."""

    content: str
    version: int
    withdrawn: bool
    created: int | None
    seq: int
    file: str
    row: int

    @property
    def created_at(self) -> datetime | None:
        return None if self.created is None else _EPOCH + timedelta(microseconds=self.created)


# The columns of a Held, for a RecordMap.
HELD = pa.schema(
    [
        pa.field("content", pa.binary(32)),
        pa.field("version", pa.int32()),
        pa.field("withdrawn", pa.bool_()),
        pa.field("created", pa.int64()),
        pa.field("seq", pa.int64()),
        pa.field("file", pa.dictionary(pa.int32(), pa.string())),
        pa.field("row", pa.int32()),
    ]
)


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
    return [
        file
        for file in state.table(table).recent
        if file.seq is not None and file.seq < before and may_hold(file, window)
    ]


def may_hold(file: TableFile, window: Window) -> bool:
    """Whether a file's span touches a window."""
    low, high = (moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ") for moment in (window.start, window.end))
    return (file.last_at is None or file.last_at >= low) and (file.first_at is None or file.first_at < high)


def held_versions(
    archive: Archive,
    file: TableFile,
    through_seq: int,
    span: tuple[datetime, datetime] | None,
    ids: pa.Array | None = None,
) -> Iterator[list[tuple[str, Held]]]:
    """The versions in a file of a span (inclusive; all without one), and those without a time, that came from
    pulls before `through_seq`, by record id, some at a time; with `ids`, of those records alone. A sealed file has
    all of a day; a short pull needs little of it.
    """
    if file.seq is not None and file.seq >= through_seq:
        return
    rows = parquet.read(archive.read(file), _KEY_COLUMNS, key=file.key)
    times = rows["created_at"].cast(pa.int64())
    wanted = pc.less(rows["commit_seq"], through_seq)
    if span is not None:
        low, high = (pa.scalar(micros(moment), pa.int64()) for moment in span)
        within = pc.and_(pc.greater_equal(times, low), pc.less_equal(times, high))
        wanted = pc.and_(wanted, pc.fill_null(within, True))
    if ids is not None:
        wanted = pc.and_(wanted, pc.is_in(rows["id"], value_set=ids))
    rows = rows.set_column(1, "created_at", times)
    rows = rows.append_column("row", pa.array(np.arange(rows.num_rows, dtype=np.int32)))
    rows = usable(rows.filter(wanted))
    for some in rows.to_batches(max_chunksize=_AT_ONCE):
        columns = [some[name].to_pylist() for name in [*_KEY_COLUMNS, "row"]]
        yield [
            (record_id, Held(content, version, fold == "withdrawn", created, seq, file.key, row))
            for record_id, created, content, version, fold, seq, row in zip(*columns, strict=True)
        ]


def usable(rows: pa.Table) -> pa.Table:
    """Those that say which version of which record they are, and of what content (columns `id`, `version`,
    `content_sha256`). Others are forged: they are compared with nothing, and `verify --rederive` names them."""
    named = pc.and_(pc.is_valid(rows["id"]), pc.is_valid(rows["version"]))
    return rows.filter(pc.and_(named, pc.match_substring_regex(rows["content_sha256"], _HASH)))


def full_rows(archive: Archive, wanted: list[Held], files: Mapping[str, TableFile]) -> pa.Table:
    """The whole rows of these versions, in the order given. `files` by their keys."""
    order = sorted(range(len(wanted)), key=lambda number: (wanted[number].file, wanted[number].row))
    found: dict[int, pa.Table] = {}
    for key, of_file in groupby(order, lambda number: wanted[number].file):
        numbers = list(of_file)
        rows = parquet.take(
            archive.read(files[key]), [wanted[number].row for number in numbers], AUDIT_EVENTS, key=key
        )
        found.update((number, rows.slice(place, 1)) for place, number in enumerate(numbers))
    # Not `take`, which makes one array of a column's texts: two gigabytes at the most.
    return pa.concat_tables([AUDIT_EVENTS.empty_table(), *(found[number] for number in range(len(wanted)))])
