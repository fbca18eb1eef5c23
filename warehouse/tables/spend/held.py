"""What the archive holds of a window's days of usage and cost, from pulls before one: versions, and their rows'
keys."""

from datetime import date

import pyarrow as pa
import pyarrow.compute as pc

from warehouse.archive.archive import Archive
from warehouse.archive.state import TableFile
from warehouse.tables import parquet
from warehouse.tables.held import files_within, may_hold
from warehouse.tables.spend.schema import Report
from warehouse.wire.windows import Window


class HeldDays:
    """By day the newest version; rows are read when they are asked for."""

    def __init__(self, archive: Archive, report: Report, window: Window, before: int) -> None:
        self._archive = archive
        self._newest: dict[date, tuple[int, str, int]] = {}
        for file in files_within(archive.state, report.days_table, window, before):
            days = parquet.read(archive.read(file), ["day", "version", "content_sha256", "commit_seq"])
            for row in days.to_pylist():
                if row["version"] > self._newest.get(row["day"], (0,))[0]:
                    self._newest[row["day"]] = row["version"], row["content_sha256"], row["commit_seq"]
        self._rows: dict[int | None, list[TableFile]] = {}
        for file in files_within(archive.state, report.rows_table, window, before):
            self._rows.setdefault(file.seq, []).append(file)
        self._read: tuple[str, pa.Table] | None = None

    def newest(self, day: date) -> tuple[int, str | None]:
        """The newest version of a day and its content hash; (0, None) for a day never seen."""
        version, content, _ = self._newest.get(day, (0, None, -1))
        return version, content

    def keys(self, day: date) -> list[str]:
        """`row_key` and `content_sha256` of each row of the newest version of a day, joined (`key_of`)."""
        one_day = Window.of_day(day)
        found: list[str] = []
        for file in self._rows.get(self._newest[day][2], []):  # none for a day without rows
            if may_hold(file, one_day):
                rows = self._columns(file)
                found += joined(rows.filter(pc.equal(rows["day"], pa.scalar(day, pa.date32()))))
        return found

    def _columns(self, file: TableFile) -> pa.Table:
        if self._read is None or self._read[0] != file.key:
            columns = ["day", "row_key", "content_sha256"]
            self._read = file.key, parquet.read(self._archive.read(file), columns)
        return self._read[1]


def joined(rows: pa.Table) -> list[str]:
    """`row_key` and `content_sha256` of each row as one text: a third of what two and a pair of them take."""
    texts = pc.binary_join_element_wise(rows["row_key"], rows["content_sha256"], "/")
    return [text or "" for text in texts.to_pylist()]


def key_of(text: str) -> str:
    """The `row_key` in a text of `joined`."""
    return text.partition("/")[0]
