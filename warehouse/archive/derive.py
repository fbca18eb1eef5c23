"""From entries to state: what each kind of entry changes.

Promise: `apply` is a pure function of the entries, in order, and never fails on one that `shape.check` let pass.
"""

from datetime import timedelta
from typing import Any

import msgspec
from msgspec import UNSET

from warehouse.archive.deliveries import apply_delivery
from warehouse.archive.entry import Entry, ObjectRef
from warehouse.archive.key_change import named_key
from warehouse.archive.restriction import apply_restriction
from warehouse.archive.retention import apply_change
from warehouse.archive.shape import ALWAYS, Seen, attempts_of, check, names_of, read, turns_of, window_of
from warehouse.archive.state import (
    DeadWindow,
    FirstSeen,
    Footprints,
    LogState,
    SignedFrom,
    StreamState,
    TableFile,
    TableState,
)
from warehouse.wire.times import parse_rfc3339
from warehouse.wire.windows import Window, gaps, merge

__all__ = ["SETTLED", "apply", "check", "read"]  # to read an entry and to take it in go together

_KEPT_FINDINGS = 100  # named in the state; all of them stay in the log
_KEPT_CALLERS = 1000  # identities counted one by one; further ones are in the log only
_KEPT_REQUESTS = 10_000  # footprints waited for; a feed that shows none must not make every start slower
FINAL_AGE = 31  # days; figures of usage and cost move for up to 30
_KEPT_TURNS = 1000  # records that the recording was switched; all of them stay in the tables
SETTLED = timedelta(hours=1)  # after a day's end: late indexing is documented in minutes


def apply(state: LogState, entry: Entry) -> None:
    """Take one checked entry in. The caller has compared number and chain, and keeps head hash and edge."""
    state.seq = entry.seq
    state.committed_at = entry.committed_at
    state.kinds[entry.kind] = state.kinds.get(entry.kind, 0) + 1
    if entry.kind == "pull":
        _apply_pull(state, entry)
    elif entry.kind == "table":
        _apply_table(state, entry)
    elif entry.kind == "seal":
        _apply_seal(state, entry)
    elif entry.kind == "snapshot":
        state.snapshot = entry.seq
        if entry.seq == 0:  # a later entry has no say in who may sign
            state.origin = entry.origin if entry.origin is not UNSET else None
            state.signed_from = [] if entry.public_key is UNSET else [SignedFrom(1, entry.public_key)]
    elif entry.kind == "key":
        key = named_key(entry)
        if key.name == state.origin:  # of another name it could sign nothing here
            state.signed_from = [*state.signed_from, SignedFrom(entry.seq + 2, key.vkey)]
    elif entry.kind == "adopt":
        state.adopted += len(entry.objects)
    elif entry.kind == "retention":
        apply_change(state, entry)
    elif entry.kind == "restriction":
        apply_restriction(state, entry)
    elif entry.kind == "delivery":
        apply_delivery(state, entry)
    elif entry.kind == "period":
        state.periods = [*state.period_entries(), entry.seq]
    elif entry.kind == "payers":
        state.payers = [*state.payer_entries(), entry.seq]
    if entry.findings is not UNSET:
        fresh = {
            (new.get("code"), new.get("subject")): {**new, "at": entry.committed_at} for new in entry.findings
        }
        kept = [old for old in state.findings if (old.get("code"), old.get("subject")) not in fresh]
        state.findings = [*kept, *fresh.values()][-_KEPT_FINDINGS:]


def _stream(state: LogState, name: str) -> StreamState:
    return state.streams.setdefault(name, StreamState())


def _table(state: LogState, name: str) -> TableState:
    return state.tables.setdefault(name, TableState())


