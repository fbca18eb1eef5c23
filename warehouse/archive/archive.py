"""The archive: objects first, then the entry that names them; read back by version and by hash.

Promise: what a commit names is stored, locked and equal to what was handed in, and no archived byte changes.
"""

import secrets
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import zstandard
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from warehouse.archive import concerns, keys
from warehouse.archive.cache import StateCache
from warehouse.archive.concerns import Span, Target
from warehouse.archive.deliveries import DeadFile
from warehouse.archive.entry import Draft, Entry, ObjectRef, sha256_hex
from warehouse.archive.errors import ObjectAltered, SigningKeyMissing
from warehouse.archive.locks import locks_of
from warehouse.archive.log import Build, Log
from warehouse.archive.merkle import root_of
from warehouse.archive.note import Signer
from warehouse.archive.state import LogState, TableFile
from warehouse.archive.store import Exists, Store, Stored
from warehouse.wire.times import Clock, rfc3339, system_clock
from warehouse.wire.windows import Window

T = TypeVar("T")

_ZSTD_LEVEL = 3
_DROPPED_HEADERS = {"set-cookie", "authorization", "x-api-key"}  # nothing secret may enter the archive
_PUTS_AT_ONCE = 8
_LOOK = "run `ledgerline verify`"


@dataclass(frozen=True)
class Retention:
    """How long objects are locked: `full` for evidence, `recent` for derived files that a seal replaces."""

    full: timedelta = timedelta(days=2555)
    recent: timedelta = timedelta(days=30)


@dataclass(frozen=True)
class ServedPage:
    """One response body as it was served, with how it was asked for. `index` counts from 1 in its window."""

    index: int
    body: bytes
    records: list[bytes]
    status: int
    request_id: str | None
    requested_at: datetime
    query: str
    headers: dict[str, str]
    cursor_in: str | None
    last_id: str | None


@dataclass(frozen=True)
class Packed:
    """A body as it is stored, compressed, and what it was before."""

    data: bytes
    body_sha256: str
    body_bytes: int

    @classmethod
    def of(cls, body: bytes) -> "Packed":
        return cls(zstandard.ZstdCompressor(level=_ZSTD_LEVEL).compress(body), sha256_hex(body), len(body))


