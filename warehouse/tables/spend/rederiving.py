"""Rows and days of usage and cost made again from the archived pages, and compared with what is stored.

Promise: reads only. Each pull is folded again upon the days that the pulls before it left, which were compared
before it, so all of them are compared with the pages; day by day, into however many files a pull was written.
"""

from collections.abc import Iterator

import pyarrow as pa
import pyarrow.compute as pc

from warehouse.archive.archive import Archive
from warehouse.archive.entry import Entry
from warehouse.archive.errors import StoreUnreachable
from warehouse.archive.findings import Verification
from warehouse.archive.state import TableFile
from warehouse.tables import parquet
from warehouse.tables.row_difference import Difference, difference
from warehouse.tables.spend.fold import fold_again
from warehouse.tables.spend.schema import ALL_REPORTS
from warehouse.tables.stored_rows import FILE, UNREADABLE, StoredRows

_ROWS_AT_ONCE = 50_000  # of a day, compared together


def rederive_spend(archive: Archive, pulls: list[Entry], result: Verification) -> None:
    """Compare each pull of usage and cost (in order of the log) with the rows and days stored of it."""
    for report in ALL_REPORTS.values():
        tables = {report.rows_table: report.rows, report.days_table: report.days}
        files = {name: _by_pull(archive, name) for name in tables}
        folded: set[int] = set()
        for entry in pulls:
            if entry.stream != report.stream:
                continue
            if str(entry.seq) in archive.state.stream(report.stream).pending_fold:
                continue
            folded.add(entry.seq)
            stored = {
                name: _StoredPull(archive, name, schema, entry.seq, files[name].get(entry.seq, []))
                for name, schema in tables.items()
            }
            try:
                for one in fold_again(archive, entry):
                    stored[report.rows_table].compare(one.rows, result)
                    stored[report.days_table].compare(one.of_the_day, result)
                for pull in stored.values():
                    pull.compare_the_rest(result)
            except StoreUnreachable:
                raise
            except UNREADABLE as error:
                result.not_made_again(f"pull {entry.seq}", error)
        for name, schema in tables.items():
            _strangers(StoredRows(archive, name, schema), folded, result)


def _by_pull(archive: Archive, table: str) -> dict[int | None, list[TableFile]]:
    found: dict[int | None, list[TableFile]] = {}
    for file in archive.state.table(table).recent:
        found.setdefault(file.seq, []).append(file)
    return found


class _StoredPull:
    """The files of one table that a pull wrote; one of them at a time is in memory."""

    def __init__(self, archive: Archive, table: str, schema: pa.Schema, seq: int, files: list[TableFile]) -> None:
        self._archive, self._schema, self._seq = archive, schema, seq
        self._nowhere = f"tables/recent/{table}/ (rows of entry {seq})"
        self._files = files
        self._days: dict[str, set[object]] = {}  # by a file's key, of which days it has rows
        self._read: tuple[int, pa.Table] | None = None
        self._made: set[object] = set()

    def compare(self, made: pa.Table, result: Verification) -> None:
        """The rows of one day, as they are made now."""
        days = made["day"].unique().to_pylist()
        for day in days:
            self._made.add(day)
            self._compare(day, made, result)

    def compare_the_rest(self, result: Verification) -> None:
        """Days that no page makes; and a file that lies under another day than its first, where nobody looks."""
        for number, file in enumerate(self._files):
            days = self._days_of(number)
            for day in sorted(days - self._made, key=str):
                self._made.add(day)
                self._compare(day, self._schema.empty_table(), result)
            if days and file.dt != str(min(days, key=str)):
                result.not_rederived(file.key, f"lies under {file.dt}, and its first day is {min(days, key=str)}")

    def _compare(self, day: object, made: pa.Table, result: Verification) -> None:
        there = [self._of_day(number, day) for number in range(len(self._files)) if day in self._days_of(number)]
        stored = pa.concat_tables([self._numbered(self._schema.empty_table(), 0), *there])
        found = Difference()
        for mine, theirs in _parts(made, stored):
            difference(mine, theirs, self._schema, found)
        for number, detail in found.rows:
            result.not_rederived(self._files[number].key if number is not None else self._nowhere, detail)

    def _days_of(self, number: int) -> set[object]:
        key = self._files[number].key
        if key not in self._days:
            self._days[key] = set(self._rows(number)["day"].unique().to_pylist())
        return self._days[key]

    def _of_day(self, number: int, day: object) -> pa.Table:
        rows = self._rows(number)
        if len(self._days_of(number)) == 1:
            return rows
        return rows.filter(pc.equal(rows["day"], pa.scalar(day, pa.date32())))

    def _rows(self, number: int) -> pa.Table:
        """The rows that a file has of this pull."""
        if self._read is None or self._read[0] != number:
            rows = parquet.read(self._archive.read(self._files[number]), self._schema.names)
            mine = pc.equal(rows["commit_seq"], self._seq)
            if not pc.all(pc.fill_null(mine, False)).as_py():
                rows = rows.filter(mine)
            self._read = number, self._numbered(rows, number)
        return self._read[1]

    def _numbered(self, rows: pa.Table, number: int) -> pa.Table:
        rows = rows.cast(self._schema)
        return rows.append_column(FILE, pa.repeat(pa.scalar(number, pa.int32()), rows.num_rows))


def _parts(made: pa.Table, stored: pa.Table) -> Iterator[tuple[pa.Table, pa.Table]]:
    """Both in parts of some pages each, where there are many rows: sorted they would be in memory twice."""
    pages = made["page"] if "page" in made.column_names and made.num_rows > _ROWS_AT_ONCE else None
    if pages is None:
        yield made, stored
        return
    count, last = -(-made.num_rows // _ROWS_AT_ONCE), pc.max(pages).as_py() or 0
    for number in range(count):
        low, high = (pa.scalar(last * edge // count, pa.int32()) for edge in (number, number + 1))
        ends = [_between(rows["page"], low, high, ends=number + 1 == count) for rows in (made, stored)]
        yield made.filter(ends[0]), stored.filter(ends[1])


def _between(pages: pa.ChunkedArray, low: pa.Scalar, high: pa.Scalar, *, ends: bool) -> pa.ChunkedArray:
    """Whether a page is above `low` and at most `high`; of the last part also what is above, below, or null."""
    if ends:
        return pc.fill_null(pc.or_(pc.greater(pages, low), pc.less_equal(pages, pa.scalar(0, pa.int32()))), True)
    return pc.fill_null(pc.and_(pc.greater(pages, low), pc.less_equal(pages, high)), False)


def _strangers(stored: StoredRows, folded: set[int], result: Verification) -> None:
    """No row may come from something that is no pull of this stream, or stand in the file of another pull."""
    for _, file, counted in stored.counted(result):
        for seq, rows in counted.items():
            if seq not in folded:
                result.not_rederived(file.key, f"{rows} rows say that they come from entry {seq}, no pull of it")
            elif seq != file.seq:
                result.not_rederived(file.key, f"{rows} rows say that they come from entry {seq}, another pull")
