"""The log in Athena: `log_entries` and `audit_pages` out of the entries' own JSON, a line each.

Promise: the columns of DuckDB's views, in their order; what DuckDB has as JSON is JSON text here. Where somebody
is restricted, whatever may name a person is hidden altogether.
"""

from typing import Final

from warehouse.tables.athena.engines import Engine

LOG_LINES: Final = "stored_log_lines"
_MARK: Final = "'\"[restricted]\"'"

_TEXTS: Final = ("kind", "stream", "query", "data_refreshed_at", "writer", "previous", "error")
_JSON: Final = ("objects", "counts", "footprints", "findings", "recording", "restriction")
_KINDS: Final = {
    **dict.fromkeys(("format", *_TEXTS), "{scalar}"),
    **dict.fromkeys(_JSON, "json_format({whole})"),
    "window": "try(cast({whole} as array(varchar)))",
    "derived_from": "cast({whole} as array(bigint))",
    "complete": "cast({scalar} as boolean)",
}
_HIDDEN: Final = ("objects", "counts", "footprints", "findings", "recording", "error")
_ORDER: Final = (
    *("format", "seq", "kind", "stream", "window", "query", "complete", "objects", "derived_from", "counts"),
    *("data_refreshed_at", "writer", "committed_at", "snapshot", "previous", "error", "footprints", "findings"),
    *("recording", "restriction"),
)

_PAGES: Final = """
select e.seq as commit_seq, e.stream, {window_start} as window_start, {window_end} as window_end, e.complete,
       e.committed_at, p.ordinal as page, {key} as key, {version_id} as version_id, {request_id} as request_id,
       {requested_at} as requested_at, cast({status} as integer) as status, {query} as query,
       cast({records} as bigint) as records, {records_root} as records_root, {body_sha256} as body_sha256,
       cast({body_bytes} as bigint) as body_bytes, {sha256} as sha256, cast({bytes} as bigint) as bytes,
       {cursor_in} as cursor_in, {last_id} as last_id,
       json_format(json_extract(p.object, '$.headers')) as headers, e.writer
from {entries} as e
cross join unnest(cast(json_parse(e.objects) as array(json))) with ordinality as p (object, ordinal)
where e.kind = 'pull'
"""
_TEXT_OF_PAGE: Final = (
    *(
        "key",
        "version_id",
        "request_id",
        "status",
        "query",
        "records",
        "records_root",
        "body_sha256",
        "body_bytes",
    ),
    *("sha256", "bytes", "cursor_in", "last_id"),
)


def log_views(schema: str, engine: Engine, *, hide: bool) -> dict[str, str]:
    """The SELECTs of `log_entries` and `audit_pages`, by name. `hide`: somebody is restricted."""
    parsed = f"(select json_parse(line) as j from {schema}{LOG_LINES}) as entry"
    shown = [f"{_column(name, engine)} as {_named(name)}" for name in _ORDER]
    whole = f"select {', '.join(shown)} from {parsed}"
    texts = {name: f"json_extract_scalar(p.object, '$.{name}')" for name in _TEXT_OF_PAGE}
    if hide:
        hidden = [
            f"case when {name} is not null then {_MARK} end as {name}" if name in _HIDDEN else _named(name)
            for name in _ORDER
        ]
        entries = f"select {', '.join(hidden)} from ({whole}) as told"
        for name in ("query", "cursor_in", "last_id"):  # of a list of people, their ids
            texts[name] = f"case when e.stream = 'activities' then {texts[name]} else '[restricted]' end"
    else:
        entries = whole
    pages = _PAGES.format(
        entries=f"({whole})",
        window_start=_time('e."window"[1]', engine),
        window_end=_time('e."window"[2]', engine),
        requested_at=_time("json_extract_scalar(p.object, '$.requested_at')", engine),
        **texts,
    )
    return {"log_entries": entries, "audit_pages": pages}


def _column(name: str, engine: Engine) -> str:
    scalar = f"json_extract_scalar(j, '$.{name}')"
    if name == "committed_at":
        return _time(scalar, engine)
    kind = _KINDS.get(name, "cast({scalar} as bigint)")
    return kind.format(scalar=scalar, whole=f"json_extract(j, '$.{name}')")


def _named(name: str) -> str:
    return f'"{name}"' if name == "window" else name


def _time(text: str, engine: Engine) -> str:
    """A moment of RFC 3339, as views have moments: without a zone, UTC."""
    return f"cast(from_iso8601_timestamp_nanos({text}) at time zone 'UTC' as {engine.time})"
