"""The log source `feed`: hours without any activity, whether every one of them was read, and how busy they usually
are.

Promise: a silence that was read is never confused with hours that were not: each row is wholly one or the other.
Knows no Dagster.
"""

from datetime import datetime, timedelta
from itertools import groupby

import duckdb
import pyarrow as pa

from warehouse.archive.archive import Archive
from warehouse.detections.computed import FEED_SILENCES
from warehouse.detections.statement import moment
from warehouse.tables.file_rows import versions_of_days
from warehouse.tables.fold import STREAM
from warehouse.tables.schema import TABLE as EVENTS
from warehouse.wire.windows import Window

HOUR = timedelta(hours=1)
# An hour is busy where it had activities on the same weekday of each of so many weeks.
WEEKS = 4
# What may take the feed a while to show is not silent yet.
_SETTLED = timedelta(minutes=15)


def feed_silences(archive: Archive, db: duckdb.DuckDBPyConnection, window: Window) -> pa.Table:
    """The stretches of whole empty hours that reach into a window, with the schema FEED_SILENCES.

    A stretch is followed back to its beginning, but not further than a week before the window.
    """
    first, end = hour_of(window.start), hour_of(window.end)
    if first >= end:
        return FEED_SILENCES.empty_table()
    begin = first - timedelta(weeks=1)
    heard = _heard(archive, db, begin - timedelta(weeks=WEEKS), end)
    covered = archive.state.stream(STREAM).covered
    hours = [begin + number * HOUR for number in range((end - begin) // HOUR)]
    marked = [(hour, hour in heard, _within(hour, covered)) for hour in hours]
    rows = []
    for (loud, read), stretch in groupby(marked, key=lambda one: one[1:]):
        silent = [hour for hour, _, _ in stretch]
        if loud or silent[-1] < first:
            continue
        busy = [hour for hour in silent if _is_busy(hour, heard)]
        noticed = busy[0] if busy else silent[0]  # a night before it is no part of what is odd
        rows.append(
            {
                "id": f"feed/{STREAM}/{noticed:%Y-%m-%dT%H}",
                "created_at": noticed,
                "commit_seq": archive.state.table(EVENTS).folded_through,
                "stream": STREAM,
                "hours": len(silent),
                "busy_hours": len(busy),
                "covered": str(read).lower(),
            }
        )
    return pa.Table.from_pylist(rows, schema=FEED_SILENCES)


def _is_busy(hour: datetime, heard: set[datetime]) -> bool:
    return all(hour - week * timedelta(weeks=1) in heard for week in range(1, WEEKS + 1))


def hour_of(moment: datetime) -> datetime:
    """The beginning of its hour."""
    return moment.replace(minute=0, second=0, microsecond=0)


def heard_until(archive: Archive) -> datetime | None:
    """Up to when hours can be judged: the last whole hour of coverage that has settled."""
    end = archive.state.covered_until(STREAM)
    return settled_hour(end) if end is not None else None


def settled_hour(end: datetime) -> datetime:
    """The end of the last whole hour that can be judged where the feed was read up to a moment."""
    return hour_of(end - _SETTLED)


def _heard(archive: Archive, db: duckdb.DuckDBPyConnection, since: datetime, until: datetime) -> set[datetime]:
    """The hours in which anything happened."""
    source = versions_of_days(archive, since.date(), until.date())
    found = db.execute(
        f"select distinct date_trunc('hour', created_at) from ({source}) as held "
        f"where created_at >= {moment(since)} and created_at < {moment(until)}"
    )
    return {row[0] for row in found.fetchall()}


def _within(hour: datetime, covered: list[Window]) -> bool:
    return any(window.start <= hour and hour + HOUR <= window.end for window in covered)
