"""The rows of the log source `claude_code`: events of telemetry, and whether the directory knows whose they are.

Promise: an account counts as a stranger only where a directory was read that does not list it, and the feed has
not seen it either; where nothing was read, nothing is said. Knows no Dagster.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta

import duckdb
import pyarrow as pa

from warehouse.archive.archive import Archive
from warehouse.detections.claude_code import EVENTS, NUMBERS, OF_ATTRIBUTES, OF_COLUMNS
from warehouse.detections.statement import moment
from warehouse.tables.file_rows import events_of_days, rows_of_days
from warehouse.tables.fold import STREAM
from warehouse.tables.sql_literal import literal
from warehouse.tables.telemetry.schema import OTEL_EVENTS
from warehouse.wire.windows import Window

_INSTANT = timedelta(microseconds=1)
# Somebody new is in the feed before a snapshot of the directory lists them.
_NEW_SINCE = timedelta(days=7)

# `denied_before` counts the denials of so long before, in the same session.
_DENIED_WITHIN_MINUTES = 15

_ACTOR = "coalesce(user_account_id, user_email, user_account_uuid, enduser_id, user_id)"
_MCP_SERVER = """case when event_name = 'mcp_server_connection' then coalesce({server_name},
  case when {is_plugin} = 'true' then 'plugin ' || coalesce({plugin_id_hash}, {plugin_name}) end,
  coalesce({server_scope}, '?') || '/' || coalesce({transport_type}, '?')) end"""

_MADE, _OURS, _SEEN = "claude_code_made", "claude_code_ours", "claude_code_seen"
_JUDGED = f"""
select made.*,
  case when made.user_account_id is null and made.user_email is null then 'none'
       when (select count(*) from directory_users) = 0 then 'unread'
       when listed.gone_at <= made.created_at then 'removed'
       when listed.known then 'listed'
       when made.user_account_id in (select who from {_SEEN}) or made.user_email in (select who from {_SEEN})
         then 'seen'
       else 'stranger' end as account,
  case when made.organization_id is null then 'none'
       when (select count(*) from {_OURS}) = 0 then 'unread'
       when lower(made.organization_id) in (select lower(uuid) from {_OURS}) then 'ours'
       else 'other' end as organization
