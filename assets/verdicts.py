"""What can be said of the audit feed from the log alone: one function per promise that is watched.

Promise: a verdict that is not good says what to do. Severe is what makes the evidence incomplete or points at
an intruder; the rest is for somebody to read. Knows no Dagster, asks the vendor nothing, costs no more in year
seven.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from assets.status import lag, stream_gaps
from assets.workshop import Workshop
from warehouse.archive import keys
from warehouse.archive.errors import KeyMissing
from warehouse.archive.note import Checkpoint, NoteError, Verifier, open_note
from warehouse.archive.recording import off_spans
from warehouse.archive.state import overdue_footprints
from warehouse.tables.activities import SWITCH
from warehouse.tables.fold import STREAM
from warehouse.tables.schema import TABLE
from warehouse.wire.times import midnight, parse_rfc3339
from warehouse.wire.windows import Window

LATE, TOO_LATE = timedelta(minutes=10), timedelta(minutes=30)
# Documented: within a minute. An hour is beyond any slowness that has been reported.
MISSING_FOOTPRINT = timedelta(hours=1)
NEWS = timedelta(days=7)
_NAMED = 20


@dataclass(frozen=True)
class Verdict:
    """`text` says what was found and what to do. `total` counts what never goes away again (a revision stays
    one): such a verdict is bad only while the count is news, and `good` then says how it stands without any.
    """

    good: bool
    text: str
    severe: bool = False
    total: int | None = None
    facts: dict[str, Any] = field(default_factory=dict)


def coverage_without_gap(workshop: Workshop) -> Verdict:
    """Every moment from the first day to the newest window lies in a complete pull. Fails severely where a
    window was tried and failed; a hole nobody has tried is filled by the next tail, history by a backfill."""
    stream = workshop.archive.state.stream(STREAM)
    start = midnight(workshop.start)
    holes = stream_gaps(stream, start)
    facts = {"holes": len(holes), "failed windows": len(stream.dead)}
    if stream.dead:
        worst = max(stream.dead, key=lambda dead: dead.tries)
        return Verdict(
            False,
            f"{len(stream.dead)} windows failed; {worst.window} in {worst.tries} runs, the last with: "
            f"{worst.error} Each run tries them again. {_days(dead.window for dead in stream.dead)}",
            severe=True,
            facts=facts,
        )
    if not stream.covered:
        return Verdict(
            False, f"Nothing is pulled yet. Backfill audit_events from {workshop.start} on.", facts=facts
        )
    if holes:
        return Verdict(False, f"No complete pull covers {_listed(holes)}. {_days(holes)}", facts=facts)
    return Verdict(True, f"Whole from {workshop.start} to the newest window.", facts=facts)


def footprints_found(workshop: Workshop) -> Verdict:
    """Each of our own requests shows up in the feed once its time is covered. One that does not means that the
    feed left something out. Severe after an hour: then read the days again and ask the vendor."""
    state = workshop.archive.state
    overdue = overdue_footprints(state, STREAM)
    lost = overdue_footprints(state, STREAM, margin_seconds=int(MISSING_FOOTPRINT.total_seconds()))
    facts = {"found": state.footprints.found, "waiting": len(state.footprints.pending), "overdue": len(overdue)}
    if not overdue:
        return Verdict(
            True, f"{state.footprints.found} of our requests were found again in the feed.", facts=facts
        )
    return Verdict(
        False,
        f"{len(overdue)} of our requests never showed up in the feed although their time is covered, for example "
        f"{_listed(overdue)}. Materialize those days of audit_events again; if they stay away, the feed is "
        f"incomplete: send these request ids to the vendor.",
        severe=bool(lost),
        total=len(overdue),
        facts=facts,
    )


def foreign_footprints(workshop: Workshop) -> Verdict:
    """Nobody but us asks the Compliance API. Who else does has a key that reads everybody's audit trail: find
    out whose it is under Organization settings > API, and delete it if nobody knows."""
    foreign = workshop.archive.state.footprints.foreign()
    requests = sum(caller.count for caller in foreign)
    facts = {"callers": len(foreign), "requests": requests}
    if not foreign:
        return Verdict(True, "Nobody but us has asked the Compliance API.", facts=facts)
    named = "; ".join(
        f"key {caller.key_id} from {caller.ip_address}, {caller.count} requests, first event {caller.event_id}"
        for caller in foreign[:_NAMED]
    )
    return Verdict(
        False,
        f"{len(foreign)} other callers used a compliance key: {named}. Find out whose key it is; delete it if "
        f"nobody knows, and look at what it read: type = 'compliance_api_accessed' in audit_events.",
        severe=True,
        total=requests,
        facts=facts,
    )


def recording_stayed_on(workshop: Workshop) -> Verdict:
    """The vendor's recording was not switched off. What was done while it was off can never be known: ask who
    switched it and why, note the answer, and see what else that account did that day. Still off: switch it on
    under Organization settings > Data and privacy."""
    spans = off_spans(workshop.archive.state.turns)
    facts = {"times off": len(spans), "off now": bool(spans) and spans[-1].end is None}
    if not spans:
        return Verdict(True, "The vendor's recording was on throughout, by its own records.", facts=facts)
    named = _listed(f"{span.window} by {span.off.by} (event {span.off.event_id})" for span in spans)
    return Verdict(
        False,
        f"The vendor's recording was switched off {len(spans)} times: {named}. Nothing of that time is in the "
        f"feed. Ask who switched it and why; look at type = '{SWITCH}' in audit_events.",
        severe=True,
        total=None if facts["off now"] else len(spans),
        facts=facts,
    )


def records_unchanged(workshop: Workshop) -> Verdict:
    """The vendor has neither changed nor withdrawn a record since we archived it. When one was, read both
    versions in audit_event_versions and note why: a redaction that was asked for, or something else."""
    counts = workshop.archive.state.table(TABLE).counts
    revised, withdrawn = counts.get("revised", 0), counts.get("withdrawn", 0)
    facts = {"revised": revised, "withdrawn": withdrawn}
    if not revised + withdrawn:
        return Verdict(True, "No archived record was changed or withdrawn.", facts=facts)
    return Verdict(
        False,
        f"The vendor has revised {revised} and withdrawn {withdrawn} records since they were archived. Both "
        "versions are in audit_event_versions: look at those whose fold is not 'first', newest observed_at first.",
        total=revised + withdrawn,
        facts=facts,
    )


def nothing_unknown(workshop: Workshop) -> Verdict:
    """Every event type, actor kind and field is one we know. An unknown one is kept, tagged and delivered;
    decide what it means and add it to warehouse/taxonomy/event_types.csv."""
    table = workshop.archive.state.table(TABLE)
    seen = {**table.unknown_types, **table.unknown_fields}
    facts = {"types": len(table.unknown_types), "fields": len(table.unknown_fields)}
    if not seen:
        return Verdict(True, "Everything served so far is known.", facts=facts)
    newest = sorted(seen, key=lambda name: seen[name].at, reverse=True)
    return Verdict(
        False,
        f"{len(table.unknown_types)} unknown types and {len(table.unknown_fields)} unknown fields, kept and "
        f"tagged; newest first: {_listed(newest)}. Add them to the taxonomy: see audit_unknown_first_seen.",
        total=len(seen),
        facts=facts,
    )


def tail_is_fresh(workshop: Workshop) -> Verdict:
    """The newest window ends no more than 10 minutes before now (severe: 30). When it does not, see that the
    schedule audit_tail is running, that its last run did not fail, and what the vendor's status page says."""
    behind = lag(workshop)
    if behind is None:
        return Verdict(False, "Nothing is pulled yet. Start the schedule audit_tail, or backfill audit_events.")
    facts = {"seconds behind": max(0, round(behind))}
    if behind <= LATE.total_seconds():
        return Verdict(True, "The feed is pulled up to its indexing lag.", facts=facts)
    return Verdict(
        False,
        f"The newest window ended {timedelta(seconds=round(behind))} ago. Is the schedule audit_tail running, "
        f"and did its last run fail?",
        severe=behind > TOO_LATE.total_seconds(),
        facts=facts,
    )


