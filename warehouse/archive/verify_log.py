"""The log's part of a verification: entries, chain, checkpoints, tiles, and the state they lead to.

Promise: each entry is judged by the checkpoint over it, so one altered entry is one finding and not a broken
rest: where tile and checkpoint agree on what stood there, the replay goes on with that.
"""

from collections.abc import Callable, Collection, Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from enum import Enum

import msgspec

from warehouse.archive import keys
from warehouse.archive.ahead import in_order
from warehouse.archive.derive import apply
from warehouse.archive.entry import Entry, parse, sha256_hex
from warehouse.archive.errors import EntryUnreadable
from warehouse.archive.findings import Verification
from warehouse.archive.local import LocalStore
from warehouse.archive.merkle import Edge, leaf_hash, tiles_reached
from warehouse.archive.note import NoteError, Verifier
from warehouse.archive.shape import check
from warehouse.archive.state import FORMAT as STATE_FORMAT
from warehouse.archive.state import LogState
from warehouse.archive.store import Store
from warehouse.archive.verify_expiry import recorded
from warehouse.archive.verify_inventory import LogInventory, get_or_none, in_circles
from warehouse.archive.verify_locks import LockCheck, LockSeen, Named
from warehouse.archive.verify_signatures import CheckpointReader
from warehouse.archive.verify_start import Start
from warehouse.wire.times import parse_rfc3339

Tell = Callable[[str, int, int], None]


class _Verdict(Enum):
    GOOD = "its bytes are under a checkpoint"
    ALTERED = "tile and checkpoint agree on other bytes"
    UNKNOWN = "nothing to judge it by"


@dataclass
class _Fetched:
    """All that the log keeps about one entry; None is what is not there."""

    seq: int
    data: bytes | None
    note: bytes | None
    tiles: list[bytes | None]
    locks: list[LockSeen]


