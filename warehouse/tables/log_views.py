"""The log as tables, in DuckDB's SQL: its entries, the pages they name, and what nobody had listed.

Promise: an entry that is empty or gone is an error and no missing row.
"""

from warehouse.archive.state import LogState
from warehouse.tables.file_rows import verbatim
from warehouse.tables.masking import Masks
from warehouse.tables.sql_literal import identifier, literal

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

_FIRST_SEEN = """
create or replace view {schema}audit_unknown_first_seen as
select what, {name}, first_seq, first_at, records from (values {rows})
  as seen(what, name, first_seq, first_at, records) where what is not null
"""


# An emptied file would be no row and no error. In a bucket sizes cost a request each, and objects are locked.
_WHOLE = """
 and (select case when count(*) >= {size} then true else error('an entry of the log is empty or gone, so
 log_entries cannot be answered; run `ledgerline verify`') end from read_blob({entries}) where size > 0)"""


def log_views(prefix: str, state: LogState, root: str, masks: Masks) -> list[str]:
    """The statements that make `log_entries`, `audit_pages` and `audit_unknown_first_seen`, in order."""
    return [
        _log_view(prefix, state, root, masks),
        _PAGES.format(schema=prefix),
        _FIRST_SEEN.format(schema=prefix, rows=_first_seen_rows(state), name=masks.text("name")),
    ]


def _log_view(prefix: str, state: LogState, root: str, masks: Masks) -> str:
    columns = ", ".join(f"{literal(name)}: {literal(kind)}" for name, kind in _LOG_COLUMNS.items())
    entries = literal(verbatim(root) + "log/entry/*.json")
    if state.size == 0:
        empty = ", ".join(f"cast(null as {kind}) as {identifier(name)}" for name, kind in _LOG_COLUMNS.items())
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
