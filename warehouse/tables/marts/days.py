"""Which days of the archive a marts file holds, and which of them have changed since.

Promise: a day is up to date only if the archive still shows exactly the versions the day was built from, whatever
order commits were folded in. Kept in the marts file itself, so it can never disagree with it.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import duckdb

# What the marts read of the archive; the views may have more.
NEEDED = """
    id created_at type organization_id organization_uuid actor_type actor_id actor_email ip_address user_agent
    claude_chat_id claude_project_id claude_file_id filename user_id group_id session_id request_id url auth_method
    raw observed_at commit_seq version fold content_sha256 unknown_event dt
""".split()  # noqa: SIM905 - a list of names reads better as text

_MARKS = """
select cast(dt as date) as day, count(*) as events, cast(sum(version) as bigint) as versions,
       max(commit_seq) as newest_seq, cast(sum(commit_seq) as hugeint) as seqs
from archive.audit_events where dt is not null group by cast(dt as date)
"""

Mark = tuple[int, int, int, int]


@dataclass(frozen=True)
class LastBuild:
    """What a marts file says of the build that made it."""

    project_sha256: str
    built_at: datetime
    restrictions: str = ""  # `masking.fingerprint` of those that were on


def archive_marks(db: duckdb.DuckDBPyConnection) -> dict[date, Mark]:
    """Per UTC day with events: how many, and marks of their versions that change when any of them does."""
    return {row[0]: tuple(row[1:]) for row in db.execute(_MARKS).fetchall()}


def built_marks(db: duckdb.DuckDBPyConnection) -> dict[date, Mark]:
    """The same, as they were when each day was last built."""
    rows = db.execute("select day, events, versions, newest_seq, seqs from marts_build_days").fetchall()
    return {row[0]: tuple(row[1:]) for row in rows}


def changed(now: dict[date, Mark], built: dict[date, Mark]) -> list[date]:
    """The days that differ, in order; also those that were built and have no event any more."""
    return sorted(day for day in now.keys() | built.keys() if now.get(day) != built.get(day))


def last_build(db: duckdb.DuckDBPyConnection) -> LastBuild | None:
    """None where the file was not made by a build."""
    found = db.execute(
        "select count(*) from duckdb_tables() where schema_name = 'main' and database_name = current_database() "
        "and table_name in ('marts_build', 'marts_build_days')"
    ).fetchone()
    if not found or found[0] != 2:
        return None
    row = db.execute("select * from marts_build").fetchone()  # a file from before restrictions lacks the column
    return LastBuild(*row) if row else None


def record(
    db: duckdb.DuckDBPyConnection,
    *,
    project_sha256: str,
    built_at: datetime,
    restrictions: str,
    marks: dict[date, Mark],
    through: tuple[date, date] | None,
) -> None:
    """Write down that the days of the half-open range were built from the archive as `marks` describes it."""
    db.execute(
        "create or replace table marts_build as select ? as project_sha256, cast(? as timestamptz) as built_at, "
        "? as restrictions",
        [project_sha256, built_at, restrictions],
    )
    db.execute(
        "create table if not exists marts_build_days "
        "(day date, events bigint, versions bigint, newest_seq bigint, seqs hugeint)"
    )
    if through is None:
        return
    db.execute("delete from marts_build_days where day >= ? and day < ?", list(through))
    rows = [(day, *mark) for day, mark in sorted(marks.items()) if through[0] <= day < through[1]]
    if rows:
        db.executemany("insert into marts_build_days values (?, ?, ?, ?, ?)", rows)


def span(days: Iterable[date]) -> tuple[date, date] | None:
    """The half-open range from the first to after the last of the days; None for none."""
    ordered = sorted(days)
    return (ordered[0], ordered[-1] + timedelta(days=1)) if ordered else None
