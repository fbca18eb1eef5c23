"""DuckDB over the archive: the tables that auditors read, as views over exactly the files the log names.

Promise: the same names and answers as in Athena; a reader sees a consistent state of the log, each row once.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa

from warehouse.archive.archive import Archive
from warehouse.archive.state import LogState
from warehouse.tables.alerts import CURRENT
from warehouse.tables.audit_export.schema import AUDIT_EXPORT_ROWS, audit_export_matches_sql
from warehouse.tables.audit_export.schema import TABLE as EXPORT_TABLE
from warehouse.tables.connection import open_duckdb
from warehouse.tables.current import current_rows, rows_as_of
from warehouse.tables.delivery_views import delivery_views
from warehouse.tables.directory.views import directory_as_of, directory_views
from warehouse.tables.engagement.views import engagement_as_of, engagement_views
from warehouse.tables.file_rows import rows_of_table, verbatim
from warehouse.tables.fold import STREAM
from warehouse.tables.log_views import log_views
from warehouse.tables.masking import Masks, fingerprint
from warehouse.tables.object_access import reader_of
from warehouse.tables.schema import AUDIT_EVENTS, TABLE
from warehouse.tables.spend.views import spend_as_of, spend_views
from warehouse.tables.sql_literal import identifier, literal
from warehouse.tables.stored_tables import STORED
from warehouse.tables.telemetry.schema import TABLES as TELEMETRY
from warehouse.tables.telemetry.views import telemetry_as_of, telemetry_view
from warehouse.taxonomy.seed import SEED_COLUMNS
from warehouse.taxonomy.taxonomy import EVENT_TYPES_CSV

if TYPE_CHECKING:
    import duckdb

# Athena's (Trino's) meaning: null for what is no scalar, and for what is no JSON.
_JSON_EXTRACT_SCALAR = """
create macro json_extract_scalar(document, path) as
  try(case when json_type(document, path) in ('OBJECT', 'ARRAY') then null
           else json_extract_string(document, path) end)
