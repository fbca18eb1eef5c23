"""Who was in which group of the directory from when to when, out of its snapshots. Knows no Dagster."""

from datetime import date

import duckdb

from warehouse.finops.group_centers import Stay

# A stay begins on the day the directory gives (the vendor's created_at), or where somebody came back, on the day
# they were seen again; it ends on the day on which a snapshot no longer had them.
_STAYS = """
select group_id, user_id, email, fold, version,
       cast(observed_at at time zone 'UTC' as date) as seen,
       cast(try_cast(created_at as timestamptz) at time zone 'UTC' as date) as since
from directory_group_member_versions order by record_key, version
"""


def stays_of(db: duckdb.DuckDBPyConnection) -> list[Stay]:
    """Every stay that the tables know, in a stable order."""
    found: list[Stay] = []
    open_since: dict[tuple[str, str], date] = {}
    last: dict[tuple[str, str], Stay] = {}
    for group, user, email, fold, version, seen, since in db.execute(_STAYS).fetchall():
        key = (group, user or email or "")
        if fold == "withdrawn":
            begin = open_since.pop(key, None)
            if begin is not None and begin < seen:
                found.append(Stay(group, user, email, begin, seen))
            last.pop(key, None)
            continue
        if key not in open_since:
            open_since[key] = min(since or seen, seen) if version == 1 else seen
        last[key] = Stay(group, user, email, open_since[key], None)
    return [*found, *(last[key] for key in sorted(last))]


def groups_of(db: duckdb.DuckDBPyConnection) -> list[tuple[str, str]]:
    """Id and name of every group that there is or was."""
    rows = db.execute("select id, coalesce(name, '') from directory_groups order by id").fetchall()
    return [(str(group), str(name)) for group, name in rows]
