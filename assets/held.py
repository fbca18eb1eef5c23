"""What the archive, the marts and the folder of reports hold of each asset, whoever made it: as materializations.

Promise: says what the log, the file of the marts and the files of a month say, and nothing of how it came about; a
day counts when a complete pull was asked for any of it. Reads only; asks no vendor.
"""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, Final, cast

import dagster as dg
import duckdb

from assets.analytics import figures
from assets.column_lineage import lineage
from assets.day_reports import coverage
from assets.marts import MARTS
from assets.report_links import link
from assets.siem import asset_name
from assets.spend_verdicts import day_facts
from assets.workshop import Workshop
from warehouse.anthropic.directory import SNAPSHOTS
from warehouse.anthropic.spend_queries import QUERIES, Stream
from warehouse.tables.audit_export.committing import STREAM as EXPORT
from warehouse.tables.catalog import connect
from warehouse.tables.connection import open_duckdb
from warehouse.tables.engagement.schema import BY_STREAM
from warehouse.tables.fold import STREAM
from warehouse.tables.schema import TABLE
from warehouse.tables.telemetry.schema import STREAM as OTEL
from warehouse.tables.telemetry.schema import TABLES as TELEMETRY
from warehouse.wire.times import parse_rfc3339

# The assets of a stream whose partitions are days, and of one that has none.
_DAILY: Final[dict[str, tuple[str, ...]]] = {
    STREAM: ("audit_pages", "audit_events"),
    **{stream: (f"{stream}_rows",) for stream in QUERIES},
    **{stream: (one.table,) for stream, one in BY_STREAM.items()},
}
_WHOLE: Final[dict[str, tuple[str, ...]]] = {
    **{stream: ("directory",) for stream in SNAPSHOTS},
    "organizations": ("organization_settings",),
    "spend_limits": ("spend_limits",),
    EXPORT: ("audit_export_rows",),
    OTEL: tuple(TELEMETRY),
    "alerts": ("alerts",),
}
# The files of a month that say that its asset was made, and what to open.
_MONTHLY: Final = {
    "chargeback_statement": ("statement.json", ("statement.xlsx", "statement.csv", "journal.csv")),
    "chargeback_report": ("report.html", ("report.html",)),
}

_ENTRIES = """
with entries as (
  select kind, stream, seq, committed_at, cast("window"[1] as timestamptz) as first,
         cast("window"[2] as timestamptz) as last
  from log_entries where kind in ('pull', 'seal', 'table') and complete is not false
)
select kind, stream, day, max(seq) as seq, max(committed_at) as at
from entries, lateral (select unnest(case when first is null then [cast(null as timestamptz)] else generate_series(
  date_trunc('day', first), last - interval 1 microsecond, interval 1 day) end) as day)
group by all order by all
"""


@dataclass(frozen=True)
class Held:
    """One asset, or one partition of it, that is there since `at`."""

    at: datetime
    told: dg.AssetMaterialization


def held(workshop: Workshop) -> Iterator[Held]:
    """Each asset of which something is held, and each partition. Raises StoreError's and LogError's kinds."""
    workshop.archive.refresh()
    with connect(workshop.archive) as db:
        entries = db.execute(_ENTRIES).fetchall()
    yield from _pulled(workshop, entries)
    yield from _sealed(workshop, entries)
    yield from _sent(workshop)
    with contextlib.suppress(duckdb.Error):  # a damaged file holds nothing; `sql` says so
        yield from list(_marts(workshop.marts))
    yield from _months(workshop)


def _held(asset: str, at: datetime, facts: dict[str, Any], partition: str | None = None) -> Held:
    return Held(
        at,
        dg.AssetMaterialization(
            asset, partition=partition, metadata={**facts, "there since": f"{at:%Y-%m-%d %H:%M} UTC"}
        ),
    )


def _pulled(workshop: Workshop, entries: list[tuple[Any, ...]]) -> Iterator[Held]:
    whole: dict[str, tuple[int, datetime]] = {}
    days: dict[str, dict[str, tuple[int, datetime]]] = {}
    for kind, stream, day, seq, at in entries:
        if kind == "seal":
            continue
        if kind == "pull" and stream in _DAILY and day is not None:
            days.setdefault(stream, {})[day.date().isoformat()] = seq, at
        for asset in _WHOLE.get(stream, ()):
            whole[asset] = max(whole.get(asset, (-1, at)), (seq, at))
    for asset, (seq, at) in whole.items():
        yield _held(asset, at, {"log_entry": seq})
    for stream, known in days.items():
        facts = _facts(workshop, stream, list(known))
        for day, (seq, at) in known.items():
            for asset in _DAILY[stream]:
                yield _held(asset, at, {"log_entry": seq, **facts.get(day, {})}, day)


def _facts(workshop: Workshop, stream: str, days: list[str]) -> dict[str, dict[str, Any]]:
    """What the tables say of days, by day."""
    if stream in QUERIES:
        known = day_facts(workshop, cast(Stream, stream), days)
        return {day: figures(one) for day, one in known.items()}
    if stream != STREAM:
        return {}
    state, rows = workshop.archive.state, dict.fromkeys(days, 0)
    for file in (*state.table(TABLE).recent, *state.table(TABLE).sealed):
        rows[file.dt] = rows.get(file.dt, 0) + file.rows
    found = {}
    for day in days:
        complete, covered = coverage(state, date.fromisoformat(day))
        found[day] = {"covered": covered, "complete": complete, "dagster/partition_row_count": rows[day]}
    return found


def _sealed(workshop: Workshop, entries: list[tuple[Any, ...]]) -> Iterator[Held]:
    files = workshop.archive.state.table(TABLE).sealed
    for kind, _, day, seq, at in entries:
        if kind == "seal" and day is not None:
            own = [file for file in files if file.dt == day.date().isoformat()]
            facts = {"log_entry": seq, "parts": len(own), "bytes": sum(file.bytes for file in own)}
            facts["dagster/partition_row_count"] = sum(file.rows for file in own)
            yield _held("audit_events_sealed", at, facts, day.date().isoformat())


def _sent(workshop: Workshop) -> Iterator[Held]:
    for name, served in (workshop.archive.state.deliveries or {}).items():
        if served.at is not None:
            facts = {"log_entry": served.seq, "delivered": served.delivered, "dead letters": served.dead_letters}
            yield _held(asset_name(name), parse_rfc3339(served.at), facts)


def _marts(database: Path) -> Iterator[Held]:
    if not database.exists():
        return
    with open_duckdb(database, read_only=True) as db:
        tables = {row[0] for row in db.execute("select table_name from duckdb_tables()").fetchall()}
        built = (
            db.execute("select epoch(built_at) from marts_build").fetchone() if "marts_build" in tables else None
        )
        if built is None:
            return
        for mart in MARTS:
            if mart.name in tables:
                row = db.execute(f"select count(*) from {mart.name}").fetchone()  # noqa: S608 - a name of ours
                facts = {"dagster/row_count": row[0] if row else 0, **lineage(mart.name)}
                yield _held(mart.name, datetime.fromtimestamp(built[0], UTC), facts)


def _months(workshop: Workshop) -> Iterator[Held]:
    for asset, (sign, shown) in _MONTHLY.items():
        for file in sorted(workshop.reports.glob(f"????-??/{sign}")):
            links = {name: link(workshop, file.with_name(name)) for name in shown if file.with_name(name).exists()}
            at = datetime.fromtimestamp(file.stat().st_mtime, UTC)
            yield _held(asset, at, links, f"{file.parent.name}-01")
