"""What the log says, reduced: coverage, what waits to be folded, which files a table consists of, footprints.

Promise: a pure function of the entries, in order. Snapshots hold it, a local cache may hold it, and deleting
either changes nothing but the time a start takes.
"""

from datetime import datetime, timedelta
from typing import Any

import msgspec
from msgspec import UNSET

from warehouse.archive.entry import Entry, ObjectRef
from warehouse.archive.merkle import Edge
from warehouse.wire.times import parse_rfc3339
from warehouse.wire.windows import Window, merge

FORMAT = "ledgerline-state/1"
_KEPT_FINDINGS = 100  # named in the state; all of them stay in the log
_SETTLED = timedelta(hours=1)  # after a day's end: late indexing is documented in minutes
_KEPT_CALLERS = 1000  # identities counted one by one; further ones are in the log only


class DeadWindow(msgspec.Struct):
    """A window that failed its tries. It stays here until a complete pull covers it."""

    window: Window
    seq: int
    tries: int
    error: str
    at: str


class FirstSeen(msgspec.Struct):
    """When a thing nobody had listed was first met, and how often since."""

    seq: int
    at: str
    count: int


class StreamState(msgspec.Struct):
    covered: list[Window] = []
    pending_fold: dict[str, Window] = {}  # by seq (text: JSON keys are) of pulls not folded into tables yet
    dead: list[DeadWindow] = []
    pulls: int = 0
    pages: int = 0
    records: int = 0
    bytes: int = 0
    last_pull_at: str | None = None
    last_pull_seq: int | None = None
    reread: dict[str, str] = {}  # day -> when it was last pulled whole after it had settled; until sealed


class TableFile(msgspec.Struct, frozen=True):
    """One Parquet file that readers must read. `seq` is the pull it came from (recent) or null (sealed)."""

    key: str
    version_id: str | None
    dt: str
    rows: int
    bytes: int
    seq: int | None = None
    part: int | None = None
    through_seq: int | None = None
    first_at: str | None = None
    last_at: str | None = None


class TableState(msgspec.Struct):
    recent: list[TableFile] = []
    sealed: list[TableFile] = []
    markers: dict[str, str] = {}  # marker key of each sealed part -> that part's key
    counts: dict[str, int] = {}
    unknown_types: dict[str, FirstSeen] = {}
    unknown_fields: dict[str, FirstSeen] = {}
    folded_through: int = -1


class Caller(msgspec.Struct):
    """Somebody who asked the compliance API: a key, an address and an agent, with the first such event."""

    key_id: str | None
    ip_address: str | None
    user_agent: str | None
    event_id: str
    at: str | None
    count: int

    @property
    def identity(self) -> str:
        return caller_identity(self.key_id, self.ip_address, self.user_agent)


def caller_identity(key_id: str | None, ip_address: str | None, user_agent: str | None) -> str:
    """Who asked, as far as the feed tells. Our own agent names the writer in brackets, which changes with
    every run and is left out."""
    agent = user_agent or ""
    if agent.startswith("ledgerline/"):
        agent = agent.partition(" (")[0]
    return f"{key_id or ''}|{ip_address or ''}|{agent}"


class Footprints(msgspec.Struct):
    """Our own requests, which of them the feed has shown us since, and who else asked."""

    pending: dict[str, str] = {}  # request id -> requested_at, of pages the vendor served and audits
    possible: dict[str, str] = {}  # the same for failed requests: ours if seen, no finding if never seen
    found: int = 0
    identities: list[str] = []  # who we are in the feed: key, address and agent of found footprints
    others: list[Caller] = []

    def foreign(self) -> list[Caller]:
        """Callers that were never seen with a request of ours."""
        return [caller for caller in self.others if caller.identity not in self.identities]

    def unclaimed(self) -> int:
        """Requests under an identity of ours that no entry names: of runs that ended before committing."""
        return sum(caller.count for caller in self.others if caller.identity in self.identities)


class LogState(msgspec.Struct):
    """Everything the pipeline knows. `seq` is the last entry taken in, -1 before the first."""

    format: str = FORMAT
    seq: int = -1
    head_sha256: str | None = None
    committed_at: str | None = None
    snapshot: int | None = None
    origin: str | None = None
    public_key: str | None = None
    edge_size: int = 0
    edge_levels: list[list[bytes]] = []
    streams: dict[str, StreamState] = {}
    tables: dict[str, TableState] = {}
    footprints: Footprints = msgspec.field(default_factory=Footprints)
    findings: list[dict[str, str]] = []
    kinds: dict[str, int] = {}
    adopted: int = 0

    @property
    def size(self) -> int:
        return self.seq + 1

    def edge(self) -> Edge:
        return Edge(self.edge_size, self.edge_levels)

    def stream(self, name: str) -> StreamState:
        return self.streams.setdefault(name, StreamState())

    def table(self, name: str) -> TableState:
        return self.tables.setdefault(name, TableState())

    def covered_until(self, stream: str) -> datetime | None:
        covered = self.stream(stream).covered
        return covered[-1].end if covered else None

    def to_builtins(self) -> dict[str, Any]:
        """JSON-able form; the newest snapshot and the position in it are left to the entry that holds it."""
        built: dict[str, Any] = msgspec.to_builtins(self)
        return built

    @classmethod
    def from_builtins(cls, data: Any) -> "LogState":
        """Raises msgspec.ValidationError when the data is not a state of this format."""
        state = msgspec.convert(data, cls)
        if state.format != FORMAT:
            raise msgspec.ValidationError(f"state of format {state.format!r}")
        return state


