"""Makes the document of a certificate: the log's facts and the tables' facts of a period, and what follows.

Promise: a finding is what somebody must explain before the period can be called complete; what is merely worth
knowing (late arrivals that did arrive, things nobody has listed and that are kept) is a fact and no finding.
"""

import base64
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb

from warehouse.archive.archive import Archive
from warehouse.archive.recording import OffSpan, Turn, off_spans
from warehouse.archive.state import LogState
from warehouse.evidence.certificate import FORMAT, Certificate
from warehouse.evidence.facts import LISTED, Facts
from warehouse.evidence.pulls import Pulls, pulls_of
from warehouse.evidence.storage import UNLOCKED, storage, unknowable
from warehouse.tables.catalog import connect
from warehouse.tables.fold import STREAM
from warehouse.wire.times import parse_rfc3339, rfc3339
from warehouse.wire.windows import Window, gaps, merge

# The vendor records and shows a request within a minute (documented); as `status` judges it.
_MARGIN_SECONDS = 180

_CANNOT_KNOW = Path(__file__).with_name("cannot_know.txt")


def certificate(archive: Archive, period: Window, *, now: datetime, program: str) -> Certificate:
    """What is known of a period of the activity feed, unsigned. `program` names the software that says so.

    Raises what reading the archive raises.
    """
    with connect(archive) as db:
        return certificate_over(db, archive, period, now=now, program=program)


def certificate_over(
    db: duckdb.DuckDBPyConnection, archive: Archive, period: Window, *, now: datetime, program: str
) -> Certificate:
    """The same over a connection that is open, and the state of the log that it was opened on."""
    state = archive.state
    facts, pulls = Facts(db, period), pulls_of(archive, period)
    callers, unclaimed = facts.callers(pulls, state)
    turns = sorted(state.turns, key=lambda turn: parse_rfc3339(turn.at))
    spans = [span for span in off_spans(turns) if span.overlaps(period)]
    document: dict[str, Any] = {
        "format": FORMAT,
        "period": {"from": rfc3339(period.start), "to": rfc3339(period.end)},
        "made_at": rfc3339(now),
        "made_by": program,
        "stream": STREAM,
        "storage": storage(archive.store),
        "checkpoint": _checkpoint(state),
        "coverage": _coverage(state, period),
        "pulls": _pulls(state, pulls, period),
        "events": facts.events(),
        "own_requests": _own_requests(state, pulls, period, facts.seen_requests(), off_spans(turns)),
        "foreign_requests": callers,
        "unclaimed_requests": unclaimed,
        "recording": _recording(turns, spans, period),
        "late": facts.late(pulls),
        "changes": facts.changes(),
        "unknown": facts.unknown(),
        "cannot_know": [*_CANNOT_KNOW.read_text(encoding="utf-8").splitlines(), *unknowable(archive.store)],
    }
    document["findings"] = _findings(document, archive)
    return Certificate(document)


def _checkpoint(state: LogState) -> dict[str, Any]:
    root = state.edge().root()
    return {
        "origin": state.origin,
        "size": state.size,
        "root": base64.b64encode(root).decode(),
        "committed_at": state.committed_at,
        "key": state.public_key,
    }


def _coverage(state: LogState, period: Window) -> dict[str, Any]:
    covered = merge(part for window in state.stream(STREAM).covered if (part := window.clip(period)))
    holes = gaps(covered, period)
    return {
        "windows": [window.as_text() for window in covered],
        "gaps": [hole.as_text() for hole in holes],
        "seconds_covered": round(sum(window.length.total_seconds() for window in covered)),
        "seconds_missing": round(sum(hole.length.total_seconds() for hole in holes)),
    }


def _pulls(state: LogState, pulls: Pulls, period: Window) -> dict[str, Any]:
    stream = state.stream(STREAM)
    incomplete = [pull for pull in pulls.found if not pull.complete]
    return {
        "complete": len(pulls.found) - len(incomplete),
        "incomplete": len(incomplete),
        "incomplete_windows": [
            {
                "entry": pull.seq,
                "window": pull.window.as_text(),
                "error": pull.error,
                "covered_since": not gaps(stream.covered, pull.window),
            }
            for pull in incomplete[-LISTED:]
        ],
        "dead_windows": [
            {"window": dead.window.as_text(), "tries": dead.tries, "error": dead.error, "at": dead.at}
            for dead in stream.dead
            if dead.window.overlaps(period)
        ],
        "not_in_tables": sorted(
            int(seq) for seq, window in stream.pending_fold.items() if window.overlaps(period)
        ),
        "noticed": pulls.noticed[-LISTED:],
    }


