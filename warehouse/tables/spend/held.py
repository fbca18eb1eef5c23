"""What the archive holds of a window's days of usage and cost, from pulls before one: versions, and their rows'
keys."""

from datetime import date

import pyarrow as pa
import pyarrow.compute as pc

from warehouse.archive.archive import Archive
from warehouse.tables import parquet
from warehouse.tables.held import files_within
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
        self._rows = {file.seq: file for file in files_within(archive.state, report.rows_table, window, before)}
        self._read: dict[int, pa.Table] = {}

    def newest(self, day: date) -> tuple[int, str | None]:
        """The newest version of a day and its content hash; (0, None) for a day never seen."""
        version, content, _ = self._newest.get(day, (0, None, -1))
        return version, content

    def keys(self, day: date) -> list[tuple[str, str]]:
        """(row_key, content) of each row of the newest version of a day."""
        seq = self._newest[day][2]
        if seq not in self._rows:
            return []  # a day without rows
        if seq not in self._read:
            data = self._archive.read(self._rows[seq])
            self._read[seq] = parquet.read(data, ["day", "row_key", "content_sha256"])
        rows = self._read[seq]
        rows = rows.filter(pc.equal(rows["day"], pa.scalar(day, pa.date32())))
        return list(zip(rows["row_key"].to_pylist(), rows["content_sha256"].to_pylist(), strict=True))
