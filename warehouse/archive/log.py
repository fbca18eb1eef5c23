"""The log: entries in a row, fenced by put-if-absent, chained by hash, covered by signed checkpoints.

Promise: two writers never share a number, a crash at any step leaves a log that the next writer goes on with,
and nothing mutable points at the head: it is found.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime

import msgspec
from msgspec import UNSET

from warehouse.archive import keys
from warehouse.archive.cache import StateCache
from warehouse.archive.entry import Draft, Entry, parse, place, sha256_hex
from warehouse.archive.errors import KeyMissing, LogForked, LogHole, SigningKeyInvalid, SigningKeyMissing
from warehouse.archive.merkle import Tile, leaf_hash
from warehouse.archive.note import Checkpoint, Signer
from warehouse.archive.state import LogState, apply
from warehouse.archive.store import Exists, Store
from warehouse.wire.times import Clock, parse_rfc3339, rfc3339

SNAPSHOT_EVERY = 512  # entries: bounds what a cold start reads beside the snapshot at each seal
_READ_AHEAD = 16

Build = Callable[[LogState], Draft | None]


class Log:
    """One archive's log. Reading needs a store; appending needs a signer too. Not for use by two threads."""

    def __init__(
        self,
        store: Store,
        *,
        clock: Clock,
        retain_until: Callable[[], datetime | None],
        writer: str,
        make_signer: Callable[[str], Signer] | None = None,
        new_origin: Callable[[], str] | None = None,
        cache: StateCache | None = None,
    ) -> None:
        self.store = store
        self.writer = writer
        self.state = LogState()
        self._clock = clock
        self._retain_until = retain_until
        self._make_signer = make_signer
        self._new_origin = new_origin
        self._cache = cache
        self._signer: Signer | None = None
        self._started = False
        self._tiles: list[Tile] = []
        self._checkpointed = -1

    # reading

    def refresh(self) -> LogState:
        """Bring the state to the head of the log. Raises LogHole, LogForked, EntryUnreadable, StoreError."""
        if not self._started:
            self._start()
            self._started = True
        for key, data in self._read_on(self.state.size):
            self._take(parse(data, key), data)
        return self.state

    def entries(self, start: int = 0, end: int | None = None) -> Iterator[Entry]:
        """Entries `start <= seq < end` in order, unverified beyond their form; to the head without `end`."""
        for key, data in self._read_on(start, end):
            yield parse(data, key)

    def entry(self, seq: int) -> Entry:
        key = keys.entry(seq)
        return parse(self.store.get(key), key)

    def _read_on(self, start: int, end: int | None = None) -> Iterator[tuple[str, bytes]]:
        """Entry bytes from `start` on, in order, until one is absent; reads ahead where many are wanted."""
        seq = start
        try:
            yield keys.entry(seq), self.store.get(keys.entry(seq))
        except KeyMissing:
            return
        seq += 1
        with ThreadPoolExecutor(_READ_AHEAD) as pool:
            while end is None or seq < end:
                stop = seq + _READ_AHEAD if end is None else min(end, seq + _READ_AHEAD)
                wanted = [keys.entry(number) for number in range(seq, stop)]
                for key, data in zip(wanted, pool.map(self._get_or_none, wanted), strict=True):
                    if data is None:
                        return
                    yield key, data
                seq = stop

    def _get_or_none(self, key: str) -> bytes | None:
        try:
            return self.store.get(key)
        except KeyMissing:
            return None

    def _start(self) -> None:
        cached = self._cache.load() if self._cache else None
        if cached is not None and self._fits(cached):
            self.state = cached
            return
        head = self._gallop()
        if head < 0:
            return
        newest = self.entry(head)
        at = newest.seq if newest.kind == "snapshot" else newest.snapshot
        if at is None:
            raise LogForked(
                f"{keys.entry(head)} names no snapshot, so it cannot be an entry of ours; run `ledgerline verify`"
            )
        data = self.store.get(keys.entry(at))
        snapshot = parse(data, keys.entry(at))
        if snapshot.kind != "snapshot" or snapshot.state is UNSET:
            raise LogForked(f"{keys.entry(at)} should be a snapshot and is a {snapshot.kind} entry")
        self.state = LogState.from_builtins(snapshot.state)
        self._take(snapshot, data)

    def _fits(self, cached: LogState) -> bool:
        """A cache counts only if the log still has, at its place, the very entry it was made after."""
        if cached.seq < 0:
            return False
        data = self._get_or_none(keys.entry(cached.seq))
        return data is not None and sha256_hex(data) == cached.head_sha256

    def _gallop(self) -> int:
        """The number of the newest entry, -1 for an empty log, in O(log n) questions."""
        if not self._has(0):
            low = -1
        else:
            low, step = 0, 1
            while self._has(low + step):
                low, step = low + step, step * 2
            high = low + step
            while high - low > 1:
                middle = (low + high) // 2
                if self._has(middle):
                    low = middle
                else:
                    high = middle
        beyond = next(iter(self.store.list(keys.ENTRIES, keys.entry(low) if low >= 0 else "")), None)
        if beyond is not None and not self._has(low + 1):
            raise LogHole(
                f"{keys.entry(low + 1)} is missing although {beyond.key} exists: an entry was removed. "
                f"Nothing was written. Run `ledgerline verify`, then restore the object (on S3: delete the "
                f"delete marker that hides it)"
            )
        return low

    def _has(self, seq: int) -> bool:
        return self.store.head(keys.entry(seq)) is not None

    def _take(self, entry: Entry, data: bytes) -> None:
        state = self.state
        if entry.seq != state.size:
            raise LogForked(
                f"{keys.entry(state.size)} says it is entry {entry.seq}; run `ledgerline verify`"
            )
        if entry.previous != state.head_sha256:
            raise LogForked(
                f"{keys.entry(entry.seq)} does not follow the entry before it (hash of the previous entry "
                f"differs); one of the two was altered. Nothing was written. Run `ledgerline verify`"
            )
        apply(state, entry)
        state.head_sha256 = sha256_hex(data)
        edge = state.edge()
        self._tiles += edge.append(leaf_hash(data))
        state.edge_size, state.edge_levels = edge.size, edge.levels

    # writing

    def append(self, build: Build) -> Entry | None:
        """Append what `build` makes of the newest state, or nothing where it returns None.

        `build` is called again with a newer state whenever another writer was faster, so what it decides is
        always decided on the head. Raises SigningKeyMissing, SigningKeyInvalid, and what the store raises.
        """
        self.refresh()
        if self.state.seq < 0:
            self._begin()
        while True:
            draft = build(self.state)
            if draft is None:
                return None
            entry = self._place(draft)
            if self._put(entry):
                self._checkpoint()
                return entry
            self.refresh()

    def _place(self, draft: Draft) -> Entry:
        state = self.state
        now = self._clock()
        if state.committed_at is not None:
            now = max(now, parse_rfc3339(state.committed_at))
        return place(
            draft,
            seq=state.size,
            writer=self.writer,
            committed_at=rfc3339(now),
            snapshot=state.snapshot,
            previous=state.head_sha256,
        )

    def _put(self, entry: Entry) -> bool:
        key, data = keys.entry(entry.seq), entry.to_bytes()
        stored = self.store.put_if_absent(key, data, self._retain_until())
        # A put that timed out may have succeeded; the writer's id in the bytes tells ours from another's.
        if isinstance(stored, Exists) and self.store.get(key) != data:
            return False
        self._take(entry, data)
        return True

    def _begin(self) -> None:
        """Entry 0: a snapshot of nothing that names the log's origin and its first public key."""
        if self._make_signer is None or self._new_origin is None:
            raise SigningKeyMissing("this archive was opened for reading; writing needs archive.signing_key")
        origin = self._new_origin()
        signer = self._make_signer(origin)
        draft = Draft(
            kind="snapshot",
            state=LogState().to_builtins(),
            origin=origin,
            public_key=signer.verifier.vkey,
        )
        if not self._put(self._place(draft)):
            self.refresh()

    def snapshot(self) -> Entry | None:
        """Append the state as a snapshot, unless the head is one already."""
        return self.append(
            lambda state: (
                None
                if state.snapshot == state.seq
                else Draft(kind="snapshot", state=state.to_builtins())
            )
        )

    def snapshot_if_due(self) -> Entry | None:
        if self.state.snapshot is not None and self.state.seq - self.state.snapshot >= SNAPSHOT_EVERY:
            return self.snapshot()
        return None

    def signer(self) -> Signer:
        """The signer under the log's origin. Raises SigningKeyMissing, or SigningKeyInvalid for a wrong key."""
        if self._signer is None:
            if self._make_signer is None:
                raise SigningKeyMissing(
                    "this archive was opened for reading; writing needs archive.signing_key"
                )
            assert self.state.origin is not None
            signer = self._make_signer(self.state.origin)
            if self.state.public_key is not None and signer.verifier.vkey != self.state.public_key:
                raise SigningKeyInvalid(
                    f"the signing key is not the one this log was begun with: the log says "
                    f"{self.state.public_key}, the key is {signer.verifier.vkey}. Nothing was written; "
                    f"set archive.signing_key to the original key"
                )
            self._signer = signer
        return self._signer

    def settle(self) -> None:
        """Sign the head if a crash left it unsigned, and keep the state for the next start."""
        self.refresh()
        size = self.state.size
        if size and self._checkpointed != size and self.store.head(keys.checkpoint(size)) is None:
            self._checkpoint()
        if self._cache:
            self._cache.save(self.state)

    def _checkpoint(self) -> None:
        """Write the tiles of the current size, then the signed tree head over it; the last one wins nothing,
        since both writers of a size would write the same bytes."""
        size = self.state.size
        if self._checkpointed == size:
            return
        signer = self.signer()
        edge = self.state.edge()
        checkpoint = Checkpoint(signer.name, size, edge.root())
        until = self._retain_until()
        for tile in [*self._tiles, *edge.partial_tiles()]:
            self.store.put_if_absent(keys.tile(tile), tile.data, until)
        self.store.put_if_absent(keys.checkpoint(size), signer.sign(checkpoint.text).encode(), until)
        self._tiles.clear()
        self._checkpointed = size


def state_bytes(state: LogState) -> bytes:
    """The state as canonical JSON, for caches and comparisons."""
    return msgspec.json.encode(state, order="sorted")