def _own_requests(
    state: LogState, pulls: Pulls, period: Window, seen: set[str], spans: list[OffSpan]
) -> dict[str, Any]:
    """Each request of ours in the period: found in the feed, too young to be expected, unrecorded, or missing."""
    covered = state.stream(STREAM).covered
    counts = {"found": 0, "waiting": 0, "unrecorded": 0}
    missing = []
    made = {name: at for name, at in pulls.requests.items() if period.contains(at)}
    for request_id, at in sorted(made.items(), key=lambda item: (item[1], item[0])):
        if request_id in seen:
            counts["found"] += 1
        elif any(span.contains(at) for span in spans):
            counts["unrecorded"] += 1
        elif any(w.contains(at) and (w.end - at).total_seconds() >= _MARGIN_SECONDS for w in covered):
            missing.append({"request_id": request_id, "requested_at": rfc3339(at)})
        else:
            counts["waiting"] += 1
    return {"made": len(made), **counts, "missing": len(missing), "missing_requests": missing[:LISTED]}


def _recording(turns: list[Turn], spans: list[OffSpan], period: Window) -> dict[str, Any]:
    before = [turn for turn in turns if parse_rfc3339(turn.at) < period.start]
    known = "on" if not any(span.contains(period.start) for span in spans) else "off"
    return {
        "before": known if before else "not known",
        "records": [
            {"event_id": t.event_id, "at": t.at, "enabled": t.enabled, "logging": t.logging, "by": t.by}
            for t in turns
            if period.contains(parse_rfc3339(t.at))
        ][-LISTED:],
        "off": [
            {
                "from": rfc3339(span.start),
                "to": None if span.end is None else rfc3339(span.end),
                "by": span.off.by,
                "off_event_id": span.off.event_id,
                "on_event_id": None if span.on is None else span.on.event_id,
            }
            for span in spans
        ],
        "settings": "The present setting was not asked for: the vendor tells it only to a key with "
        "read:compliance_org_data, and none is configured. What is said here comes from the feed's own records.",
    }


def _findings(document: dict[str, Any], archive: Archive) -> list[dict[str, str]]:
    found: list[dict[str, str]] = []

    def add(code: str, subject: str, detail: str) -> None:
        found.append({"code": code, "subject": subject, "detail": detail})

    pulls, own = document["pulls"], document["own_requests"]
    for start, end in document["coverage"]["gaps"]:
        add(
            "gap",
            f"[{start}, {end})",
            "no complete pull covers it: what happened then is not known to this archive",
        )
    for dead in pulls["dead_windows"]:
        add("dead_window", "[{}, {})".format(*dead["window"]), f"{dead['tries']} runs failed: {dead['error']}")
    if pulls["not_in_tables"]:
        add(
            "unfolded",
            f"entries {pulls['not_in_tables'][:20]}",
            "pulls that are not in the tables yet; pull again",
        )
    for off in document["recording"]["off"]:
        until = off["to"] or "still off"
        add(
            "recording_off",
            f"[{off['from']}, {until})",
            f"the vendor's recording was switched off by {off['by']} (event {off['off_event_id']}); what was done "
            f"in that time is in no log",
        )
    for caller in document["foreign_requests"]:
        add(
            "foreign_footprint",
            caller["first_event_id"],
            f"{caller['requests']} uses of the Compliance API that are not ours: key {caller['key_id']}, from "
            f"{caller['ip_address']}, program {caller['user_agent']}, {caller['first_at']} to {caller['last_at']}",
        )
    for missing in own["missing_requests"]:
        add(
            "footprint_missing",
            missing["request_id"],
            f"our own request of {missing['requested_at']} is not in the feed although its time is covered",
        )
    for fold in ("revised", "withdrawn"):
        if document["changes"][fold]:
            count = document["changes"][fold]
            add(fold, STREAM, f"the vendor has {fold} {count} records of the period after they were archived")
    for code, subject, detail in sorted({(n["code"], n["subject"], n["detail"]) for n in pulls["noticed"]}):
        add(code, subject, detail)
    if document["storage"] == UNLOCKED:
        add(
            "not_immutable",
            "archive",
            "the archive is kept without a lock: whoever has its storage can replace it",
        )
    return found
