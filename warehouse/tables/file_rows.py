"""The SELECT over the stored files of a table, as DuckDB reads them.

Promise: reads exactly the files it is told, and gives columns of their types where there is none.
"""

import re
from collections.abc import Callable, Collection, Sequence
from datetime import date

import pyarrow as pa

from warehouse.archive.archive import Archive
from warehouse.archive.state import LogState, TableFile, TableState
from warehouse.tables.current import current_rows
from warehouse.tables.masking import Masks
from warehouse.tables.object_access import reader_of, within
from warehouse.tables.schema import AUDIT_EVENTS, TABLE
from warehouse.tables.sql_literal import identifier, literal

_SQL_TYPES = {
    "string": "VARCHAR",
    "binary": "BLOB",
    "int32": "INTEGER",
    "int64": "BIGINT",
    "bool": "BOOLEAN",
    "date32[day]": "DATE",
    "timestamp[us, tz=UTC]": "TIMESTAMPTZ",
    "double": "DOUBLE",
    "decimal128(38, 8)": "DECIMAL(38, 8)",
    "list<item: string>": "VARCHAR[]",
    "list<element: string>": "VARCHAR[]",
    "list<item: int64>": "BIGINT[]",
    "list<element: int64>": "BIGINT[]",
}

_PARTITION = re.compile(r"/[^/]+=[^/]*/")
_DAY = r"/dt=(\d{4}-\d\d-\d\d)/[^/]+$"


def rows_of(
    archive: Archive, files: Sequence[TableFile], table: str = TABLE, columns: pa.Schema = AUDIT_EVENTS
) -> tuple[str, list[str]]:
    """The SELECT over some files of a table of versions, masked as that table is, and the statements that a
    connection needs before it. Raises what making the files readable raises (`object_access`).
    """
    root, setup = reader_of(archive, files)
    masks = Masks.of(archive.state)
    stored = _over(files, columns, root)
    return masks.over(table, columns.names, f"({stored}) as stored") or stored, setup


def versions_of_days(archive: Archive, first: date, last: date) -> str:
    """The SELECT of the versions of events of some days (both inclusive), unmasked; opens no other file."""
    low, high = first.isoformat(), last.isoformat()
    return _rows_where(archive, TABLE, AUDIT_EVENTS, lambda day: low <= day <= high)


def rows_of_days(archive: Archive, table: str, columns: pa.Schema, days: Collection[date]) -> str:
    """The SELECT of the stored rows of any table by day, of some days, unmasked; opens no other file."""
    asked = {day.isoformat() for day in days}
    return _rows_where(archive, table, columns, asked.__contains__)


def _rows_where(archive: Archive, table: str, columns: pa.Schema, of_day: Callable[[str], bool]) -> str:
    held, (root, _) = archive.state.table(table), reader_of(archive)
    near = TableState(
        recent=[file for file in held.recent if of_day(file.dt)],
        sealed=[file for file in held.sealed if of_day(file.dt)],
    )
    return _select(near, columns, root)


def events_of_days(archive: Archive, first: date, last: date) -> str:
    """The same for the current events alone."""
    return current_rows(f"({versions_of_days(archive, first, last)})")


def rows_of_table(state: LogState, table: str, columns: pa.Schema, root: str, *, by_day: bool = True) -> str:
    """The SELECT over the files that the log names, or over nothing where it names none."""
    return _select(state.table(table), columns, root, by_day=by_day)


def _select(held: TableState, columns: pa.Schema, root: str, *, by_day: bool = True) -> str:
    return _over([*held.sealed, *held.recent], columns, root, by_day=by_day)


def _over(files: Sequence[TableFile], columns: pa.Schema, root: str, *, by_day: bool = True) -> str:
    if not files:
        empty = ", ".join(f"cast(null as {sql_type(field)}) as {identifier(field.name)}" for field in columns)
        day = ", cast(null as date) as dt" if by_day else ""
        return f"select {empty}{day} where false"
    listed = ", ".join(literal(verbatim(root) + within(file.key, "tables/")) for file in files)
    names = ", ".join(identifier(field.name) for field in columns)
    if not by_day:
        return f"select {names} from read_parquet([{listed}], hive_partitioning = false)"
    day, options = "dt", "hive_partitioning = true, hive_types = {'dt': date}"
    if _PARTITION.search(root):  # `type=audit` above the archive would pass for a column of the files
        day = f"cast(regexp_extract(stored_as, {literal(_DAY)}, 1) as date) as dt"
        options = "hive_partitioning = false, filename = 'stored_as'"
    return f"select {names}, {day} from read_parquet([{listed}], {options})"


def verbatim(root: str) -> str:
    """A path that means itself where DuckDB expects a pattern."""
    return re.sub(r"[\[*?]", r"[\g<0>]", root)


def sql_type(field: pa.Field) -> str:
    """The SQL type of a column of an Arrow schema."""
    return _SQL_TYPES[str(field.type)]