def apply(state: LogState, entry: Entry) -> None:
    """Take one entry in. The caller has checked number and chain, and keeps head hash and edge."""
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
        if entry.origin is not UNSET:
            state.origin = entry.origin
        if entry.public_key is not UNSET:
            state.public_key = entry.public_key
    elif entry.kind == "adopt":
        state.adopted += len(entry.objects)
    if entry.findings is not UNSET:
        state.findings = (state.findings + entry.findings)[-_KEPT_FINDINGS:]


def _apply_pull(state: LogState, entry: Entry) -> None:
    assert entry.stream is not None
    stream = state.stream(entry.stream)
    stream.pulls += 1
    stream.last_pull_at, stream.last_pull_seq = entry.committed_at, entry.seq
    for page in entry.objects:
        stream.pages += 1
        stream.bytes += page.bytes
        stream.records += page.records if page.records is not UNSET else 0
        if entry.audited is True:
            _note_request(state.footprints.pending, page.request_id, page.requested_at)
    if entry.audited is True and entry.attempts is not UNSET:
        for attempt in entry.attempts:
            _note_request(state.footprints.possible, attempt.get("request_id"), attempt.get("requested_at"))
    if entry.window is None:
        stream.pending_fold[str(entry.seq)] = Window.from_text(
            ["1970-01-01T00:00:00Z", "9999-12-31T00:00:00Z"]
        )
        return
    window = Window.from_text(entry.window)
    stream.pending_fold[str(entry.seq)] = window
    if entry.complete:
        stream.covered = merge([*stream.covered, window])
        stream.dead = [dead for dead in stream.dead if not _covers(window, dead.window)]
        committed = parse_rfc3339(entry.committed_at)
        for day in window.days():
            whole = Window.of_day(day)
            if _covers(window, whole) and committed - whole.end >= _SETTLED:
                stream.reread[day.isoformat()] = entry.committed_at
    elif entry.error is not UNSET:
        tries = sum(dead.tries for dead in stream.dead if dead.window == window)
        stream.dead = [dead for dead in stream.dead if dead.window != window]
        stream.dead.append(DeadWindow(window, entry.seq, tries + 1, entry.error, entry.committed_at))


def _note_request(requests: dict[str, str], request_id: Any, requested_at: Any) -> None:
    if isinstance(request_id, str) and isinstance(requested_at, str):
        requests[request_id] = requested_at


def _apply_table(state: LogState, entry: Entry) -> None:
    assert entry.table is not UNSET
    table = state.table(entry.table)
    for seq in entry.derived_from:
        table.folded_through = max(table.folded_through, seq)
        if entry.stream is not None:
            state.stream(entry.stream).pending_fold.pop(str(seq), None)
    source = entry.derived_from[0] if entry.derived_from else entry.seq
    for ref in entry.objects:
        # files of tables that ride along (one entry may carry several tables) name their own table
        home = table if ref.table is UNSET else state.table(ref.table)
        home.recent.append(_table_file(ref, seq=source))
    for name, value in entry.counts.items():
        if isinstance(value, int):
            table.counts[name] = table.counts.get(name, 0) + value
    _first_seen(table.unknown_types, entry.counts.get("unknown_types"), entry)
    _first_seen(table.unknown_fields, entry.counts.get("unknown_fields"), entry)
    if entry.footprints is not UNSET:
        _apply_footprints(state.footprints, entry.footprints)


def _first_seen(seen: dict[str, FirstSeen], names: Any, entry: Entry) -> None:
    for name, count in (names or {}).items():
        if name in seen:
            seen[name].count += count
        else:
            seen[name] = FirstSeen(entry.seq, entry.committed_at, count)


def _apply_footprints(footprints: Footprints, seen: dict[str, Any]) -> None:
    for request_id in seen.get("found", []):
        if (
            footprints.pending.pop(request_id, None) or footprints.possible.pop(request_id, None)
        ) is not None:
            footprints.found += 1
    callers = {caller.identity: caller for caller in footprints.others}
    for other in seen.get("others", []):
        caller = msgspec.convert(other, Caller)
        if caller.identity in callers:
            callers[caller.identity].count += caller.count
        elif len(callers) < _KEPT_CALLERS:
            footprints.others.append(caller)
            callers[caller.identity] = caller
    for identity in seen.get("identities", []):
        if identity not in footprints.identities:
            footprints.identities.append(identity)


def _apply_seal(state: LogState, entry: Entry) -> None:
    assert entry.table is not UNSET
    table = state.table(entry.table)
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
        reread = state.stream(entry.stream).reread
        state.stream(entry.stream).reread = {day: at for day, at in reread.items() if day not in days}


def _table_file(ref: ObjectRef, *, seq: int | None) -> TableFile:
    first_at, last_at = ref.covers if ref.covers is not UNSET else (None, None)
    return TableFile(
        key=ref.key,
        version_id=ref.version_id,
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


def overdue_footprints(state: LogState, stream: str, *, margin_seconds: int = 180) -> list[str]:
    """Request ids of ours whose moment the feed's coverage has passed, and which the feed never showed.

    `margin_seconds` leaves the vendor time to record and index a request (documented: within a minute).
    """
    overdue = []
    covered = state.stream(stream).covered
    for request_id, requested_at in state.footprints.pending.items():
        moment = parse_rfc3339(requested_at)
        for window in covered:
            if window.start <= moment and (window.end - moment).total_seconds() >= margin_seconds:
                overdue.append(request_id)
                break
    return overdue
