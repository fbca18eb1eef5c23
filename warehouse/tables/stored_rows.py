"""What table files hold, by the commit that their rows come from: a table file as a verifier wants it.

Promise: the same rows whichever tier they stand in; of a large day only the rows asked for are in memory.
"""

from collections import Counter, OrderedDict
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from warehouse.archive.archive import Archive
from warehouse.archive.errors import ArchiveError, StoreUnreachable
from warehouse.archive.findings import Verification
from warehouse.archive.state import TableFile
from warehouse.tables import parquet
from warehouse.tables.day_versions import DayVersions
from warehouse.tables.held import Held
from warehouse.tables.rows_on_disk import RowsOnDisk, numbers_of_ids

# What a page or a table file that is gone or altered raises, which `verify` names: a note, and no end of the work.
# A null where the tables have none is a TypeError: a row that its own pull's comparison names.
UNREADABLE = (ArchiveError, ValueError, TypeError, pa.ArrowException)

FILE = "(file)"  # a column added to rows read: the number of their file among the day's

KEPT_ROWS = 400_000  # of days kept in memory whole; larger days go to disk, or are read for each commit
_KEPT_DAYS = 4
_KEPT_VERSIONS = 2_000_000  # of days whose versions are in memory, unless one has more
_DISK_DAYS = 2
ROWS_A_PIECE = 50_000
_ROWS_AT_ONCE = 16_384


