"""What table files hold, by the commit that their rows come from: a table file as a verifier wants it.

Promise: the same rows whichever tier they stand in; of a large day only the rows asked for are in memory.
"""

from bisect import bisect_left, bisect_right
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from warehouse.archive.archive import Archive
from warehouse.archive.state import TableFile
from warehouse.tables import parquet
from warehouse.tables.held import Held

FILE = "(file)"  # a column added to rows read: the number of their file among the day's

_KEY_COLUMNS = ["id", "created_at", "content_sha256", "version", "fold", "commit_seq"]
_KEPT_ROWS = 400_000  # of days kept in memory whole; larger days are read for each commit
_KEPT_DAYS = 4


@dataclass(frozen=True)
class _Version:
    seq: int
    record_id: str
    held: Held


class _DayVersions:
    """The versions of a day, by the time of their records: a pull of five minutes needs few of them."""

    def __init__(self, versions: list[_Version]) -> None:
        timed = [(one.held.created_at, one) for one in versions if one.held.created_at is not None]
        timed.sort(key=lambda pair: pair[0])
        self._times = [at for at, _ in timed]
        self._timed = [one for _, one in timed]
        self._untimed = [one for one in versions if one.held.created_at is None]

    def within(self, span: tuple[datetime, datetime] | None) -> list[_Version]:
        """Those of a span (inclusive; all without one), and those without a time."""
        if span is None:
            return [*self._timed, *self._untimed]
        first, after = bisect_left(self._times, span[0]), bisect_right(self._times, span[1])
        return [*self._timed[first:after], *self._untimed]


class StoredRows:
    """The rows of one table, day by day (`dt` of its files), in the files that readers read now."""

    def __init__(self, archive: Archive, table: str, schema: pa.Schema) -> None:
        self._archive, self._schema = archive, schema
        state = archive.state.table(table)
        self.days: dict[str, list[TableFile]] = {}
        for file in [*state.sealed, *state.recent]:
            self.days.setdefault(file.dt, []).append(file)
        self._whole: OrderedDict[str, pa.Table] = OrderedDict()
        self._versions: OrderedDict[str, _DayVersions] = OrderedDict()

    def files(self, day: str) -> list[TableFile]:
        return self.days.get(day, [])

    def of_commit(self, day: str, seq: int) -> pa.Table:
        """The rows of a day that come from one pull, with the column FILE. Raises what reading raises."""
        files = self.files(day)
        if sum(file.rows for file in files) <= _KEPT_ROWS:
            whole = self._day(day)
            return whole.filter(pc.equal(whole["commit_seq"], seq))
        parts = [
            self._numbered(
                pq.read_table(
                    pa.BufferReader(self._archive.read(file)),
                    filters=[("commit_seq", "==", seq)],
                    partitioning=None,
                ),
                number,
            )
            for number, file in enumerate(files)
            if file.seq is None or file.seq == seq
        ]
        return pa.concat_tables(parts) if parts else self._numbered(self._schema.empty_table(), 0)

    def counts(self, day: str) -> Iterator[tuple[TableFile, dict[int, int]]]:
        """Of each file of a day: how many rows come from which pull."""
        for file in self.files(day):
            seqs = parquet.read(self._archive.read(file), ["commit_seq"])["commit_seq"]
            counted = pc.value_counts(seqs.combine_chunks()).to_pylist()
            yield file, {one["values"]: one["counts"] for one in counted}

    def held(self, day: str, before: int, span: tuple[datetime, datetime] | None) -> dict[str, Held]:
        """By record id, the newest version of a day's rows from pulls before `before`; with a span (inclusive),
        of those in it and of those without a time."""
        newest: dict[str, Held] = {}
        for version in self._day_versions(day).within(span):
            held = version.held
            if version.seq >= before:
                continue
            known = newest.get(version.record_id)
            if known is None or held.version > known.version:
                newest[version.record_id] = held
        return newest

    def _day(self, day: str) -> pa.Table:
        if day not in self._whole:
            parts = [
                self._numbered(parquet.read(self._archive.read(file), self._schema.names), number)
                for number, file in enumerate(self.files(day))
            ]
            empty = self._numbered(self._schema.empty_table(), 0)
            self._whole[day] = pa.concat_tables([empty, *parts])
            while len(self._whole) > _KEPT_DAYS:
                self._whole.popitem(last=False)
        return self._whole[day]

    def _day_versions(self, day: str) -> _DayVersions:
        if day not in self._versions:
            found = []
            for file in self.files(day):
                rows = parquet.read(self._archive.read(file), _KEY_COLUMNS)
                rows = rows.set_column(1, "created_at", rows["created_at"].cast(pa.int64()))
                columns = [rows[name].to_pylist() for name in _KEY_COLUMNS]
                for row, (record_id, at, content, version, fold, seq) in enumerate(zip(*columns, strict=True)):
                    held = Held(content, version, fold == "withdrawn", at, file.key, row)
                    found.append(_Version(seq, record_id, held))
            self._versions[day] = _DayVersions(found)
            while len(self._versions) > _KEPT_DAYS:
                self._versions.popitem(last=False)
        return self._versions[day]

    def _numbered(self, rows: pa.Table, number: int) -> pa.Table:
        rows = rows.select(self._schema.names).cast(self._schema)
        return rows.append_column(FILE, pa.repeat(pa.scalar(number, pa.int32()), rows.num_rows))
