"""What the log says, reduced: coverage, what waits to be folded, which files a table consists of, footprints.

Promise: plain data, derived from the entries alone (`derive.apply`). Snapshots hold it, a local cache may hold
it, and deleting either changes nothing but the time a start takes. Asking it something never changes it.
"""

from datetime import datetime
from typing import Any

import msgspec
from msgspec import UNSET, UnsetType

from warehouse.archive.deliveries import Served
from warehouse.archive.merkle import Edge
from warehouse.archive.recording import Turn, off_spans
from warehouse.wire.times import parse_rfc3339
from warehouse.wire.windows import Window

FORMAT = "ledgerline-state/2"


class DeadWindow(msgspec.Struct):
    """A window that failed its tries, or what is left of one: complete pulls since then are cut out of it.

    `tries` counts failed runs over this window, or over shorter ones inside it that it took the place of.
    """

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
    # of streams whose answers say how fresh they are: the newest such moment, and by day that of its newest
    # complete pull, until the day is final; of other streams whose figures move: when the day was asked for
    refreshed_at: str | None = None
    unsettled: dict[str, str] = {}


class TableFile(msgspec.Struct, frozen=True):
    """One Parquet file that readers must read. `seq` is the pull it came from (recent) or null (sealed)."""

    key: str
    version_id: str | None
    sha256: str
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
    forgotten: int = 0  # pending ones that had to make room: never seen in the feed, named in the log only
    identities: list[str] = []  # who we are in the feed: key, address and agent of found footprints
    others: list[Caller] = []

    def foreign(self) -> list[Caller]:
        """Callers that were never seen with a request of ours."""
        return [caller for caller in self.others if caller.identity not in self.identities]

    def unclaimed(self) -> int:
        """Requests under an identity of ours that no entry names: of runs that ended before committing."""
        return sum(caller.count for caller in self.others if caller.identity in self.identities)


class Hold(msgspec.Struct, frozen=True):
    """A legal hold: all that concerns the events of a window stays, whatever its retention says.

    `phase` is "setting" until every object was held, then "on", and "releasing" from the command to release it
    until every object was let go. `seq` is the entry that began it.
    """

    window: Window
    stream: str | None
    reason: str
    seq: int
    at: str
    phase: str = "setting"


class Extension(msgspec.Struct, frozen=True):
    """A longer retention of what the entries before `seq` name; `done` once every object has it."""

    seq: int
    window: Window | None
    stream: str | None
    until: str
    at: str
    done: bool = False


class SignedFrom(msgspec.Struct, frozen=True):
    """A key of the log: it signs the checkpoints of `size` entries and more, until the next one does."""

    size: int
    public_key: str


class Restriction(msgspec.Struct, frozen=True):
    """Whose records are masked at reading: salted hashes of identifiers, how long those are, and until when."""

    seq: int
    at: str
    reason: str
    salt: str
    digests: list[str]
    lengths: list[int]
    whole: bool = False
    lifted_at: str | None = None
    lifted_because: str | None = None


class LogState(msgspec.Struct):
    """Everything the pipeline knows. `seq` is the last entry taken in, -1 before the first.

    `signed_from` are the log's keys in the order in which they came, as C2SP verifier keys.
    """

    format: str = FORMAT
    seq: int = -1
    head_sha256: str | None = None
    committed_at: str | None = None
    snapshot: int | None = None
    origin: str | None = None
    signed_from: list[SignedFrom] = []
    edge_size: int = 0
    edge_levels: list[list[bytes]] = []
    streams: dict[str, StreamState] = {}
    tables: dict[str, TableState] = {}
    footprints: Footprints = msgspec.field(default_factory=Footprints)
    findings: list[dict[str, str]] = []
    kinds: dict[str, int] = {}
    adopted: int = 0
    holds: dict[str, Hold] | UnsetType = UNSET  # absent in a log that never had one
    extensions: list[Extension] | UnsetType = UNSET
    restrictions: dict[str, Restriction] | UnsetType = UNSET  # by name, lifted ones included
    periods: list[int] | UnsetType = UNSET  # the entries that moved a chargeback month, in order
    payers: list[int] | UnsetType = UNSET  # the entries that recorded the customer's files of who pays, in order
    deliveries: dict[str, Served] | UnsetType = UNSET  # by destination
    recording: list[Turn] | UnsetType = UNSET  # each record that the vendor's recording was switched, as met

    @property
    def size(self) -> int:
        return self.seq + 1

    @property
    def public_key(self) -> str | None:
        """The key that signs what is appended from now on."""
        return self.signed_from[-1].public_key if self.signed_from else None

    def key_at(self, size: int) -> str | None:
        """The key that signs the checkpoint of a size; None where the log names none."""
        return next((key.public_key for key in reversed(self.signed_from) if key.size <= size), None)

    @property
    def turns(self) -> list[Turn]:
        """The records that the vendor's recording was switched."""
        return [] if self.recording is UNSET else self.recording

    def edge(self) -> Edge:
        return Edge(self.edge_size, self.edge_levels)

    def period_entries(self) -> list[int]:
        """The entries that moved a chargeback month, in order; none in a log that never had one."""
        return self.periods if self.periods is not UNSET else []

    def payer_entries(self) -> list[int]:
        """The entries that recorded who pays, in order; none in a log that never had one."""
        return self.payers if self.payers is not UNSET else []

    def served(self) -> dict[str, Served]:
        """How far each destination has been served, by name; none in a log that never delivered."""
        return self.deliveries if self.deliveries is not UNSET else {}

    def stream(self, name: str) -> StreamState:
        """What is known of a stream; an empty one for a stream that no entry has named yet."""
        return self.streams.get(name) or StreamState()

    def table(self, name: str) -> TableState:
        """What is known of a table; an empty one for a table that no entry has named yet."""
        return self.tables.get(name) or TableState()

    def restricted(self) -> dict[str, Restriction]:
        """The restrictions that are on, by name."""
        return {name: one for name, one in (self.restrictions or {}).items() if one.lifted_at is None}

    def held(self) -> dict[str, Hold]:
        """The holds that are on, or being set: what they concern must stay. By name."""
        return {name: hold for name, hold in (self.holds or {}).items() if hold.phase != "releasing"}

    def covered_until(self, stream: str) -> datetime | None:
        covered = self.stream(stream).covered
        return covered[-1].end if covered else None

    def to_builtins(self) -> dict[str, Any]:
        """JSON-able form, as snapshots and caches hold it."""
        built: dict[str, Any] = msgspec.to_builtins(self)
        return built

    @classmethod
    def from_builtins(cls, data: Any) -> "LogState":
        """Raises msgspec.ValidationError when the data is not a state of this format."""
        state = msgspec.convert(data, cls)
        if state.format != FORMAT:
            raise msgspec.ValidationError(f"state of format {state.format!r}")
        return state


def overdue_footprints(state: LogState, stream: str, *, margin_seconds: int = 180) -> list[str]:
    """Request ids of ours whose moment the feed's coverage has passed, and which the feed never showed.

    `margin_seconds` leaves the vendor time to record and index a request (documented: within a minute). What was
    asked while the recording was switched off leaves no footprint, so none is missing.
    """
    overdue = []
    unrecorded = off_spans(state.turns)
    covered = state.stream(stream).covered
    for request_id, requested_at in state.footprints.pending.items():
        moment = parse_rfc3339(requested_at)
        if any(span.contains(moment) for span in unrecorded):
            continue
        for window in covered:
            if window.start <= moment and (window.end - moment).total_seconds() >= margin_seconds:
                overdue.append(request_id)
                break
    return overdue
