"""The rows of one pull of usage or cost, gathered page by page and given out day by day.

Promise: a day has its rows in the order of the pages, whole and as columns; of a pull too large for memory (a
month of a large tenant has millions) the rows are on disk meanwhile, and one day of them is in memory.
"""

import tempfile
from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from warehouse.tables.rows_on_disk import RowsOnDisk
from warehouse.tables.spend.days import Sums
from warehouse.tables.spend.rows import Row
from warehouse.tables.spend.schema import Report
from warehouse.wire.windows import Window

KEPT_ROWS = 100_000  # of a pull with more, the rows go to disk
# The same for all rows of a day's version; known when it is written.
OF_THE_VERSION = ("data_refreshed_at", "observed_at", "commit_seq", "version")


@dataclass
class DayGathered:
    """What is known of a day's rows beside the rows themselves."""

    rows: int = 0
    sums: Sums = field(default_factory=Sums)
    strange: Counter[str] = field(default_factory=Counter)
    unknown_actors: Counter[str] = field(default_factory=Counter)


class GatheredDays:
    """To be used as a context: at its end what is on disk is deleted."""

    def __init__(self, report: Report, window: Window, expected: int) -> None:
        """expected: about how many rows will come."""
        self.days: dict[date, DayGathered] = {}
        self._schema = pa.schema([one for one in report.rows if one.name not in OF_THE_VERSION])
        self._first = window.start.date()
        self._tables: list[pa.Table] = []
        self._whole: pa.Table | None = None
        self._on_disk: RowsOnDisk | None = None
        self._stack = ExitStack()
        if expected > KEPT_ROWS:
            scratch = self._stack.enter_context(tempfile.TemporaryDirectory(prefix="ledgerline-"))
            self._on_disk = RowsOnDisk(Path(scratch) / "days", self._schema)
            self._stack.callback(self._on_disk.remove)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def add(self, rows: Sequence[Row]) -> None:
        """The rows of a page; each day is one of the window's."""
        if not rows:
            return
        for row in rows:
            day = self.days.setdefault(row.day, DayGathered())
            day.rows += 1
            day.sums.add(row)
            day.strange.update(row.strange)
            if row.unknown_actor is not None:
                day.unknown_actors[row.unknown_actor] += 1
        columns = {
            name: [row.values.get(name) for row in rows] for name in self._schema.names if name != "unknown_fields"
        }
        columns["unknown_fields"] = [row.strange or None for row in rows]
        table = pa.table(columns, schema=self._schema)
        if self._on_disk is None:
            self._tables.append(table)
        else:
            self._on_disk.add(table, np.array([(row.day - self._first).days for row in rows], np.int64))

    def of_day(self, day: date) -> pa.Table:
        """The rows of a day. None can be added after the first asking."""
        if self._on_disk is not None:
            return self._on_disk.read((day - self._first).days)
        if self._whole is None:
            self._whole = pa.concat_tables([self._schema.empty_table(), *self._tables])
            self._tables = []
        return self._whole.filter(pc.equal(self._whole["day"], pa.scalar(day, pa.date32())))