def _apply_pull(state: LogState, entry: Entry) -> None:
    assert entry.stream is not None
    stream = _stream(state, entry.stream)
    stream.pulls += 1
    stream.last_pull_at, stream.last_pull_seq = entry.committed_at, entry.seq
    for page in entry.objects:
        stream.pages += 1
        stream.bytes += page.bytes
        stream.records += page.records if page.records is not UNSET else 0
        if entry.audited is True:
            _note_request(state.footprints.pending, page.request_id, page.requested_at)
    if entry.audited is True:
        for attempt in attempts_of(entry):
            _note_request(state.footprints.possible, attempt.get("request_id"), attempt.get("requested_at"))
        state.footprints.forgotten += _make_room(state.footprints.pending)
        _make_room(state.footprints.possible)
    window = ALWAYS if entry.window is None else window_of(entry.window)
    stream.pending_fold[str(entry.seq)] = window
    if entry.window is None:
        return
    if entry.complete:
        stream.covered = merge([*stream.covered, window])
        stream.dead = [part for dead in stream.dead for part in _left_of(dead, window)]
        if isinstance(entry.settles_after, int):
            _note_settling(stream, window, entry, entry.settles_after)
        elif entry.data_refreshed_at is None:
            _note_reread(stream, window, entry.committed_at)
        else:
            _note_freshness(stream, window, entry.data_refreshed_at)
    elif entry.error is not UNSET:
        # a failing tail grows with each run: the longer window takes the place of the shorter ones
        replaced = [dead for dead in stream.dead if _covers(window, dead.window)]
        tries = max((dead.tries for dead in replaced), default=0) + 1
        stream.dead = [dead for dead in stream.dead if not _covers(window, dead.window)]
        # what an earlier pull covered is not lost by a failed second look at it
        stream.dead += [
            DeadWindow(hole, entry.seq, tries, entry.error, entry.committed_at)
            for hole in gaps(stream.covered, window)
        ]


def _left_of(dead: DeadWindow, pulled: Window) -> list[DeadWindow]:
    """What a complete pull leaves of a dead window: it may have been cut into several since."""
    return [DeadWindow(part, dead.seq, dead.tries, dead.error, dead.at) for part in gaps([pulled], dead.window)]


def _note_reread(stream: StreamState, window: Window, committed_at: str) -> None:
    committed = parse_rfc3339(committed_at)
    for day in window.days():
        whole = Window.of_day(day)
        if _covers(window, whole) and committed - whole.end >= SETTLED:
            stream.reread[day.isoformat()] = committed_at


def _note_settling(stream: StreamState, window: Window, entry: Entry, age: int) -> None:
    """The same for answers that do not say how fresh they are: a day is as fresh as the first request for it."""
    asked = [page.requested_at for page in entry.objects if isinstance(page.requested_at, str)]
    read_at = min([*asked, entry.committed_at], key=parse_rfc3339)
    for day in window.days():
        if not _covers(window, Window.of_day(day)):
            continue
        if (parse_rfc3339(read_at).date() - day).days >= age:
            stream.unsettled.pop(day.isoformat(), None)
        elif parse_rfc3339(read_at) >= parse_rfc3339(stream.unsettled.get(day.isoformat(), read_at)):
            stream.unsettled[day.isoformat()] = read_at


def _note_freshness(stream: StreamState, window: Window, refreshed_at: str) -> None:
    """Days whose figures still move are asked for again after each refresh, until the age of 31 days."""
    at = parse_rfc3339(refreshed_at)
    if stream.refreshed_at is None or at > parse_rfc3339(stream.refreshed_at):
        stream.refreshed_at = refreshed_at
    for day in window.days():
        if not _covers(window, Window.of_day(day)):
            continue
        if (at.date() - day).days >= FINAL_AGE:
            stream.unsettled.pop(day.isoformat(), None)
        elif at >= parse_rfc3339(stream.unsettled.get(day.isoformat(), refreshed_at)):
            stream.unsettled[day.isoformat()] = refreshed_at


def _note_request(requests: dict[str, str], request_id: Any, requested_at: Any) -> None:
    if isinstance(request_id, str) and isinstance(requested_at, str):
        requests[request_id] = requested_at


def _make_room(requests: dict[str, str]) -> int:
    """Drop the oldest by time, not by position: a snapshot does not keep the order of a mapping."""
    if len(requests) <= _KEPT_REQUESTS + _KEPT_REQUESTS // 10:
        return 0
    oldest = sorted(requests, key=lambda name: (requests[name], name))[: len(requests) - _KEPT_REQUESTS]
    for request_id in oldest:
        del requests[request_id]
    return len(oldest)


