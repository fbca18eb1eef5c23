"""The log source `directory`: settings, roles and keys that two snapshots show differently, and how many
activities in between would explain each.

Promise: a change counts as unexplained only where the feed covers the whole time between the two snapshots.
Knows no Dagster.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Any

import duckdb
import pyarrow as pa

from warehouse.archive.archive import Archive
from warehouse.archive.state import FORMAT, LogState
from warehouse.detections.computed import DIRECTORY_CHANGES
from warehouse.detections.statement import moment
from warehouse.tables.directory.schema import API_KEYS, ORGANIZATIONS, USERS
from warehouse.tables.file_rows import events_of_days
from warehouse.tables.fold import STREAM
from warehouse.tables.sql_literal import literal
from warehouse.taxonomy import load
from warehouse.wire.times import parse_rfc3339
from warehouse.wire.windows import Window

# The first table of each stream has the position up to which its snapshots are folded.
FOLDED = (ORGANIZATIONS.table, USERS.table, API_KEYS.table)
# A snapshot is stamped when it is committed; what it shows was asked for a little earlier.
_EARLIER = timedelta(minutes=15)
# Words that stand in the name of most settings and types, and so connect nothing.
_EMPTY = frozenset(
    (
        *("org", "organization", "organizations", "claude", "platform", "api", "user", "users"),
        *("settings", "setting", "policy", "mode", "default", "minutes", "days"),
        *("enabled", "disabled", "updated", "created", "deleted", "allowed"),
    )
)

# What a snapshot shows otherwise than the one before: `kind`, the stream, the record, old and new. A key that
# was there in the first snapshot of all is no change; that is judged where the snapshot before is looked for.
_CHANGES = """
select 'setting' as kind, 'organizations' as stream, v.name as subject, v.name as name, b.value as old_value,
       v.value as new_value, v.record_key, v.observed_at, v.commit_seq
from directory_setting_versions as v join directory_setting_versions as b
  on b.record_key = v.record_key and b.version = v.version - 1
where v.fold = 'revised' and v.value is distinct from b.value
union all
select 'role', 'users', v.id, coalesce(v.email, v.id), b.role, v.role, v.record_key, v.observed_at, v.commit_seq
from directory_user_versions as v join directory_user_versions as b
  on b.record_key = v.record_key and b.version = v.version - 1
where v.fold = 'revised' and b.fold <> 'withdrawn' and v.role is distinct from b.role
union all
select 'key', 'api_keys', v.id, coalesce(v.name, v.id), null, v.status, v.record_key, v.observed_at, v.commit_seq
from directory_api_key_versions as v where v.fold = 'first'
"""


@dataclass(frozen=True)
class _Snapshots:
    """The time between two snapshots of a stream, with the activities in it that administrators leave."""

    since: datetime
    until: datetime
    activities: tuple[tuple[str, str], ...]  # type and verbatim record


def directory_changes(archive: Archive, db: duckdb.DuckDBPyConnection, window: Window) -> pa.Table:
    """The changes that snapshots of a window brought, with the schema DIRECTORY_CHANGES."""
    found = db.execute(
        f"select * from ({_CHANGES}) as changes where observed_at >= $since and observed_at < $until "
        "order by commit_seq, kind, record_key",
        {"since": window.start, "until": window.end},
    )
    names = [column[0] for column in found.description or ()]
    changes = [dict(zip(names, row, strict=True)) for row in found.fetchall()]
    between = _between(archive, db)
    rows = [row for change in changes if (row := _row(archive.state, change, between)) is not None]
    return pa.Table.from_pylist(rows, schema=DIRECTORY_CHANGES)


def looked_through(state: LogState) -> int:
    """The last entry whose snapshots are folded."""
    return max(state.table(table).folded_through for table in FOLDED)


def _row(
    state: LogState, change: Mapping[str, Any], between: Callable[[str, int], _Snapshots | None]
) -> dict[str, Any] | None:
    snapshots = between(change["stream"], change["commit_seq"])
    if snapshots is None:
        return None
    explaining = sum(_explains(change, type, raw) for type, raw in snapshots.activities)
    covered = state.stream(STREAM).covered
    whole = any(window.start <= snapshots.since and snapshots.until <= window.end for window in covered)
    return {
        "id": f"directory/{change['commit_seq']}/{change['kind']}/{change['record_key']}",
        "created_at": change["observed_at"],
        "commit_seq": change["commit_seq"],
        **{name: change[name] for name in ("kind", "subject", "name", "old_value", "new_value")},
        "since": snapshots.since,
        "activities": explaining,
        "covered": str(whole).lower(),
    }


def _between(archive: Archive, db: duckdb.DuckDBPyConnection) -> Callable[[str, int], _Snapshots | None]:
    """What lies between a snapshot and the one before it; None where there is none before."""

    @cache
    def snapshots(stream: str, seq: int) -> _Snapshots | None:
        earlier = _snapshot_before(archive, stream, seq)
        if earlier is None:
            return None
        since, until = earlier - _EARLIER, parse_rfc3339(archive.entry(seq).committed_at)
        types = ", ".join(literal(kind) for kind in sorted(_administrative()))
        rows = db.execute(
            f"select type, raw from ({events_of_days(archive, since.date(), until.date())}) as held "
            f"where created_at >= {moment(since)} and created_at < {moment(until)} "
            f"and (type in ({types}) or unknown_event)"
        ).fetchall()
        return _Snapshots(since, until, tuple(rows))

    return snapshots


def _snapshot_before(archive: Archive, stream: str, seq: int) -> datetime | None:
    """When the complete snapshot of a stream before an entry was committed.

    Reads back to the log's own snapshot (SNAPSHOT_EVERY entries at most); its state says which pull was the last
    before it, however long ago that was.
    """
    number: int | None = seq - 1
    while number is not None and number >= 0:
        entry = archive.entry(number)
        if entry.kind == "pull" and entry.stream == stream and entry.complete:
            return parse_rfc3339(entry.committed_at)
        if isinstance(entry.state, dict) and entry.state.get("format") == FORMAT:
            number = LogState.from_builtins(entry.state).stream(stream).last_pull_seq
        else:
            number -= 1
    return None


@cache
def _administrative() -> frozenset[str]:
    return frozenset(name for name, kind in load().types.items() if kind.is_admin_change)


def _explains(change: Mapping[str, Any], type: str, raw: str) -> bool:
    """Whether an administrator's activity may be what changed a record: it names the person or the key; or it
    names the setting, or its type has a telling word of the setting's name."""
    if change["kind"] != "setting":
        # by the mapping of groups to roles, people get one who are not named
        of_a_person = change["kind"] == "role" and (change["name"] in raw or "role_mapping" in type)
        return change["subject"] in raw or of_a_person
    return change["name"] in raw or bool(_words(change["name"]) & _words(type))


def _words(name: str) -> frozenset[str]:
    words: Iterable[str] = re.split(r"[^a-z0-9]+", name.lower())
    return frozenset(word.removesuffix("s") for word in words if len(word) > 2 and word not in _EMPTY)
