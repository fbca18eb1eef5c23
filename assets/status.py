"""What the archive knows of itself, in one document: coverage, lag, versions, what is strange, what is wrong.

Promise: read from the log alone; needs neither the vendor's API nor a key.
"""

import re
from datetime import date, datetime, timedelta
from typing import Any

from assets.workshop import Workshop
from warehouse.anthropic.directory import EVERY_SNAPSHOT
from warehouse.anthropic.engagement_planning import promised_from
from warehouse.anthropic.planning import LAG
from warehouse.anthropic.spend_planning import first_day
from warehouse.archive.deliveries import Served
from warehouse.archive.recording import off_spans
from warehouse.archive.state import LogState, StreamState, overdue_footprints
from warehouse.delivery.slice_words import names_a_rule
from warehouse.evidence.storage import LOCKED, storage
from warehouse.tables.alerts import TABLE as ALERTS
from warehouse.tables.directory.schema import listings_of
from warehouse.tables.engagement.schema import BY_STREAM
from warehouse.tables.fold import STREAM
from warehouse.tables.schema import TABLE
from warehouse.tables.spend.schema import ALL_REPORTS
from warehouse.tables.telemetry.schema import OTEL_FILES
from warehouse.tables.telemetry.schema import STREAM as TELEMETRY
from warehouse.tables.telemetry.schema import TABLES as TELEMETRY_TABLES
from warehouse.wire.times import midnight, parse_rfc3339, rfc3339
from warehouse.wire.windows import Window, gaps

# The table that a stream's records are folded into.
TABLE_OF: dict[str, str] = {
    STREAM: TABLE,
    "audit_export": "audit_export_rows",
    TELEMETRY: OTEL_FILES.name,
    **{name: report.rows_table for name, report in ALL_REPORTS.items()},
    **{name: listings_of(name)[0].table for name in EVERY_SNAPSHOT},
    **{name: measure.table for name, measure in BY_STREAM.items()},
}
# Streams whose records change and go as a matter of course.
RESTATED = {*ALL_REPORTS, *EVERY_SNAPSHOT, *BY_STREAM}


def status(workshop: Workshop) -> dict[str, Any]:
    """The document of `ledgerline status --json` (design section 13)."""
    state = workshop.archive.refresh()
    now = workshop.clock()
    kept = storage(workshop.archive.store)
    return {
        "archive": workshop.archive.store.url,
        "storage": kept,
        # read-only files are not immutable storage, and a lock that somebody may lift is not either
        "immutable": kept == LOCKED,
        "entries": state.size,
        "windows": sum(stream.pulls for stream in state.streams.values()),
        "head": state.head_sha256,
        "committed_at": state.committed_at,
        "streams": [
            _stream(name, stream, state, coverage_begins(name, stream, workshop.start, now), now)
            for name, stream in sorted(state.streams.items())
        ],
        "destinations": destinations(workshop, state),
        "findings": findings(workshop, state, now),
    }


def destinations(workshop: Workshop, state: LogState) -> list[dict[str, Any]]:
    """Each configured destination, and each that the log has served: position, rows behind, dead letters."""
    served = state.served()
    configured = {one.name: one for one in workshop.destinations}
    return [
        _destination(name, configured.get(name), served.get(name), state)
        for name in sorted({*configured, *served})
    ]


def _destination(name: str, one: Any, served: Served | None, state: LogState) -> dict[str, Any]:
    slice = one.slice if one is not None else served.slice if served else ""
    rows = rows_in(state, slice)
    return {
        "name": name,
        "type": one.type if one is not None else served.type if served else "",
        "slice": slice,
        "configured": one is not None,
        "position": list(served.position) if served else None,
        "behind": max(rows - (served.passed if served else 0), 0),
        "dead": served.dead_letters if served else 0,
        "delivered": served.delivered if served else 0,
        "halted": served.halted if served else None,
        "checkpoint": served.checkpoint if served else None,
        "last_entry": served.at if served else None,
    }


def rows_in(state: LogState, slice: str) -> int:
    """Rows of the table that a slice is cut from: of versions of events, or of alerts."""
    if slice.strip().casefold() == "alerts" or names_a_rule(slice):
        counts = state.table(ALERTS).counts
        return counts.get("raised", 0) + counts.get("joined", 0)
    counts = state.table(TABLE).counts
    return sum(counts.get(kind, 0) for kind in ("first", "revised", "withdrawn"))


