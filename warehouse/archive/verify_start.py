"""Where a verification begins: at the first entry, or at a snapshot, whose state stands for the entries before it.

Promise: a snapshot is taken only where its own tree leads, with its bytes, to the root that the log's key signed;
that is judged by the replay which begins here. A file on this machine says from where to go on, and nothing else.
"""

import os
import secrets
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import msgspec

from warehouse.archive import keys
from warehouse.archive.errors import EntryUnreadable
from warehouse.archive.note import Checkpoint, NoteError, parse_note
from warehouse.archive.shape import read
from warehouse.archive.state import FORMAT as STATE_FORMAT
from warehouse.archive.state import LogState
from warehouse.archive.store import Store
from warehouse.archive.verify_inventory import get_or_none
from warehouse.wire.times import parse_rfc3339, rfc3339

FORMAT = "ledgerline-verified/1"


@dataclass
class Start:
    """The first entry to replay, and what follows from those before it."""

    size: int = 0
    state: LogState = field(default_factory=LogState)


class _Format(msgspec.Struct):
    format: str = ""


class _Link(msgspec.Struct):
    """What is needed of an entry to go from snapshot to snapshot."""

    kind: str
    seq: int
    committed_at: str
    snapshot: int | None = None
    state: _Format | None = None


_link_decoder = msgspec.json.Decoder(_Link)


def start_of(store: Store, seq: int) -> Start | None:
    """The snapshot that is entry `seq`, as a beginning; None where it cannot be one."""
    data = get_or_none(store, keys.entry(seq))
    try:
        state = LogState.from_builtins(read(data or b"", keys.entry(seq)).state)
    except (EntryUnreadable, msgspec.ValidationError):
        return None
    return Start(seq, state) if state.size == seq == state.edge_size else None


def start_at(store: Store, size: int) -> Start | None:
    """The newest snapshot among the first `size` entries, as a beginning; None where none can be used."""
    for seq in snapshots_before(store, size):
        return start_of(store, seq) if seq else None
    return None


def snapshots_before(store: Store, size: int) -> Iterator[int]:
    """The snapshots of our format among the first `size` entries, newest first, as entries name them."""
    seq: int | None = size - 1
    first = True
    while seq is not None and seq >= 0:
        link = _link(store, seq)
        if link is None:
            return
        if link.kind == "snapshot":
            if link.state is not None and link.state.format == STATE_FORMAT:
                yield seq
        elif not first:
            return  # names an entry that is no snapshot: for the replay to judge
        if link.snapshot is not None and link.snapshot >= seq:
            return
        seq, first = link.snapshot, False


def first_since(store: Store, moment: datetime, size: int) -> int:
    """The first of `size` entries that was committed at `moment` or later; `size` where none was. An entry that
    cannot be read counts as later, so that it is looked at."""
    low, high = 0, size
    while low < high:
        middle = (low + high) // 2
        link = _link(store, middle)
        try:
            earlier = link is not None and parse_rfc3339(link.committed_at) < moment
        except ValueError:
            earlier = False
        if earlier:
            low = middle + 1
        else:
            high = middle
    return low


def _link(store: Store, seq: int) -> _Link | None:
    try:
        return _link_decoder.decode(get_or_none(store, keys.entry(seq)) or b"")
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None


@dataclass(frozen=True)
class Position:
    """Up to where the archive was verified: a checkpoint as the log's key signed it, and when that was (UTC)."""

    note: str
    at: datetime

    @property
    def checkpoint(self) -> Checkpoint:
        """Raises NoteError."""
        return Checkpoint.from_text(parse_note(self.note)[0])


class _Kept(msgspec.Struct):
    format: str
    checkpoint: str
    verified_at: str


class PositionFile:
    """One small file. Absent, damaged or of another form it is passed over; what it says is checked."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @classmethod
    def beside(cls, cache: Path) -> "PositionFile":
        """The one that stands beside the cache of an archive's state."""
        return cls(cache.with_name("verified"))

    def load(self) -> Position | None:
        """What was kept, if it has the form of it."""
        try:
            kept = msgspec.json.decode(self.path.read_bytes(), type=_Kept)
            position = Position(kept.checkpoint, parse_rfc3339(kept.verified_at))
            return position if kept.format == FORMAT and position.checkpoint.size > 0 else None
        except (OSError, ValueError, RecursionError, NoteError):
            return None

    def save(self, position: Position) -> None:
        """Replace the file in one step. A disk that will not take it is no reason to fail."""
        data = msgspec.json.encode(_Kept(FORMAT, position.note, rfc3339(position.at)))
        temporary = self.path.with_name(f"{self.path.name}.{secrets.token_hex(4)}.tmp")
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            temporary.write_bytes(data)
            os.replace(temporary, self.path)
        except (OSError, ValueError):
            with suppress(OSError, ValueError):
                temporary.unlink()
