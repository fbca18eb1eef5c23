"""The log: entries in a row, fenced by put-if-absent, chained by hash, covered by signed checkpoints.

Promise: two writers never share a number, a crash at any step leaves a log that the next writer goes on with,
and no entry is written before the one under it is signed: every size has its checkpoint, save the newest.
"""

from collections.abc import Callable, Iterator
from datetime import datetime

import msgspec
from msgspec import UNSET

from warehouse.archive import keys
from warehouse.archive.ahead import until_absent
from warehouse.archive.cache import StateCache
from warehouse.archive.derive import apply
from warehouse.archive.entry import Draft, Entry, place, sha256_hex
from warehouse.archive.errors import (
    EntryUnreadable,
    KeyMissing,
    LogForked,
    SigningKeyInvalid,
    SigningKeyMissing,
)
from warehouse.archive.head import demand_end, find_head, hole
from warehouse.archive.key_change import wrong_key
from warehouse.archive.merkle import Tile, leaf_hash
from warehouse.archive.note import Checkpoint, Signer
from warehouse.archive.shape import read
from warehouse.archive.state import FORMAT as STATE_FORMAT
from warehouse.archive.state import LogState
from warehouse.archive.store import Exists, Store
from warehouse.wire.times import Clock, parse_rfc3339, rfc3339

SNAPSHOT_EVERY = 512  # entries: bounds what a cold start reads beside the snapshot at each seal

Build = Callable[[LogState], Draft | None]