def log_head_signed(workshop: Workshop) -> Verdict:
    """The log's newest entries follow from each other by hash, and a checkpoint of ours is signed over exactly
    them. When not: stop writing, run `ledgerline verify`, and restore what it names."""
    state = workshop.archive.state  # reading it has checked each new entry against the one before
    key = state.key_at(state.size)
    if state.size == 0 or key is None:
        return Verdict(True, "The log is empty.", facts={"entries": state.size})
    facts: dict[str, Any] = {"entries": state.size, "root": state.edge().root().hex()}
    try:
        note = workshop.archive.store.get(keys.checkpoint(state.size)).decode()
        checkpoint = Checkpoint.from_text(open_note(note, [Verifier.from_vkey(key)])[0])
    except KeyMissing:
        return Verdict(False, "The newest entry is not signed yet; the next run signs it.", facts=facts)
    except (NoteError, UnicodeDecodeError) as error:
        return Verdict(False, f"The checkpoint is not ours: {error}. Run `ledgerline verify`.", True, facts=facts)
    if (checkpoint.size, checkpoint.root) != (state.size, state.edge().root()):
        return Verdict(False, "The checkpoint is over other entries. Run `ledgerline verify`.", True, facts=facts)
    return Verdict(True, f"{state.size} entries, chained and signed.", facts=facts)


OF_THE_FEED: tuple[Callable[[Workshop], Verdict], ...] = (
    coverage_without_gap,
    footprints_found,
    foreign_footprints,
    recording_stayed_on,
    records_unchanged,
    nothing_unknown,
    tail_is_fresh,
    log_head_signed,
)


def still_news(total: int, before: int, rose_at: str | None, now: str) -> tuple[bool, str | None]:
    """Whether a count that never falls has risen within the last week, and when it last rose (RFC 3339)."""
    if total > before:
        rose_at = now
    return rose_at is not None and parse_rfc3339(now) - parse_rfc3339(rose_at) < NEWS, rose_at


def _listed(things: Any) -> str:
    shown = [str(thing) for thing in things]
    return ", ".join(shown[:_NAMED]) + (f" and {len(shown) - _NAMED} more" if len(shown) > _NAMED else "")


def _days(windows: Any) -> str:
    """What to click: the partitions that hold these windows."""
    days = sorted({day for window in windows for day in _ends(window)})
    return f"To fill it now, backfill audit_events from {days[0]} to {days[-1]}."


def _ends(window: Window) -> tuple[Any, Any]:
    last = window.end - timedelta(microseconds=1)
    return window.start.date(), last.date()
