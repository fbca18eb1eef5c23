"""DuckDB over the archive: the tables that auditors read, as views over exactly the files the log names.

Promise: the same names and answers as in Athena; a reader sees a consistent state of the log, each row once.
"""

import os
import re
from collections.abc import Callable, Collection, Sequence
from datetime import date
from pathlib import Path

import duckdb
import pyarrow as pa

from warehouse.archive.archive import Archive
from warehouse.archive.state import LogState, TableFile, TableState
from warehouse.tables.alerts import CURRENT
from warehouse.tables.audit_export.schema import AUDIT_EXPORT_ROWS, audit_export_matches_sql
from warehouse.tables.audit_export.schema import TABLE as EXPORT_TABLE
from warehouse.tables.current import current_rows, rows_as_of
from warehouse.tables.delivery_views import delivery_views
from warehouse.tables.directory.views import directory_as_of, directory_views
from warehouse.tables.engagement.views import engagement_as_of, engagement_views
from warehouse.tables.fold import STREAM
from warehouse.tables.masking import Masks, fingerprint
from warehouse.tables.object_access import reader_of, within
from warehouse.tables.schema import AUDIT_EVENTS, TABLE
from warehouse.tables.spend.views import spend_as_of, spend_views
from warehouse.tables.sql_literal import literal
from warehouse.tables.stored_tables import STORED
from warehouse.tables.telemetry.schema import TABLES as TELEMETRY
from warehouse.tables.telemetry.views import telemetry_as_of, telemetry_view
from warehouse.taxonomy.seed import SEED_COLUMNS
from warehouse.taxonomy.taxonomy import EVENT_TYPES_CSV

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

_LOG_COLUMNS = {
    "format": "VARCHAR",
    "seq": "BIGINT",
    "kind": "VARCHAR",
    "stream": "VARCHAR",
    "window": "VARCHAR[]",
    "query": "VARCHAR",
    "complete": "BOOLEAN",
    "objects": "JSON",
    "derived_from": "BIGINT[]",
    "counts": "JSON",
    "data_refreshed_at": "VARCHAR",
    "writer": "VARCHAR",
    "committed_at": "TIMESTAMPTZ",
    "snapshot": "BIGINT",
    "previous": "VARCHAR",
    "error": "VARCHAR",
    "footprints": "JSON",
    "findings": "JSON",
    "recording": "JSON",
    "restriction": "JSON",
}

# Columns of the log that may name somebody, and what is shown then; of the counts the numbers stay. A list that is
# paged by the ids of people has such an id as its cursor; the cursors of the feed are ids of events.
_NO_CURSORS = """to_json(list_transform(cast(objects as json[]), lambda o:
 json_merge_patch(o, '{"query":"[restricted]","cursor_in":"[restricted]","last_id":"[restricted]"}')))"""
_NAMING = [
    *(("footprints", ""), ("findings", ""), ("recording", "")),
    (
        "counts",
        """json_merge_patch(counts, '{"unknown_types":null,"unknown_fields":null,"thresholds":null,
 "suppressions":null}')""",
    ),
    ("objects", _NO_CURSORS, "kind = 'pull' and stream <> 'activities'"),
]

_PARTITION = re.compile(r"/[^/]+=[^/]*/")
_DAY = r"/dt=(\d{4}-\d\d-\d\d)/[^/]+$"

_PAGES = """
create or replace view {schema}audit_pages as
select e.seq as commit_seq, e.stream, cast(e."window"[1] as timestamptz) as window_start,
       cast(e."window"[2] as timestamptz) as window_end, e.complete, e.committed_at,
       p.ordinal as page, p.object ->> 'key' as key, p.object ->> 'version_id' as version_id,
       p.object ->> 'request_id' as request_id, cast(p.object ->> 'requested_at' as timestamptz) as requested_at,
       cast(p.object ->> 'status' as integer) as status, p.object ->> 'query' as query,
       cast(p.object ->> 'records' as bigint) as records, p.object ->> 'records_root' as records_root,
       p.object ->> 'body_sha256' as body_sha256, cast(p.object ->> 'body_bytes' as bigint) as body_bytes,
       p.object ->> 'sha256' as sha256, cast(p.object ->> 'bytes' as bigint) as bytes,
       p.object ->> 'cursor_in' as cursor_in, p.object ->> 'last_id' as last_id,
       p.object -> 'headers' as headers, e.writer
from {schema}log_entries as e,
     lateral (select unnest(cast(e.objects as json[])) as object,
                     generate_subscripts(cast(e.objects as json[]), 1) as ordinal) as p
where e.kind = 'pull'
"""