class Log:
    """One archive's log. Reading needs a store; appending needs a signer too. Not for use by two threads.

    `on_signed` is called with the number of an entry once what the log keeps of it is there: by whoever wrote it,
    and by the next writer before it builds upon it, since the first may be dead. What it raises ends the append.
    """

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
        on_begin: Callable[[], None] = lambda: None,
        on_signed: Callable[[int], None] = lambda _seq: None,
    ) -> None:
        self.store = store
        self.writer = writer
        self.state = LogState()
        self._clock = clock
        self._retain_until = retain_until
        self._make_signer = make_signer
        self._new_origin = new_origin
        self._cache = cache
        self._on_begin = on_begin
        self._on_signed = on_signed
        self._signers: list[Signer] = []  # ours, once one was needed; a rotation adds the next
        self._started = False
        self._tiles: list[Tile] = []  # those that the newest entry widened
        self._signed = 0  # the size whose checkpoint is known to be there
        self._told = 0  # and the one for which `on_signed` was called

    # reading

    def refresh(self) -> LogState:
        """Bring the state to the head of the log.

        Raises LogHole, LogForked, LogGone, EntryUnreadable, StoreError.
        """
        if self._started:
            self._read_on()
        else:
            self._start(self._cached())
        return self.state

    def entries(self, start: int = 0, end: int | None = None) -> Iterator[Entry]:
        """Entries `start <= seq < end` in order, unverified beyond their form; to the head without `end`."""
        for key, data in self._bytes_from(start, end):
            yield read(data, key)

    def entry(self, seq: int) -> Entry:
        key = keys.entry(seq)
        return read(self.store.get(key), key)

    def _bytes_from(self, start: int, end: int | None = None) -> Iterator[tuple[str, bytes]]:
        for seq, data in until_absent(lambda seq: self._get_or_none(keys.entry(seq)), start, end):
            yield keys.entry(seq), data

    def _get_or_none(self, key: str) -> bytes | None:
        try:
            return self.store.get(key)
        except KeyMissing:
            return None

    def _read_on(self) -> None:
        for key, data in self._bytes_from(self.state.size):
            self._take(read(data, key), data)

    def _cached(self) -> LogState | None:
        """The cached state, if the log still has, at its place, the very entry it was made after."""
        cached = self._cache.load() if self._cache else None
        if cached is None or cached.seq < 0:
            return None
        data = self._get_or_none(keys.entry(cached.seq))
        return cached if data is not None and sha256_hex(data) == cached.head_sha256 else None

    def _start(self, cached: LogState | None) -> None:
        """The state from the cache, else from the newest snapshot; then to the head, which must be the end."""
        self.state, self._tiles, self._signed = LogState(), [], 0
        head = -1
        if cached is not None:
            self.state = cached
        else:
            head = find_head(self.store)
            if head >= 0:
                self._take_snapshot(head)
            elif self._cache is not None:
                self._cache.demand_unknown(self.store.url)
        self._read_on()
        if self.state.seq < head:
            raise hole(self.state.size, keys.entry(head))
        while not demand_end(self.store, self.state.size):
            self._read_on()
        self._started = True

    def _take_snapshot(self, head: int) -> None:
        """Begin at the newest snapshot that the head names, or is."""
        newest = self.entry(head)
        at = newest.seq if newest.kind == "snapshot" else newest.snapshot
        if at is None or not 0 <= at <= head:
            raise LogForked(
                f"{keys.entry(head)} names no snapshot of this log, so it cannot be an entry of ours; "
                f"run `ledgerline verify`"
            )
        key = keys.entry(at)
        data = self._get_or_none(key)
        if data is None:
            raise hole(at, keys.entry(head))
        snapshot = read(data, key)
        if snapshot.kind != "snapshot" or snapshot.state is UNSET:
            raise LogForked(f"{key} should be a snapshot and is a {snapshot.kind} entry; run `ledgerline verify`")
        if snapshot.state.get("format", STATE_FORMAT) != STATE_FORMAT:
            return  # a shortcut of another version; the entries themselves say it all, from the first on
        try:
            self.state = LogState.from_builtins(snapshot.state)
        except msgspec.ValidationError as error:
            raise EntryUnreadable(f"{key} holds no readable state ({error}); run `ledgerline verify`") from error
        self._take(snapshot, data)

    def _take(self, entry: Entry, data: bytes) -> None:
        state, key = self.state, keys.entry(self.state.size)
        if entry.seq != state.size:
            raise LogForked(f"{key} says it is entry {entry.seq}; run `ledgerline verify`")
        if entry.previous != state.head_sha256:
            raise LogForked(
                f"{key} does not follow the entry before it (hash of the previous entry differs); one of the "
                f"two was altered. Nothing was written. Run `ledgerline verify`"
            )
        apply(state, entry)
        state.head_sha256 = sha256_hex(data)
        edge = state.edge()
        self._tiles = edge.append(leaf_hash(data))
        state.edge_size, state.edge_levels = edge.size, edge.levels

    # writing

    def append(self, build: Build) -> Entry | None:
        """Append what `build` makes of the newest state, or nothing where it returns None.

        `build` is called again with a newer state whenever another writer was faster, so what it decides is
        always decided on the head. Raises SigningKeyMissing, SigningKeyInvalid or EntryUnreadable before
        anything is written, and what the store raises.
        """
        self.refresh()
        if self.state.seq < 0:
            self._begin()
        self.signer()
        while True:
            draft = build(self.state)
            if draft is None:
                return None
            # Also another writer's entry: its author may be dead, and what is not signed is not built upon.
            self._sign_head()
            self.signer()  # the log may have been handed to another key meanwhile
            entry = self._place(draft)
            if self._put(entry):
                self._sign(self.state.size)
                self._tell_signed()
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
        read(data, key)  # what no reader could take in would end the log for good
        stored = self.store.put_if_absent(key, data, self._retain_until())
        # A put that timed out may have succeeded; the writer's id in the bytes tells ours from another's.
        if isinstance(stored, Exists) and self.store.get(key) != data:
            return False
        self._take(entry, data)
        return True

    def _begin(self) -> None:
        """Entry 0: a snapshot of nothing that names the log's origin and its first public key."""
        if self._make_signer is None or self._new_origin is None:
            raise _no_key()
        origin = self._new_origin()
        signer = self._make_signer(origin)
        draft = Draft(
            kind="snapshot",
            state=LogState().to_builtins(),
            origin=origin,
            public_key=signer.verifier.vkey,
        )
        if self._put(self._place(draft)):
            self._on_begin()
        else:
            self.refresh()

    def snapshot(self) -> Entry | None:
        """Append the state as a snapshot, unless the head is one already."""
        return self.append(
            lambda state: (
                None if state.snapshot == state.seq else Draft(kind="snapshot", state=state.to_builtins())
            )
        )

    def snapshot_if_due(self) -> Entry | None:
        if self.state.snapshot is not None and self.state.seq - self.state.snapshot >= SNAPSHOT_EVERY:
            return self.snapshot()
        return None

    def signer(self) -> Signer:
        """Who signs what is appended next. Raises SigningKeyMissing, or SigningKeyInvalid for a wrong key."""
        return self._signer_at(self.state.size + 1)

    def hand_over_to(self, new: Signer) -> None:
        """Let `new` sign beside our own key, each where it is in force. To be called before its entry is."""
        self._own_signers().append(new)

    def _own_signers(self) -> list[Signer]:
        if not self._signers:
            if self._make_signer is None:
                raise _no_key()
            if self.state.origin is None:
                raise LogForked(f"{keys.entry(0)} names no origin of the log; run `ledgerline verify`")
            self._signers = [self._make_signer(self.state.origin)]
        return self._signers

    def _signer_at(self, size: int) -> Signer:
        signers, wanted = self._own_signers(), self.state.key_at(size)
        for signer in signers:
            if wanted in (None, signer.verifier.vkey):
                return signer
        raise SigningKeyInvalid(wrong_key(self.state, size, signers[0].verifier.vkey))

    def settle(self) -> None:
        """Sign the head if a crash left it unsigned, and keep the state for the next start."""
        self.refresh()
        if self._make_signer is not None:
            self._sign_head()
        # A start from the cache knows no tiles, so it must not find a head that still has to be signed.
        if self._cache and self.state.size and self._is_signed():
            self._cache.save(self.state)

    def _is_signed(self) -> bool:
        size = self.state.size
        if self._signed != size and self.store.head(keys.checkpoint(size)) is not None:
            self._signed = size
        return self._signed == size

    def _sign_head(self) -> None:
        if not self.state.size:
            return
        if not self._is_signed():
            if not self._tiles:  # begun from a cache, and its checkpoint is gone
                self._start(None)
            self._sign(self.state.size)
        self._tell_signed()

    def _tell_signed(self) -> None:
        if self._told != self.state.size:
            self._on_signed(self.state.seq)
            self._told = self.state.size

    def _sign(self, size: int) -> None:
        """Write the newest entry's tiles, then the signed tree head; who else does so writes the same bytes."""
        signer, until = self._signer_at(size), self._retain_until()
        for tile in self._tiles:
            self.store.put_if_absent(keys.tile(tile.level, tile.index, tile.width), tile.data, until)
        checkpoint = Checkpoint(signer.name, size, self.state.edge().root())
        self.store.put_if_absent(keys.checkpoint(size), signer.sign(checkpoint.text).encode(), until)
        self._signed = size


def _no_key() -> SigningKeyMissing:
    return SigningKeyMissing(
        "this archive was opened for reading; writing needs archive.signing_key (`ledgerline init` makes one)"
    )