class StoredRows:
    """The rows of one table, day by day (`dt` of its files), in the files that readers read now."""

    def __init__(self, archive: Archive, table: str, schema: pa.Schema, *, scratch: Path | None = None) -> None:
        """scratch: a folder for large days, which are then read once instead of for each commit."""
        self._archive, self._table, self._schema, self._scratch = archive, table, schema, scratch
        self._with_file = schema.append(pa.field(FILE, pa.int32()))
        state = archive.state.table(table)
        self.days: dict[str, list[TableFile]] = {}
        for file in [*state.sealed, *state.recent]:
            self.days.setdefault(file.dt, []).append(file)
        self._counts: dict[str, dict[int | None, int]] = {}  # by a file's key
        self._whole: OrderedDict[str, pa.Table] = OrderedDict()
        self._versions: OrderedDict[str, DayVersions] = OrderedDict()
        self._pieces: OrderedDict[str, _Pieces] = OrderedDict()
        self._folders = 0

    def files(self, day: str) -> list[TableFile]:
        return self.days.get(day, [])

    def of_commit(self, day: str, seq: int) -> pa.Table:
        """The rows of a day that come from one pull, with the column FILE. Raises what reading raises."""
        if not self._is_large(day):
            whole = self._day(day)
            return whole.filter(pc.equal(whole["commit_seq"], seq))
        if self._scratch is not None:
            return self._pieces_of(day).of_commit(seq)
        parts = [self._with_file.empty_table()]
        for number, file in enumerate(self.files(day)):
            if file.seq is None or file.seq == seq:
                data = pa.BufferReader(self._archive.read(file))
                with parquet.reading(file.key):
                    rows = pq.read_table(data, filters=[("commit_seq", "==", seq)], partitioning=None)
                    parts.append(self._numbered(rows, number))
        return pa.concat_tables(parts)

    def by_ids(self, day: str, seq: int, count: int) -> RowsOnDisk:
        """What `of_commit` gives, in `count` parts by `numbers_of_ids`: for a commit that is large itself. Needs
        the folder."""
        spread = self._on_disk()
        for rows in self._batches(day, seq):
            mine = rows.filter(pc.equal(rows["commit_seq"], seq))
            spread.add(mine, numbers_of_ids(mine, count))
        return spread

    def rows_of(self, day: str, seq: int) -> int:
        """How many rows of a day come from one pull."""
        return sum(self.counts(file).get(seq, 0) for file in self.files(day))

    def counts(self, file: TableFile) -> dict[int | None, int]:
        """How many rows of a file come from which pull. Raises what reading raises."""
        if file.key not in self._counts:
            seqs = parquet.read(self._archive.read(file), ["commit_seq"], key=file.key)["commit_seq"]
            counted = pc.value_counts(seqs.combine_chunks()).to_pylist()
            self._counts[file.key] = {one["values"]: one["counts"] for one in counted}
        return self._counts[file.key]

    def counted(self, result: Verification) -> Iterator[tuple[str, TableFile, dict[int | None, int]]]:
        """Each file with its day and its `counts`; a note in `result` for one that cannot be read."""
        for day in sorted(self.days):
            for file in self.files(day):
                try:
                    counts = self.counts(file)
                except StoreUnreachable:
                    raise
                except UNREADABLE as error:
                    result.not_made_again(f"{self._table} of {day}", error)
                    continue
                yield day, file, counts

    def held(
        self, day: str, before: int, span: tuple[datetime, datetime] | None, ids: pa.Array | None = None
    ) -> Iterator[list[tuple[str, Held]]]:
        """The versions of a day's rows from pulls before `before`, by record id, some at a time; with a span
        (inclusive), of those in it and of those without a time; with `ids`, of those records alone."""
        if day not in self._versions:
            self._versions[day] = DayVersions.of(self._archive, self.files(day))
            while len(self._versions) > 1 and (
                len(self._versions) > _KEPT_DAYS
                or sum(len(one) for one in self._versions.values()) > _KEPT_VERSIONS
            ):
                self._versions.popitem(last=False)
        return self._versions[day].within(span, before, ids)

    def _is_large(self, day: str) -> bool:
        return sum(file.rows for file in self.files(day)) > KEPT_ROWS

    def _day(self, day: str) -> pa.Table:
        if day not in self._whole:
            parts = [self._with_file.empty_table()]
            for number, file in enumerate(self.files(day)):
                rows = parquet.read(self._archive.read(file), self._schema.names, key=file.key)
                with parquet.reading(file.key):
                    parts.append(self._numbered(rows, number))
            self._whole[day] = pa.concat_tables(parts)
            while len(self._whole) > _KEPT_DAYS:
                self._whole.popitem(last=False)
        return self._whole[day]

    def _pieces_of(self, day: str) -> "_Pieces":
        """A large day on disk, by its commits."""
        if day not in self._pieces:
            counted: Counter[int] = Counter()
            for file in self.files(day):
                counted.update({seq: rows for seq, rows in self.counts(file).items() if seq is not None})
            while len(self._pieces) >= _DISK_DAYS:
                self._pieces.popitem(last=False)[1].spread.remove()
            made = _Pieces(self._on_disk(), counted)
            for rows in self._batches(day):
                made.add(rows)
            self._pieces[day] = made  # only when whole: another pull would miss the rest of it
        return self._pieces[day]

    def _batches(self, day: str, seq: int | None = None) -> Iterator[pa.Table]:
        """The rows of a day's files, or of those that may have rows of a commit, some at a time."""
        for number, file in enumerate(self.files(day)):
            if seq is None or file.seq is None or file.seq == seq:
                data = pa.BufferReader(self._archive.read(file))
                with parquet.reading(file.key), pq.ParquetFile(data, pre_buffer=False) as opened:
                    for batch in opened.iter_batches(_ROWS_AT_ONCE):
                        yield self._numbered(pa.Table.from_batches([batch]), number)

    def _on_disk(self) -> RowsOnDisk:
        assert self._scratch is not None
        self._folders += 1
        return RowsOnDisk(self._scratch / f"stored-{self._folders}", self._with_file)

    def _numbered(self, rows: pa.Table, number: int) -> pa.Table:
        rows = rows.select(self._schema.names).cast(self._schema)
        return rows.append_column(FILE, pa.repeat(pa.scalar(number, pa.int32()), rows.num_rows))


class _Pieces:
    """A large day on disk, in pieces of some commits each, in their order. Commits that are large themselves are
    left out: they are asked for by ids."""

    def __init__(self, spread: RowsOnDisk, counted: Counter[int]) -> None:
        self.spread, self.counted = spread, counted
        self._seqs = np.array(sorted(counted), np.int64)
        rows = np.array([counted[seq] for seq in self._seqs.tolist()], np.int64)
        small = rows <= KEPT_ROWS
        self._numbers = np.where(small, np.cumsum(rows * small) // ROWS_A_PIECE, -1)
        self._read: tuple[int, pa.Table] | None = None

    def add(self, rows: pa.Table) -> None:
        rows = rows.filter(pc.is_valid(rows["commit_seq"]))
        seqs = rows["commit_seq"].to_numpy()
        self.spread.add(rows, self._numbers[np.searchsorted(self._seqs, seqs)])

    def of_commit(self, seq: int) -> pa.Table:
        if not self.counted[seq]:
            return self.spread.read(-1)
        number = int(self._numbers[np.searchsorted(self._seqs, seq)])
        if self._read is None or self._read[0] != number:
            self._read = (number, self.spread.read(number))
        rows = self._read[1]
        return rows.filter(pc.equal(rows["commit_seq"], seq))