class Archive:
    """A store with a log. Reading needs no key.

    `writer` names this process in entries; no two living writers may share it, since it tells an entry of ours
    whose put timed out from another's. `on_begin` is called once the first entry of a new log is written,
    `on_append` with each entry once it is in the log; it must not raise.
    """

    def __init__(
        self,
        store: Store,
        *,
        key: Callable[[], Ed25519PrivateKey] | None = None,
        retention: Retention | None = None,
        clock: Clock = system_clock,
        cache: Path | None = None,
        writer: str | None = None,
        on_begin: Callable[[], None] = lambda: None,
        on_append: Callable[[Entry], None] = lambda _entry: None,
    ) -> None:
        self._on_append = on_append
        self.store = store
        self.cache = cache
        self.retention = retention or Retention()
        self.clock = clock
        self.writer = writer or f"ledgerline-{secrets.token_hex(6)}"
        self._load_key = key or _no_key
        self.log = Log(
            store,
            clock=clock,
            retain_until=self._full,
            writer=self.writer,
            make_signer=(lambda origin: Signer(origin, key())) if key else None,
            new_origin=lambda: f"ledgerline/{secrets.token_hex(8)}",
            cache=StateCache(cache) if cache else None,
            on_begin=on_begin,
            on_signed=self._hold_entry,
        )
        self._puts = ThreadPoolExecutor(_PUTS_AT_ONCE, thread_name_prefix="put")

    def __enter__(self) -> "Archive":
        return self

    def __exit__(self, *_: object) -> None:
        self._puts.shutdown(wait=True)

    @property
    def state(self) -> LogState:
        """The state as last refreshed."""
        return self.log.state

    def refresh(self) -> LogState:
        return self.log.refresh()

    def _full(self) -> datetime | None:
        return self.clock() + self.retention.full if self.store.immutable else None

    # objects

    def put(self, key: str, data: bytes, *, recent: bool = False) -> ObjectRef:
        """Store an object whose key carries its hash; putting it again is no change.

        Raises ObjectAltered when other bytes stand under the key, and what the store raises.
        """
        until = self.clock() + self.retention.recent if recent and self.store.immutable else self._full()
        stored = self.store.put_if_absent(key, data, until)
        if isinstance(stored, Exists) and self.store.get(key, stored.version_id) != data:
            raise ObjectAltered(
                f"{key} exists with other bytes than its name says; it was altered or damaged. "
                f"Nothing was committed. Run `ledgerline verify`"
            )
        ref = ObjectRef(key=key, version_id=stored.version_id, sha256=sha256_hex(data), bytes=len(data))
        if key.startswith("seals/"):
            # The one object that is written after the entry that names it: a hold may have come in between.
            # Markers are put one by one by whoever appended, so the state may be brought to the head here.
            state = self.refresh()
            for target in self._concerned(Draft(kind="seal", objects=[ref]), state):
                locks_of(self.store).hold(target.key, target.version_id, on=True)
        return ref

    def put_beside(self, key: str, data: bytes) -> bool:
        """Store what others say of the log (cosignatures, timestamps), which no entry names; kept in full.

        False where something stands under the key already, which stays. Raises what the store raises.
        """
        return isinstance(self.store.put_if_absent(key, data, self._full()), Stored)

    def put_all(self, objects: Iterable[tuple[str, bytes]], *, recent: bool = False) -> list[ObjectRef]:
        """Store several objects at once; the waits for the disk or the network overlap."""
        return list(self._puts.map(lambda item: self.put(item[0], item[1], recent=recent), objects))

    def in_background(self, work: Callable[..., T], *arguments: Any) -> "Future[T]":
        """Run something that stores objects on the archive's own threads; never anything that commits."""
        return self._puts.submit(work, *arguments)

    def put_page(self, stream: str, window: Window, page: ServedPage) -> ObjectRef:
        """Store one served body, compressed; the reference carries hash and root over the verbatim bytes."""
        data = zstandard.ZstdCompressor(level=_ZSTD_LEVEL).compress(page.body)
        key = keys.page(stream, page.requested_at, window, page.index, sha256_hex(data))
        stored = self.put(key, data)
        return ObjectRef(
            key=key,
            version_id=stored.version_id,
            sha256=stored.sha256,
            bytes=stored.bytes,
            body_sha256=sha256_hex(page.body),
            body_bytes=len(page.body),
            records=len(page.records),
            records_root=root_of(page.records).hex(),
            request_id=page.request_id,
            status=page.status,
            requested_at=rfc3339(page.requested_at),
            query=page.query,
            headers={name: value for name, value in page.headers.items() if name.lower() not in _DROPPED_HEADERS},
            cursor_in=page.cursor_in,
            last_id=page.last_id,
        )

    def put_file(self, stream: str, body: bytes, rows: int, name: str) -> ObjectRef:
        """Store a file that somebody handed in, compressed and verbatim; `rows` is how many it has."""
        return self.put_packed(stream, Packed.of(body), rows, name)

    def put_packed(self, stream: str, packed: "Packed", rows: int, name: str) -> ObjectRef:
        """The same for what was compressed before."""
        stored = self.put(keys.imported(stream, self.clock(), sha256_hex(packed.data)), packed.data)
        return ObjectRef(
            key=stored.key,
            version_id=stored.version_id,
            sha256=stored.sha256,
            bytes=stored.bytes,
            body_sha256=packed.body_sha256,
            body_bytes=packed.body_bytes,
            records=rows,
            query=name,
        )

    def read(self, ref: "ObjectRef | TableFile | DeadFile") -> bytes:
        """The bytes of an object as the log names it. Raises ObjectAltered, KeyMissing, StoreError."""
        data = self.store.get(ref.key, ref.version_id)
        if sha256_hex(data) != ref.sha256:
            raise ObjectAltered(f"{ref.key} does not have the bytes its entry names; run `ledgerline verify`")
        return data

    def read_page(self, ref: ObjectRef) -> bytes:
        """A page's body, as it was served."""
        return decompress_page(self.read(ref), ref)

    # commits

    def check_key(self) -> None:
        """Find out now, not after an hour of pulling, whether the log can be signed.

        Raises SigningKeyMissing or SigningKeyInvalid.
        """
        if self.log.state.size:
            self.log.signer()
        else:
            self._load_key()

    def append(self, build: Build) -> Entry | None:
        """Append what `build` makes of the newest state; what concerns a legal hold is held before it counts."""

        def held(state: LogState) -> Draft | None:
            draft = build(state)
            if draft is not None:
                self._hold(draft, state)
            return draft

        entry = self.log.append(held)
        if entry is not None:
            self._on_append(entry)
        self.log.snapshot_if_due()
        return entry

    def _hold(self, draft: Draft, state: LogState) -> None:
        """Whoever appends sees every hold that was announced before: the number of an entry is the fence."""
        # markers of seals are not written yet
        wanted = [target for target in self._concerned(draft, state) if not target.key.startswith("seals/")]
        self._hold_all(wanted)

    def _concerned(self, draft: Draft, state: LogState) -> list[Target]:
        spans = [Span(hold.window, hold.stream) for hold in state.held().values()]
        found = [target for span in spans for target in concerns.with_source(draft, span, self.entry)]
        return list(dict.fromkeys(found))

    def _hold_all(self, wanted: list[Target]) -> None:
        if wanted:
            locks = locks_of(self.store)
            list(self._puts.map(lambda target: locks.hold(target.key, target.version_id, on=True), wanted))

    def _hold_entry(self, seq: int) -> None:
        """Hold what the log keeps of its newest entry, whoever wrote it: no look of a hold comes after it."""
        spans = [Span(hold.window, hold.stream) for hold in self.state.held().values()]
        if not spans:
            return
        entry = self.entry(seq)
        if concerns.always_concerns(entry) or any(concerns.concerns(entry, span) for span in spans):
            self._hold_all(concerns.of_log(seq))

    def commit(self, draft: Draft) -> Entry:
        """Append one draft as it stands."""
        entry = self.append(lambda _state: draft)
        assert entry is not None
        return entry

    def entry(self, seq: int) -> Entry:
        return self.log.entry(seq)

    def entries(self, start: int = 0, end: int | None = None) -> Iterator[Entry]:
        return self.log.entries(start, end)

    def settle(self) -> None:
        """End a piece of work: the head is signed, the local cache is fresh."""
        self.log.settle()


def _no_key() -> Ed25519PrivateKey:
    raise SigningKeyMissing("this archive was opened for reading; writing needs archive.signing_key")


def decompress_page(data: bytes, ref: ObjectRef) -> bytes:
    """The body in a stored page. Raises ObjectAltered when it is not the one the entry names."""
    try:
        # The frame says its own size, and a damaged one may say anything: ask before room is made for it.
        if zstandard.frame_content_size(data) != ref.body_bytes:
            raise ObjectAltered(f"{ref.key} holds a body of another size than its entry names; {_LOOK}")
        body = zstandard.ZstdDecompressor().decompress(data)
    except (zstandard.ZstdError, MemoryError) as error:
        raise ObjectAltered(f"{ref.key} does not decompress; {_LOOK}") from error
    if sha256_hex(body) != ref.body_sha256:
        raise ObjectAltered(f"{ref.key} holds another body than its entry names; {_LOOK}")
    return body
