"""The versions of a day, by the time of their records: a pull of five minutes needs few of them.

Promise: some hundred bytes a version, so that a day of millions can be compared with each of its pulls.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from warehouse.archive.archive import Archive
from warehouse.archive.state import TableFile
from warehouse.tables import parquet
from warehouse.tables.held import Held, usable
from warehouse.wire.arrays import micros

_KEY_COLUMNS = ["id", "created_at", "content_sha256", "version", "fold", "commit_seq"]
_AT_ONCE = 65_536  # rows turned into Python's objects together


class DayVersions:
    """Made by `of`."""

    def __init__(self, columns: dict[str, pa.ChunkedArray], files: Sequence[str]) -> None:
        """columns: those of `_SCHEMA`; taken out one by one, so that little is in memory twice."""
        self._files = files
        order = pc.sort_indices(columns["created"])  # those without a time come last
        self._rows = pa.table({name: columns.pop(name).combine_chunks().take(order) for name in _SCHEMA.names})
        self._times = self._rows["created"].drop_null().to_numpy()

    @classmethod
    def of(cls, archive: Archive, files: Sequence[TableFile]) -> "DayVersions":
        """Those in some files. Raises what reading raises."""
        found = pa.concat_tables([_SCHEMA.empty_table(), *(_of_file(archive, *one) for one in enumerate(files))])
        columns = dict(zip(found.column_names, found.columns, strict=True))
        del found
        return cls(columns, [file.key for file in files])

    def __len__(self) -> int:
        return int(self._rows.num_rows)

    def within(
        self, span: tuple[datetime, datetime] | None, before: int, ids: pa.Array | None = None
    ) -> Iterator[list[tuple[str, Held]]]:
        """Those from pulls before `before`, of a span (inclusive; all without one), and those without a time, by
        the record's id, some at a time; with `ids`, of those records alone."""
        timed = len(self._times)
        first, after = 0, timed
        if span is not None:
            first = int(np.searchsorted(self._times, micros(span[0]), side="left"))
            after = int(np.searchsorted(self._times, micros(span[1]), side="right"))
        for piece in (self._rows.slice(first, after - first), self._rows.slice(timed)):
            wanted = pc.less(piece["seq"], before)
            if ids is not None:
                wanted = pc.and_(wanted, pc.is_in(piece["id"], value_set=ids))
            held = usable(piece.filter(wanted))
            for rows in held.to_batches(max_chunksize=_AT_ONCE):
                columns = (rows[name].to_pylist() for name in _HELD)
                yield [
                    (record_id, Held(content, version, withdrawn, created, seq, self._files[file], row))
                    for record_id, content, version, withdrawn, created, seq, file, row in zip(
                        *columns, strict=True
                    )
                ]


def _of_file(archive: Archive, number: int, file: TableFile) -> pa.Table:
    rows = parquet.read(archive.read(file), _KEY_COLUMNS, key=file.key)
    return pa.table(
        {
            "id": rows["id"],
            "created": rows["created_at"].cast(pa.int64()),
            "content_sha256": rows["content_sha256"],
            "version": rows["version"],
            "withdrawn": pc.equal(rows["fold"], "withdrawn"),
            "seq": rows["commit_seq"],
            "file": pa.repeat(pa.scalar(number, pa.int32()), rows.num_rows),
            "row": pa.array(np.arange(rows.num_rows, dtype=np.int32)),
        }
    )


_HELD = ("id", "content_sha256", "version", "withdrawn", "created", "seq", "file", "row")
_SCHEMA = pa.schema(
    [
        ("id", pa.string()), ("created", pa.int64()), ("content_sha256", pa.string()), ("version", pa.int32()),
        ("withdrawn", pa.bool_()), ("seq", pa.int64()), ("file", pa.int32()), ("row", pa.int32()),
    ]
)  # fmt: skip
