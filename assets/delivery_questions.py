"""DuckDB as a delivery asks it: one narrow connection, made when it is first needed, and errors that say what a
slice cannot be asked.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from warehouse.delivery.errors import SliceInvalid
from warehouse.delivery.slices import Slice
from warehouse.tables.connection import open_duckdb

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

ROWS_AT_ONCE = 4_000  # two batches of most receivers, which then need not be joined
_MEMORY = "192MB"
_QUOTED = re.compile(r"""(['"]).*?\1""", re.DOTALL)


class Questions:
    """What a reader of one slice asks. A context manager, which takes its folder on disk with it."""

    def __init__(self, slice: Slice) -> None:
        self.slice = slice
        self._scratch = tempfile.TemporaryDirectory(prefix="ledgerline-")
        self.folder = Path(self._scratch.name)
        self._ready: set[str] = set()

    def __enter__(self) -> Questions:
        return self

    def __exit__(self, *_: object) -> None:
        if "db" in self.__dict__:
            self.db.close()
        self._scratch.cleanup()

    @cached_property
    def db(self) -> duckdb.DuckDBPyConnection:
        """The connection."""
        made = open_narrow()
        made.execute("set temp_directory = ?", [str(self.folder)])
        return made

    def prepare(self, setup: Sequence[str]) -> None:
        """Run the statements that a source needs first, each once."""
        for statement in setup:
            if statement not in self._ready:
                self.db.execute(statement)
                self._ready.add(statement)

    def asked(self, query: str, at_once: int = ROWS_AT_ONCE) -> Iterator[pa.RecordBatch]:
        """The answer in batches of so many rows. Raises SliceInvalid where an event's value does not go with the
        condition."""
        import duckdb  # noqa: PLC0415 - as in `open_duckdb`

        try:
            yield from self.db.execute(query).to_arrow_reader(at_once)
        except (duckdb.DataError, duckdb.ProgrammingError) as error:
            if self.slice.condition is None:
                raise
            # the condition met a value that it cannot be asked of: an event's own, which no message repeats
            raise self._invalid(_QUOTED.sub("'...'", str(error))) from None

    def check(self, source: str) -> None:
        """Raise SliceInvalid where the engine does not take the slice's condition (a comparison of two kinds)."""
        import duckdb  # noqa: PLC0415 - as in `open_duckdb`

        try:
            self.db.execute(f"select 1 from ({source}) where {self.slice.condition}").fetchall()
        except duckdb.OperationalError:  # the machine's trouble, not the condition's
            raise
        except duckdb.Error as error:
            raise self._invalid(str(error)) from None

    def _invalid(self, said: str) -> SliceInvalid:
        reason = said.strip().partition("\n")[0]
        return SliceInvalid(
            f"the slice {self.slice.text!r} cannot be asked of audit_events ({reason})",
            remedy='`ledgerline sql "select count(*) from audit_events where ..."` tries a condition out',
        )


def open_narrow() -> duckdb.DuckDBPyConnection:
    """DuckDB with one thread and little memory: destinations work side by side."""
    return open_duckdb(threads=1, memory_limit=_MEMORY)