class LogCheck:
    """One pass over the log, or over a part of it. `run` or `run_part` fills the fields below."""

    def __init__(
        self,
        store: Store,
        trusted: list[Verifier] | None,
        result: Verification,
        tell: Tell,
        *,
        start: Start | None = None,
        objects_from: int = 0,
        since: datetime | None = None,
        locks: LockCheck | None = None,
        wanted: Collection[int] = (),
    ) -> None:
        """`start`: a snapshot to begin at. Objects are noted of entries from `objects_from` and `since` on.

        `wanted` are sizes whose roots somebody wants to compare: `roots` has them afterwards.
        """
        start = start or Start()
        self.size = 0  # entries by their numbers, missing ones included
        self.state = start.state
        self.state_is_whole = True  # every entry, or all since a snapshot, went into the state
        self.newest_at: datetime | None = None
        self.named: dict[tuple[str, str | None, str], Named] = {}
        self.named_keys: set[str] = set()
        self.recorded_gone: set[str] = set()  # keys whose deletion the log records
        self.roots: dict[int, bytes] = {}
        self._store = store
        self._trusted = trusted
        self._objects_from, self._since = objects_from, since
        self._locks = locks or LockCheck(None)
        self._wanted = wanted
        self._result = result
        self._tell = tell
        self._next = self._first = start.size
        self._edge = Edge(start.size, [list(hashes) for hashes in start.state.edge_levels])
        self._peaks = self._edge.peaks()
        self._roots_known = True
        self._before: tuple[int, str, _Verdict] | None = None
        if start.size and start.state.head_sha256 is not None:
            self._before = (start.size - 1, start.state.head_sha256, _Verdict.GOOD)
        self._moved: dict[int, int] = {}

    def run(self, inventory: LogInventory) -> None:
        """Go over all entries of the inventory."""
        self.size = inventory.size
        self._over(inventory.numbers())
        swapped = in_circles(self._moved)
        for seq, inside in self._moved.items():
            code = "reordered" if seq in swapped else "renumbered"
            self._result.found(code, keys.entry(seq), f"says inside that it is entry {inside}")
        for key in inventory.skipped:
            self._result.found("missing", key, "it and the entries up to the next one that is there are gone")
        inventory.check_beyond(self._notes)
        self._notes.close()

    def run_part(self, stop: int, size: int) -> None:
        """Go over the entries up to (not including) `stop` of a log of `size`; each of them must be there."""
        self.size = size
        self._over(range(self._next, stop))
        self._notes.close(whole=False)
        for seq, inside in self._moved.items():
            self._result.found("renumbered", keys.entry(seq), f"says inside that it is entry {inside}")

    def keys_met(self) -> set[str]:
        """The log's keys that were in force before or in what was gone over."""
        return self._notes.met()

    def _over(self, numbers: Iterable[int]) -> None:
        first = get_or_none(self._store, keys.entry(0))
        self._notes = CheckpointReader(
            self._result, self._trusted, _read(first, keys.entry(0))[0], self.state.signed_from
        )
        threads = 0 if isinstance(self._store, LocalStore) else 8  # a disk answers sooner than a thread starts
        for done, fetched in enumerate(in_order(self._fetch, numbers, threads=threads)):
            self._take(fetched)
            if done % 200 == 0:
                self._tell("entries", done, self.size - self._first)
        self._tell("entries", self.size - self._first, self.size - self._first)

    def _fetch(self, seq: int) -> _Fetched:
        get, seen = self._locks.get, list[LockSeen]()
        data = get(self._store, keys.entry(seq), seen)
        note = get(self._store, keys.checkpoint(seq + 1), seen)
        tiles = [get(self._store, keys.tile(*place), seen) for place in tiles_reached(seq + 1)]
        return _Fetched(seq, data, note, tiles, seen)

    # -- judging ---------------------------------------------------------------------------------------------

    def _take(self, fetched: _Fetched) -> None:
        seq, key, data = fetched.seq, keys.entry(fetched.seq), fetched.data
        if seq != self._next:
            self._roots_known = self.state_is_whole = False  # a stretch of the log is gone as a whole
            self._notes.doubt()
        self._next = seq + 1
        entry, problem = _read(data, key)
        moved = entry is not None and entry.seq != seq
        verdict = self._judge(fetched)
        if data is None:
            self._result.found("missing", key, "the entry is gone although later ones exist; restore it")
        else:
            self._result.checked["entries"] += 1
            if moved and entry is not None:
                self._moved[seq] = entry.seq
            elif verdict is _Verdict.ALTERED:
                self._result.found("altered", key, "has other bytes than its tile and its checkpoint say")
            elif problem:
                self._result.found("unreadable" if verdict is _Verdict.GOOD else "altered", key, problem)
        usable = entry is not None and not moved and not problem and verdict is not _Verdict.ALTERED
        if entry is not None and data is not None:
            self._note_names(entry, check_objects=usable)
            if usable:
                self._check_chain(entry, key, verdict)
                self._locks.check(fetched.locks, entry.committed_at, self._result)
        if usable and entry is not None and data is not None:
            self._notes.first_stands |= seq == 0 and verdict is _Verdict.GOOD
            self._follow(entry, key, data)
            if entry.kind == "key" and isinstance(entry.public_key, str):
                self._notes.hand_over(seq, entry.public_key, sure=verdict is _Verdict.GOOD)
        else:
            self._notes.doubt()
            self.state_is_whole = False
        self._before = None if data is None else (seq, sha256_hex(data), verdict)

    def _judge(self, fetched: _Fetched) -> _Verdict:
        """Compare with the checkpoint over the entry; the edge goes on with the leaf that was signed."""
        size, tiles = fetched.seq + 1, fetched.tiles
        checkpoint = self._notes.read(size, fetched.note, expected=size < self.size)
        leaf = leaf_hash(fetched.data) if fetched.data is not None else None
        verdict = _Verdict.UNKNOWN
        if self._roots_known and checkpoint is not None:
            kept = tiles[0][-32:] if tiles[0] else b""
            if leaf is not None and self._peaks.root_with(leaf) == checkpoint.root:
                verdict = _Verdict.GOOD
            elif self._peaks.root_with(kept) == checkpoint.root:
                leaf, verdict = kept, _Verdict.ALTERED
            else:
                if leaf is not None:
                    self._result.found(
                        "forked",
                        keys.checkpoint(size),
                        "was signed over other entries than the ones stored; those after it cannot be judged",
                    )
                leaf = None
        if leaf is None:
            self._roots_known = False
        if not self._roots_known or leaf is None:
            return verdict
        self._peaks.append(leaf)
        if size in self._wanted:
            self.roots[size] = self._peaks.root()
        for made, stored in zip(self._edge.append(leaf), tiles, strict=True):
            tile = keys.tile(made.level, made.index, made.width)
            if stored is None and (size < self.size or fetched.note is not None):
                self._result.found("missing", tile, "the tile is gone; its hashes follow from the entries")
            elif stored is not None and stored != made.data:
                self._result.found("altered", tile, "does not hold the hashes of its entries")
        return verdict

    def _check_chain(self, entry: Entry, key: str, verdict: _Verdict) -> None:
        if entry.seq == 0 and entry.previous is not None:
            self._result.found("truncated", key, "names an entry before the first one")
        if self._before is None or self._before[0] != entry.seq - 1:
            return
        _, digest, before = self._before
        if entry.previous == digest or before is _Verdict.ALTERED:
            return
        if verdict is _Verdict.GOOD and before is _Verdict.GOOD:
            self._result.found("forked", key, "does not follow the entry before it, yet both were signed")
        else:
            self._result.found(
                "altered",
                keys.entry(entry.seq - 1),
                f"{key} names another hash for it: one of the two was altered",
            )

    # -- following -------------------------------------------------------------------------------------------

    def _follow(self, entry: Entry, key: str, data: bytes) -> None:
        """Take a trustworthy entry into the state; a snapshot must say the same as the entries before it."""
        committed = parse_rfc3339(entry.committed_at)
        if self.newest_at is not None and committed < self.newest_at:
            self._result.found("reordered", key, "was committed before the entry that stands before it")
        self.newest_at = max(committed, self.newest_at or committed)
        self.recorded_gone.update(recorded(entry))
        if not self.state_is_whole:
            self._begin_again(entry)
        elif entry.kind == "snapshot" and self._roots_known and self._differs(entry):
            self._result.found("altered", key, "the snapshot says otherwise than the entries before it")
        if self.state_is_whole:
            apply(self.state, entry)
            self.state.head_sha256 = sha256_hex(data)
            # copied, since the edge takes in the next leaf before a snapshot is compared with the state before it
            self.state.edge_size, self.state.edge_levels = self._edge.size, [list(h) for h in self._edge.levels]

    def _differs(self, entry: Entry) -> bool:
        """A snapshot of this version's format must equal the replay; of another it is a shortcut nobody takes."""
        assert isinstance(entry.state, dict)
        # through JSON, as the entry went: a position is a pair here and a list there
        replayed = msgspec.json.decode(msgspec.json.encode(self.state))
        return entry.state.get("format") == STATE_FORMAT and entry.state != replayed

    def _begin_again(self, entry: Entry) -> None:
        """After damage the state is unknown until a snapshot says it."""
        if entry.kind != "snapshot":
            return
        try:
            state = LogState.from_builtins(entry.state)
        except msgspec.ValidationError:
            return
        if state.size == entry.seq:
            self.state, self.state_is_whole = state, True
            with suppress(NoteError):
                self._notes.doubt(Verifier.from_vkey(state.public_key or ""))

    def _note_names(self, entry: Entry, *, check_objects: bool) -> None:
        wanted = check_objects and entry.seq >= self._objects_from
        if wanted and self._since is not None:
            wanted = parse_rfc3339(entry.committed_at) >= self._since
        for ref in entry.objects:
            self.named_keys.add(ref.key)
            if wanted:
                self.named[ref.key, ref.version_id, ref.sha256] = Named.of(ref, entry.committed_at)


def check_head(store: Store, size: int, result: Verification) -> None:
    """The head must be signed. To be asked at the end, when a writer at work has had the time to sign it."""
    head = keys.checkpoint(size)
    if store.head(head) is None:
        result.found(
            "signature",
            head,
            "the head of the log is not signed, as a killed run leaves it",
            "run `ledgerline pull`, which signs it; if it was signed before, restore it from a copy",
        )


def _read(data: bytes | None, key: str) -> tuple[Entry | None, str]:
    """An entry, as far as its bytes are one, and what is wrong with it."""
    if data is None:
        return None, ""
    try:
        entry = parse(data, key)
    except EntryUnreadable as error:
        return None, str(error)
    try:
        check(entry, key)
        if entry.to_bytes() == data:
            return entry, ""  # as we write it; what else is canonical was written by a newer release
        if msgspec.json.encode(msgspec.json.decode(data), order="sorted") != data:
            return entry, "is not in canonical form; nothing of ours writes it so"
    except (EntryUnreadable, ValueError, RecursionError) as error:
        return entry, str(error)
    return entry, ""