def coverage_begins(name: str, stream: StreamState, start: date, now: datetime) -> datetime:
    """From when on a stream should be covered: the first day of the partitions, or for usage, cost and engagement
    the first day that the vendor still serves, where nothing older was pulled while it could be."""
    if name in BY_STREAM:
        oldest = midnight(promised_from(now, start))
        return min(oldest, max(stream.covered[0].start, midnight(start))) if stream.covered else oldest
    if name not in ALL_REPORTS:
        return midnight(start)
    oldest = midnight(first_day(now, start))
    if ALL_REPORTS[name].legacy and stream.covered:
        return stream.covered[0].start  # asked for by hand, for what somebody wants to compare
    return min(oldest, max(stream.covered[0].start, midnight(start))) if stream.covered else oldest


def stream_gaps(stream: StreamState, start: datetime) -> list[Window]:
    """Holes in coverage from a first moment to the last committed window."""
    if not stream.covered:
        return []
    end = stream.covered[-1].end
    return gaps(stream.covered, Window(start, end)) if start < end else []


def _stream(name: str, stream: StreamState, state: LogState, start: datetime, now: datetime) -> dict[str, Any]:
    table = state.table(TABLE_OF.get(name, name))
    covered = stream.covered
    return {
        "stream": name,
        "covered_from": rfc3339(covered[0].start) if covered else None,
        "covered_to": rfc3339(covered[-1].end) if covered else None,
        "lag_seconds": _lag(name, stream, state, now),
        "last_commit": stream.last_pull_at,
        "data_refreshed_at": stream.refreshed_at,
        "pulls": stream.pulls,
        "pages": stream.pages,
        "bytes": stream.bytes,
        # an alert is raised once, and each further version of it is one that later events joined
        "records": table.counts.get("first", 0) + table.counts.get("raised", 0),
        "revised": table.counts.get("revised", 0) + table.counts.get("joined", 0),
        "withdrawn": table.counts.get("withdrawn", 0),
        "unchanged": table.counts.get("unchanged", 0),
        "unknown_types": {seen: first.count for seen, first in sorted(table.unknown_types.items())},
        "unknown_fields": {seen: first.count for seen, first in sorted(table.unknown_fields.items())},
        "gaps": [hole.as_text() for hole in stream_gaps(stream, start)],
        "dead_windows": [
            {"window": dead.window.as_text(), "tries": dead.tries, "error": dead.error, "at": dead.at}
            for dead in stream.dead
        ],
        "pending_fold": len(stream.pending_fold),
    }


def _lag(name: str, stream: StreamState, state: LogState, now: datetime) -> int | None:
    """Seconds since the end of coverage; of telemetry, which comes when it comes, since its newest row."""
    if name == TELEMETRY:
        told = [
            parse_rfc3339(file.last_at)
            for table in TELEMETRY_TABLES.values()
            if table.key is not None
            for file in state.table(table.name).recent
            if file.last_at is not None
        ]
        newest = max((at for at in told if at <= now), default=None)  # a laptop's clock may be in the future
        return round((now - newest).total_seconds()) if newest is not None else None
    return round((now - stream.covered[-1].end).total_seconds()) if stream.covered else None


def _dead(stream: StreamState) -> list[tuple[str, int, str]]:
    """Dead windows with their tries and last error; those that failed alike are told together."""
    alike: dict[tuple[int, str], list[Window]] = {}
    for dead in stream.dead:
        error = re.sub(r"^The window \[[^)]*\) was", "It was", dead.error)
        alike.setdefault((dead.tries, error), []).append(dead.window)
    return [(_listed(windows), tries, error) for (tries, error), windows in alike.items()]


def _listed(windows: list[Window]) -> str:
    if len(windows) == 1:
        return str(windows[0])
    first, last = min(window.start for window in windows), max(window.end for window in windows)
    return f"{len(windows)} windows from {rfc3339(first)} to {rfc3339(last)}"