def _apply_table(state: LogState, entry: Entry) -> None:
    assert entry.table is not UNSET
    table = _table(state, entry.table)
    for seq in entry.derived_from:
        table.folded_through = max(table.folded_through, seq)
        if entry.stream is not None:
            _stream(state, entry.stream).pending_fold.pop(str(seq), None)
    source = entry.derived_from[0] if entry.derived_from else entry.seq
    for ref in entry.objects:
        # files of tables that ride along (one entry may carry several tables) name their own table
        home = table if ref.table is UNSET else _table(state, ref.table)
        home.recent.append(_table_file(ref, seq=source))
    for name, value in entry.counts.items():
        if type(value) is int:
            table.counts[name] = table.counts.get(name, 0) + value
    _first_seen(table.unknown_types, names_of(entry, "unknown_types"), entry)
    _first_seen(table.unknown_fields, names_of(entry, "unknown_fields"), entry)
    if entry.footprints is not UNSET:
        _apply_footprints(state.footprints, msgspec.convert(entry.footprints, Seen))
    for turn in turns_of(entry):  # the vendor may change a record; the newest version counts
        others = [known for known in state.turns if known.event_id != turn.event_id]
        state.recording = [*others, turn][-_KEPT_TURNS:]


def _first_seen(seen: dict[str, FirstSeen], names: dict[str, int], entry: Entry) -> None:
    for name, count in names.items():
        if name in seen:
            seen[name].count += count
        else:
            seen[name] = FirstSeen(entry.seq, entry.committed_at, count)


def _apply_footprints(footprints: Footprints, seen: Seen) -> None:
    for request_id in seen.found:
        known = footprints.pending.pop(request_id, None) or footprints.possible.pop(request_id, None)
        if known is not None:
            footprints.found += 1
    callers = {caller.identity: caller for caller in footprints.others}
    for caller in seen.others:
        if caller.identity in callers:
            callers[caller.identity].count += caller.count
        elif len(callers) < _KEPT_CALLERS:
            footprints.others.append(caller)
            callers[caller.identity] = caller
    for identity in seen.identities:
        if identity not in footprints.identities:
            footprints.identities.append(identity)


def _apply_seal(state: LogState, entry: Entry) -> None:
    assert entry.table is not UNSET
    table = _table(state, entry.table)
    parts = [ref for ref in entry.objects if ref.key.startswith("tables/sealed/")]
    for ref in parts:
        table.sealed.append(_table_file(ref, seq=None))
        table.recent = [
            file
            for file in table.recent
            if file.dt != ref.dt or file.seq is None or ref.through_seq is UNSET or file.seq > ref.through_seq
        ]
    for marker in entry.objects:
        if marker.key.startswith("seals/"):
            sealed = next((p.key for p in parts if p.dt == marker.dt and p.part == marker.part), None)
            if sealed is not None:
                table.markers[marker.key] = sealed
    if entry.stream is not None:
        days = {part.dt for part in parts}
        stream = _stream(state, entry.stream)
        stream.reread = {day: at for day, at in stream.reread.items() if day not in days}


def _table_file(ref: ObjectRef, *, seq: int | None) -> TableFile:
    first_at, last_at = ref.covers if ref.covers is not UNSET else (None, None)
    return TableFile(
        key=ref.key,
        version_id=ref.version_id,
        sha256=ref.sha256,
        dt=ref.dt if ref.dt is not UNSET else "",
        rows=ref.records if ref.records is not UNSET else 0,
        bytes=ref.bytes,
        seq=seq,
        part=ref.part if ref.part is not UNSET else None,
        through_seq=ref.through_seq if ref.through_seq is not UNSET else None,
        first_at=first_at,
        last_at=last_at,
    )


def _covers(outer: Window, inner: Window) -> bool:
    return outer.start <= inner.start and inner.end <= outer.end