# Athena's (Trino's) meaning: null for what is no scalar, and for what is no JSON.
_JSON_EXTRACT_SCALAR = """
create macro json_extract_scalar(document, path) as
  try(case when json_type(document, path) in ('OBJECT', 'ARRAY') then null
           else json_extract_string(document, path) end)
"""
_JSON_FORMAT = "create macro json_format(document) as cast(document as varchar)"
# what a connection needs to read JSON with the words of Athena
JSON_MACROS = (_JSON_EXTRACT_SCALAR, _JSON_FORMAT)

_FIRST_SEEN = """
create or replace view {schema}audit_unknown_first_seen as
select what, {name}, first_seq, first_at, records from (values {rows})
  as seen(what, name, first_seq, first_at, records) where what is not null
"""


# An emptied file would be no row and no error. In a bucket sizes cost a request each, and objects are locked.
_WHOLE = """
 and (select case when count(*) >= {size} then true else error('an entry of the log is empty or gone, so
 log_entries cannot be answered; run `ledgerline verify`') end from read_blob({entries}) where size > 0)"""


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
    archive.refresh()
    # Nobody's host is contacted because a question names what only an extension could read.
    db = duckdb.connect(config={"autoinstall_known_extensions": False, "autoload_known_extensions": False})
    db.execute("set timezone = 'UTC'")
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
        names = ", ".join(_name(name) for name in SEED_COLUMNS)
        source = f"read_csv({literal(_verbatim(os.fspath(EVENT_TYPES_CSV)))}, header = true, all_varchar = true)"
        made.append(f"create view event_types as select {names} from {source}")
    return made


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
            db.execute(f"create view {_name(name)} as select * from marts.{_name(schema)}.{_name(name)}")
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
    prefix = f"{_name(schema)}." if schema else ""
    root, setup = reader_of(archive)
    state = archive.state
    masks = Masks.of(state, unmasked=unmasked)
    versions = f"{prefix}audit_event_versions"
    made = list(setup)
    if schema:
        made.append(f"create schema if not exists {_name(schema)}")
    made += [
        _table_view(f"{prefix}{one.view}", state, one.folder, one.columns, root, masks, by_day=one.by_day)
        for one in STORED
    ]
    made += [
        f"create or replace view {prefix}audit_events as " + current_rows(versions),
        f"create or replace macro {prefix}audit_events_as_of(ts) as table "
        + rows_as_of(versions, "cast(ts as timestamptz)"),
        _log_view(prefix, state, root, masks),
        _PAGES.format(schema=prefix),
        _FIRST_SEEN.format(schema=prefix, rows=_first_seen_rows(state), name=masks.text("name")),
        _matches_view(prefix, state, root, masks),
        f"create or replace view {prefix}alerts as " + CURRENT.format(versions=f"{prefix}alert_versions"),
    ]
    made += [
        telemetry_view(f"{prefix}{one.name}", one, _stored(state, one.name, one.schema, root), masks)
        for one in TELEMETRY.values()
    ]
    made += delivery_views(prefix, state, _verbatim(root), masks)
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
    stored = _stored(state, table, columns, root, by_day=by_day)
    shown = [_name(field.name) for field in columns] + (["dt"] if by_day else [])
    return f"create or replace view {name} as {masks.over(table, shown, f'({stored}) as stored') or stored}"