from {_MADE} as made left join (
  select m.id as row_id, true as known,
         case when bool_and(u.fold = 'withdrawn') then max(u.observed_at) end as gone_at
  from {_MADE} as m join directory_users as u
    on u.id = m.user_account_id or (m.user_account_id is null and lower(u.email) = m.user_email)
  group by m.id
) as listed on listed.row_id = made.id
order by made.created_at, made.id"""
_ACCOUNTS = f"""
select distinct user_account_id, user_email from {_MADE} as made
where (user_account_id is not null or user_email is not null) and not exists (
  select 1 from directory_users as u
  where u.id = made.user_account_id or (made.user_account_id is null and lower(u.email) = made.user_email))"""


@dataclass(frozen=True)
class Wanted:
    """Events of some types (None: of every type) in a window."""

    types: frozenset[str] | None
    window: Window

    def condition(self) -> str:
        """What they are in SQL, over `type` and `created_at`."""
        when = f"created_at >= {moment(self.window.start)} and created_at < {moment(self.window.end)}"
        if self.types is None:
            return f"({when})"
        return f"(type in ({', '.join(literal(name) for name in sorted(self.types)) or 'null'}) and {when})"


def claude_code_events(archive: Archive, db: duckdb.DuckDBPyConnection, wanted: Sequence[Wanted]) -> pa.Table:
    """The events that some rules want, with the schema EVENTS, in order of time."""
    if not wanted or not archive.state.table(OTEL_EVENTS.name).recent:
        return EVENTS.empty_table()
    days = {one.window.start.date() - timedelta(days=1) for one in wanted}
    days |= {
        one.window.start.date() + timedelta(days=number)
        for one in wanted
        for number in range(
            (one.window.end - _INSTANT).date().toordinal() - one.window.start.date().toordinal() + 1
        )
    }
    stored = rows_of_days(archive, OTEL_EVENTS.name, OTEL_EVENTS.schema, days)
    made = db.execute(_rows_of(stored, wanted)).to_arrow_table()
    db.register(_MADE, made)
    try:
        db.register(_OURS, _organizations(archive, db))
        db.register(_SEEN, _seen(archive, db, made))
        judged = db.execute(_JUDGED).to_arrow_table()
    finally:
        for name in (_MADE, _OURS, _SEEN):
            db.unregister(name)
    return pa.table([judged[name] for name in EVENTS.names], names=EVENTS.names).cast(EVENTS)


def _organizations(archive: Archive, db: duckdb.DuckDBPyConnection) -> pa.Table:
    """Our organisations: those of the directory, and those of the last day of the feed that was read."""
    until = archive.state.covered_until(STREAM)
    feed = ""
    if until is not None:
        day = (until - _INSTANT).date()
        feed = (
            f" union select organization_uuid from ({events_of_days(archive, day, day)}) as held "
            "where organization_uuid is not null"
        )
    return db.execute(f"select uuid from directory_organizations where uuid is not null{feed}").to_arrow_table()


def _seen(archive: Archive, db: duckdb.DuckDBPyConnection, made: pa.Table) -> pa.Table:
    """Which of the accounts that no directory lists did something in the feed of the days around them."""
    asked = sorted({one for row in db.execute(_ACCOUNTS).fetchall() for one in row if one})
    if not asked:
        return pa.table({"who": pa.array([], pa.string())})
    span = db.execute(f"select min(created_at), max(created_at) from {_MADE}").fetchall()[0]
    names = ", ".join(literal(one) for one in asked)
    held = events_of_days(archive, (span[0] - _NEW_SINCE).date(), span[1].date())
    return db.execute(
        f"select distinct actor_id as who from ({held}) as held where actor_id in ({names}) "
        f"union select distinct lower(actor_email) from ({held}) as held where lower(actor_email) in ({names})"
    ).to_arrow_table()


def _rows_of(stored: str, wanted: Iterable[Wanted]) -> str:
    """The SELECT of the rows but for `account` and `organization`. stored: one of whole days of `otel_events`, so
    that of two copies the first is known, and the denials before a window."""
    asked = list(wanted)
    every = any(one.types is None for one in asked)
    named = sorted(frozenset[str]().union(*(one.types or () for one in asked)))
    types = "true" if every else f"event_name in ({', '.join(literal(name) for name in named) or 'null'})"
    texts = {name: f"""json_extract_string(attributes, '$."{of}"')""" for name, of in OF_ATTRIBUTES.items()}
    numbers = {
        name: f"""try_cast(json_extract_string(attributes, '$."{of}"') as bigint)"""
        for name, of in NUMBERS.items()
    }
    columns = [
        "'claude_code/' || commit_seq || '/' || position as id",
        "coalesce(time, landed_at) as created_at",
        "commit_seq",
        f"{_ACTOR} as actor",
        "user_email as actor_email",
        *(f"{of} as {name}" for name, of in OF_COLUMNS.items()),
        *(f"{expression} as {name}" for name, expression in (texts | numbers).items()),
        f"{_MCP_SERVER.format(**texts)} as mcp_server",
    ]
    return f"""
with copies as (
  select *, row_number() over (partition by dedup_key order by commit_seq, position) as copy
  from ({stored}) as stored where {types}
), once as (
  select {", ".join(columns)} from copies where copy = 1
), judged as (
  select *, case when type = 'tool_decision' then count(*) filter (where type = 'tool_decision' and
    decision = 'reject') over (partition by session_id order by created_at
      range between interval '{_DENIED_WITHIN_MINUTES}' minute preceding and current row) end as denied_before
  from once
)
select * from judged where {" or ".join(one.condition() for one in asked) or "false"}"""