"""
_JSON_FORMAT = "create macro json_format(document) as cast(document as varchar)"
# what a connection needs to read JSON with the words of Athena
JSON_MACROS = (_JSON_EXTRACT_SCALAR, _JSON_FORMAT)


def connect(
    archive: Archive,
    *,
    database: Path | str | None = None,
    unmasked: Collection[str] = (),
    on_unreadable: Callable[[str], None] | None = None,
) -> duckdb.DuckDBPyConnection:
    """A connection with every table of the archive as of now; in memory, or with a marts file attached.

    `database` is the DuckDB file of the marts; it is attached read-only and its tables stand beside the archive's,
    unless it was built under other restrictions than are on now. `unmasked`: tables that show restricted persons
    all the same (`masking.EVERY_TABLE` for all). A file of marts that is damaged or none is left out where
    `on_unreadable` takes the engine's reason; else that raises. The caller closes the connection.
    """
    import duckdb  # noqa: PLC0415 - as in `open_duckdb`

    archive.refresh()
    db = open_duckdb()
    for statement in statements(archive, unmasked=unmasked):
        db.execute(statement)
    if database is not None and Path(database).exists():
        try:
            attach_marts(db, Path(database), archive.state)
        except duckdb.Error as error:
            if on_unreadable is None:
                raise
            on_unreadable(str(error).strip().partition("\n")[0])
    for statement in _as_in_athena(db):
        db.execute(statement)
    return db


def _as_in_athena(db: duckdb.DuckDBPyConnection) -> list[str]:
    """What lets SQL that was written for Athena run here unchanged: two functions, and the taxonomy as a table."""
    made = [*JSON_MACROS]
    if not db.execute("select 1 from duckdb_views() where view_name = 'event_types' and not internal").fetchall():
        names = ", ".join(identifier(name) for name in SEED_COLUMNS)
        source = f"read_csv({literal(verbatim(os.fspath(EVENT_TYPES_CSV)))}, header = true, all_varchar = true)"
        made.append(f"create view event_types as select {names} from {source}")
    return made


def attach_marts(db: duckdb.DuckDBPyConnection, database: Path, state: LogState) -> bool:
    """Show the marts of a built file as views of their own names, unless the archive has that name.

    False, and nothing is shown, where they were built under other restrictions than are on now.
    """
    db.execute(f"attach {literal(os.fspath(database))} as marts (read_only)")
    if _marts_made_under(db) != fingerprint(state):
        db.execute("detach marts")
        return False
    taken = {row[0] for row in db.execute("select view_name from duckdb_views() where not internal").fetchall()}
    found = db.execute(
        "select schema_name, table_name from duckdb_tables() where database_name = 'marts' union all "
        "select schema_name, view_name from duckdb_views() where database_name = 'marts' and not internal"
    ).fetchall()
    for schema, name in sorted(found):
        if schema != "archive" and name not in taken:
            db.execute(
                f"create view {identifier(name)} as select * from marts.{identifier(schema)}.{identifier(name)}"
            )
    return True


def _marts_made_under(db: duckdb.DuckDBPyConnection) -> str:
    """The fingerprint of the restrictions that were on; empty for none, and for files older than them."""
    known = db.execute(
        "select count(*) from duckdb_columns() where database_name = 'marts' and schema_name = 'main' "
        "and table_name = 'marts_build' and column_name = 'restrictions'"
    ).fetchone()
    row = db.execute("select restrictions from marts.main.marts_build").fetchone() if known and known[0] else None
    return str(row[0]) if row else ""


def statements(archive: Archive, schema: str | None = None, *, unmasked: Collection[str] = ()) -> list[str]:
    """The SQL that makes the archive's tables, in order, into `schema` (default: the current one).

    Persons whose records are restricted are masked, but in the tables named `unmasked`.
    """
    prefix = f"{identifier(schema)}." if schema else ""
    root, setup = reader_of(archive)
    state = archive.state
    masks = Masks.of(state, unmasked=unmasked)
    versions = f"{prefix}audit_event_versions"
    made = list(setup)
    if schema:
        made.append(f"create schema if not exists {identifier(schema)}")
    made += [
        _table_view(f"{prefix}{one.view}", state, one.folder, one.columns, root, masks, by_day=one.by_day)
        for one in STORED
    ]
    made += [
        f"create or replace view {prefix}audit_events as " + current_rows(versions),
        f"create or replace macro {prefix}audit_events_as_of(ts) as table "
        + rows_as_of(versions, "cast(ts as timestamptz)"),
        *log_views(prefix, state, root, masks),
        _matches_view(prefix, state, root, masks),
        f"create or replace view {prefix}alerts as " + CURRENT.format(versions=f"{prefix}alert_versions"),
    ]
    made += [
        telemetry_view(f"{prefix}{one.name}", one, rows_of_table(state, one.name, one.schema, root), masks)
        for one in TELEMETRY.values()
    ]
    made += delivery_views(prefix, state, verbatim(root), masks)
    return made + spend_views(prefix) + directory_views(prefix) + engagement_views(prefix)


def as_of_statements(moment: str, state: LogState, schema: str = "") -> list[str]:
    """Make `audit_events` and `audit_event_versions` mean what was known at a moment (RFC 3339)."""
    at = f"timestamptz {literal(moment)}"
    return [
        f"create or replace temp view audit_events as select * from {schema}audit_events_as_of({at})",
        f"create or replace temp view audit_event_versions as "
        f"select * from memory.main.audit_event_versions where observed_at <= {at}",
        *spend_as_of(at),
        *directory_as_of(at),
        *engagement_as_of(at),
        *telemetry_as_of(at),
    ]


def _table_view(
    name: str, state: LogState, table: str, columns: pa.Schema, root: str, masks: Masks, *, by_day: bool = True
) -> str:
    """A view over the files that the log names. `by_day`: the folder's day is the rows', and a column `dt`."""
    stored = rows_of_table(state, table, columns, root, by_day=by_day)
    shown = [identifier(field.name) for field in columns] + (["dt"] if by_day else [])
    return f"create or replace view {name} as {masks.over(table, shown, f'({stored}) as stored') or stored}"


def _matches_view(prefix: str, state: LogState, root: str, masks: Masks) -> str:
    """The comparison names nobody, so it compares what is stored: once masked, all would be alike."""
    rows = events = ""
    if masks.active:
        versions = f"({rows_of_table(state, TABLE, AUDIT_EVENTS, root)})"
        rows = f"({rows_of_table(state, EXPORT_TABLE, AUDIT_EXPORT_ROWS, root)}) as stored_rows"
        events = f"({current_rows(versions)}) as feed"
    return f"create or replace view {prefix}audit_export_matches as " + audit_export_matches_sql(
        prefix, covered=state.stream(STREAM).covered, rows=rows, events=events
    )