def findings(workshop: Workshop, state: LogState, now: datetime) -> list[dict[str, str]]:
    """What somebody should look at, each with its code, what it concerns, and what to do next."""
    # what runs noticed stays on this page for a week, and in the log for ever
    week_ago = rfc3339(now - timedelta(days=7))
    found = [
        {"code": seen["code"], "subject": seen["subject"], "detail": f"{seen['detail']} (seen {seen['at']})"}
        for seen in state.findings
        if seen["at"] >= week_ago
    ]

    def add(code: str, subject: str, detail: str) -> None:
        found.append({"code": code, "subject": subject, "detail": detail})

    for name, stream in sorted(state.streams.items()):
        start = coverage_begins(name, stream, workshop.start, now)
        for hole in stream_gaps(stream, start):
            add("gap", f"{name} {hole}", f"no complete pull covers it; run `ledgerline pull {name}`")
        for windows, tries, error in _dead(stream):
            runs = "1 run" if tries == 1 else f"{tries} runs"
            add("dead_window", f"{name} {windows}", f"{runs} failed, the last with: {error}")
        if stream.pending_fold:
            add(
                "unfolded",
                name,
                f"not in the tables yet: {_counted(len(stream.pending_fold), 'committed pull')}; the next pull "
                f"folds what is there",
            )
        table = state.table(TABLE_OF.get(name, name))
        # figures are restated and people come and go as a matter of course: the tables of versions have it all
        for kind in ("revised", "withdrawn"):
            if name not in RESTATED and table.counts.get(kind):
                add(
                    kind,
                    name,
                    f"the vendor has {kind} {_counted(table.counts[kind], 'record')} since we archived them; "
                    f"both versions are in audit_event_versions (fold = '{kind}')",
                )
        for seen, first in sorted(table.unknown_types.items()):
            add(
                "unknown_event", seen, f"first seen {first.at}, {_counted(first.count, 'record')}; kept and tagged"
            )
        for seen, first in sorted(table.unknown_fields.items()):
            add(
                "unknown_field",
                seen,
                f"first seen {first.at}, {_counted(first.count, 'record')}; kept in raw and named",
            )
    for name in EVERY_SNAPSHOT:
        failed = snapshot_failed(workshop, state, name)
        if failed is not None:
            add("snapshot_failed", name, f"the last snapshot was not read to its end: {failed}")
    for span in off_spans(state.turns):
        add(
            "recording_off",
            f"activities {span.window}",
            f"{span.off.by or 'somebody'} switched the vendor's recording off (event {span.off.event_id}): what "
            f"was done in that time is nowhere; ask who wanted it so, and see what else this account did that day",
        )
    for request_id in overdue_footprints(state, STREAM):
        add(
            "footprint_missing",
            request_id,
            "our own request never showed up in the feed although its time is covered: the feed may be incomplete",
        )
    for caller in state.footprints.foreign():
        add(
            "foreign_footprint",
            caller.event_id,
            f"{_counted(caller.count, 'compliance request')} not of ours: key {caller.key_id}, "
            f"from {caller.ip_address}, agent {caller.user_agent}; find out whose key this is, "
            f"and delete it if nobody knows",
        )
    for one in destinations(workshop, state):
        if one["halted"]:
            add(
                "destination_halted",
                one["name"],
                f"{one['halted']} (since {one['last_entry']}); run `ledgerline deliver {one['name']}` when that "
                f"is mended: it goes on where it stopped",
            )
        if one["dead"]:
            add(
                "dead_letters",
                one["name"],
                f"{_counted(one['dead'], 'event')} could not be delivered; `ledgerline dead-letters "
                f"{one['name']}` says why, and with --retry sends them again",
            )
    if not workshop.archive.store.immutable and state.size:
        add("not_immutable", workshop.archive.store.url, 'archive.lock is "none": the archive can be changed')
    return found


def snapshot_failed(workshop: Workshop, state: LogState, stream: str) -> str | None:
    """Why the last snapshot of a stream is not whole; None where it is, or where there is none."""
    seq = state.stream(stream).last_pull_seq
    if seq is None:
        return None
    entry = workshop.archive.entry(seq)
    if entry.complete:
        return None
    said = entry.error if isinstance(entry.error, str) else "it says not why"
    return re.sub(r"^The window \[[^)]*\) was", "It was", said).replace("It is not covered; the", "The")


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"


def lag(workshop: Workshop) -> float | None:
    """Seconds between now and the end of the feed's coverage, the usual lag included; None before any pull."""
    end = workshop.archive.refresh().covered_until(STREAM)
    return None if end is None else (workshop.clock() - end - LAG).total_seconds()