def _matches_view(prefix: str, state: LogState, root: str, masks: Masks) -> str:
    """The comparison names nobody, so it compares what is stored: once masked, all would be alike."""
    rows = events = ""
    if masks.active:
        versions = f"({_stored(state, TABLE, AUDIT_EVENTS, root)})"
        rows = f"({_stored(state, EXPORT_TABLE, AUDIT_EXPORT_ROWS, root)}) as stored_rows"
        events = f"({current_rows(versions)}) as feed"
    return f"create or replace view {prefix}audit_export_matches as " + audit_export_matches_sql(
        prefix, covered=state.stream(STREAM).covered, rows=rows, events=events
    )


def _stored(state: LogState, table: str, columns: pa.Schema, root: str, *, by_day: bool = True) -> str:
    """The SELECT over the files that the log names, or over nothing where it names none."""
    return _select(state.table(table), columns, root, by_day=by_day)


def _select(held: TableState, columns: pa.Schema, root: str, *, by_day: bool = True) -> str:
    return _over([*held.sealed, *held.recent], columns, root, by_day=by_day)


def _over(files: Sequence[TableFile], columns: pa.Schema, root: str, *, by_day: bool = True) -> str:
    if not files:
        empty = ", ".join(f"cast(null as {sql_type(field)}) as {_name(field.name)}" for field in columns)
        day = ", cast(null as date) as dt" if by_day else ""
        return f"select {empty}{day} where false"
    listed = ", ".join(literal(_verbatim(root) + within(file.key, "tables/")) for file in files)
    names = ", ".join(_name(field.name) for field in columns)
    if not by_day:
        return f"select {names} from read_parquet([{listed}], hive_partitioning = false)"
    day, options = "dt", "hive_partitioning = true, hive_types = {'dt': date}"
    if _PARTITION.search(root):  # `type=audit` above the archive would pass for a column of the files
        day = f"cast(regexp_extract(stored_as, {literal(_DAY)}, 1) as date) as dt"
        options = "hive_partitioning = false, filename = 'stored_as'"
    return f"select {names}, {day} from read_parquet([{listed}], {options})"


def _log_view(prefix: str, state: LogState, root: str, masks: Masks) -> str:
    columns = ", ".join(f"{literal(name)}: {literal(kind)}" for name, kind in _LOG_COLUMNS.items())
    entries = literal(_verbatim(root) + "log/entry/*.json")
    if state.size == 0:
        empty = ", ".join(f"cast(null as {kind}) as {_name(name)}" for name, kind in _LOG_COLUMNS.items())
        return f"create or replace view {prefix}log_entries as select {empty} where false"
    shown = "*"
    if masks.active:
        replaced = [*(masks.json(*column) for column in _NAMING), masks.text("error")]
        shown = f"* replace ({', '.join(replaced)})"
    return (
        f"create or replace view {prefix}log_entries as select {shown} from read_json("
        f"{entries}, columns = {{{columns}}}, "
        f"format = 'newline_delimited', hive_partitioning = false, maximum_object_size = 268435456) "
        f"where seq <= {state.seq}{'' if '://' in root else _WHOLE.format(entries=entries, size=state.size)}"
    )


def _first_seen_rows(state: LogState) -> str:
    rows = ["(cast(null as varchar), cast(null as varchar), cast(null as bigint), cast(null as timestamptz), 0)"]
    for table in state.tables.values():
        for what, seen in (("type", table.unknown_types), ("field", table.unknown_fields)):
            rows += [
                f"('{what}', {literal(name)}, {first.seq}, timestamptz {literal(first.at)}, {first.count})"
                for name, first in seen.items()
            ]
    return ", ".join(rows)


def _verbatim(root: str) -> str:
    """A path that means itself where DuckDB expects a pattern."""
    return re.sub(r"[\[*?]", r"[\g<0>]", root)


def sql_type(field: pa.Field) -> str:
    """The SQL type of a column of an Arrow schema."""
    return _SQL_TYPES[str(field.type)]


def _name(text: str) -> str:
    return text if re.fullmatch(r"[a-z_][a-z0-9_]*", text) else '"' + text.replace('"', '""') + '"'
