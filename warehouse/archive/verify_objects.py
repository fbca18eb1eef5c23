"""The objects' part of a verification: what the log names must be there, with the bytes and the lock it had.

Promise: every byte of every named object is compared with its hash, on all cores, and never more than a few
objects are in memory. What the store refuses to hand out is told apart from what is wrong.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import NamedTuple

import zstandard

from warehouse.archive.ahead import in_order
from warehouse.archive.crew import Crew
from warehouse.archive.errors import (
    KeyInvalid,
    KeyMissing,
    ObjectAltered,
    StoreDenied,
    StoreError,
    StoreUnreachable,
)
from warehouse.archive.findings import Unread, Verification
from warehouse.archive.local import LocalStore
from warehouse.archive.merkle import root_of
from warehouse.archive.store import ObjectInfo, Store
from warehouse.archive.verify_locks import LockCheck, LockSeen, Named, digests, inspect, naming
from warehouse.wire.records import NotAPage, split_page

_MARKER_GONE = "is the marker of a seal and is not there: it was deleted, or a killed run has not written it"
_MARKER_STEP = "run `ledgerline pull`, which writes it again; if it was there before, find out who deleted it"
_MISSING = "is named by the log and is not there"
_PIECE_OBJECTS = 256  # in one piece of work for a process; for a thread, which costs less, a sixteenth
_PIECE_BYTES = 64_000_000
_UNREAD_AT_MOST = 100  # refusals after which it is the whole store that refuses

Tell = Callable[[str, int, int], None]


class Seen(NamedTuple):
    """What came of looking at one object: a finding's code and detail, or neither; and its lock."""

    ref: Named
    code: str | None
    detail: str = ""
    lock: LockSeen | None = None
    refused: bool = False  # the store would not hand it out


@dataclass
class Looked:
    """What came of one piece of work."""

    objects: int = 0
    bytes: int = 0
    records: int = 0
    strange: list[Seen] = field(default_factory=list)  # all that is not simply as it should be


def check_objects(
    crew: Crew, named: Sequence[Named], deep: bool, locks: LockCheck, tell: Tell
) -> Iterator[Looked]:
    """Look at every object that the log names, piece by piece. Raises StoreError when the store fails."""
    size, done, bytes_done = sum(one.bytes for one in named), 0, 0
    for looked in crew.each(look_at, _pieces(named, apart=crew.apart), deep, locks):
        yield looked
        done += looked.objects + len(looked.strange)
        bytes_done += looked.bytes
        tell("bytes", bytes_done, size)
        tell("objects", min(done, len(named)), len(named))
    tell("objects", len(named), len(named))


def judge(
    strange: Iterable[Seen], problem_of: Callable[[Named], str | None], locks: LockCheck, result: Verification
) -> None:
    """Make findings of what was strange. `problem_of` an object that is gone: None if it may be, else words for
    the finding. Raises StoreDenied when the store refuses more than single objects."""
    for seen in strange:
        if seen.refused:
            result.unread.append(Unread(seen.ref.key, seen.detail))
            if len(result.unread) > _UNREAD_AT_MOST:
                raise StoreDenied(f"more than {_UNREAD_AT_MOST} objects were refused. {seen.detail}")
        elif seen.lock is not None:
            locks.check([seen.lock], seen.ref.committed_at, result)
        elif seen.code is not None:
            more = problem_of(seen.ref) if seen.code == "missing" else ""
            if more is not None:
                step = _MARKER_STEP if seen.detail == _MARKER_GONE else None
                result.found(seen.code, seen.ref.key, seen.detail + more, step)


def _pieces(named: Sequence[Named], *, apart: bool) -> Iterator[list[Named]]:
    most = _PIECE_OBJECTS if apart else _PIECE_OBJECTS // 16
    piece: list[Named] = []
    size = 0
    for one in named:
        piece.append(one)
        size += one.bytes
        if len(piece) >= most or size >= _PIECE_BYTES:
            yield piece
            piece, size = [], 0
    if piece:
        yield piece


def look_at(store: Store, piece: list[Named], deep: bool, locks: LockCheck) -> Looked:
    """One piece of work: a process or a thread does it."""
    looked = Looked()
    if isinstance(store, LocalStore):
        every: Iterable[Seen] = (_look(store, ref, deep, locks) for ref in piece)
    else:  # answers from far away are waited for together
        every = in_order(lambda ref: _look(store, ref, deep, locks), piece)
    for seen in every:
        if seen.code is not None or seen.refused:
            looked.strange.append(seen._replace(lock=None))
            continue
        looked.objects += 1
        looked.bytes += seen.ref.bytes
        if seen.ref.records is not None and seen.ref.key.startswith("pages/"):
            looked.records += seen.ref.records
        if seen.lock is not None and locks.wrong(seen.lock, seen.ref.committed_at):
            looked.strange.append(seen)
    return looked


def _look(store: Store, ref: Named, deep: bool, locks: LockCheck) -> Seen:
    try:
        return _compare(store, ref, deep, locks)
    except KeyMissing:
        return _gone(store, ref)
    except KeyInvalid as error:
        return Seen(ref, "altered", f"is named by the log, but no such name can exist: {error}")
    except StoreUnreachable as error:
        raise naming(error, ref.key) from error
    except StoreError as error:
        return Seen(ref, None, str(error), refused=True)


def _gone(store: Store, ref: Named) -> Seen:
    """What to say of a named version that is not there: nothing is, or another stands in its place."""
    if ref.version_id is not None:
        try:
            data = store.get(ref.key)
        except (KeyMissing, StoreError):
            data = None
        if data is not None and sha256(data).hexdigest() == ref.sha256:
            return Seen(ref, "missing", f"version {ref.version_id} is gone; the same bytes stand there as another")
        if data is not None:
            return Seen(ref, "altered", f"version {ref.version_id} is gone and other bytes stand in its place")
    return Seen(ref, "missing", _MARKER_GONE if ref.key.startswith("seals/") else _MISSING)


def _compare(store: Store, ref: Named, deep: bool, locks: LockCheck) -> Seen:
    whole = deep and ref.records_root is not None
    data = b""
    info: ObjectInfo | None = None
    if not whole and digests(store):
        digest, length, info = store.digest(ref.key, ref.version_id)
    else:
        if locks.asked:
            data, info = inspect(store, ref.key, ref.version_id)
        else:
            data = store.get(ref.key, ref.version_id)
        digest, length = sha256(data).hexdigest(), len(data)
    if digest != ref.sha256:
        return Seen(ref, "altered", f"has other bytes than the log names (sha256 {digest})")
    if length != ref.bytes:
        return Seen(ref, "altered", f"has {length} bytes, the log says {ref.bytes}")
    if whole:
        problem = _not_its_records(data, ref)
        if problem:
            return Seen(ref, "altered", problem)
    return Seen(ref, None, lock=LockSeen.of(info) if info is not None else None)


def _not_its_records(data: bytes, ref: Named) -> str:
    """What a page holds other than its entry says; empty where nothing."""
    try:
        # The frame says its own size, and a damaged one may say anything: ask before room is made for it.
        if zstandard.frame_content_size(data) != ref.body_bytes:
            return "holds a body of another size than its entry names"
        body = zstandard.ZstdDecompressor().decompress(data)
    except (zstandard.ZstdError, MemoryError):
        return "does not decompress"
    if sha256(body).hexdigest() != ref.body_sha256:
        return "holds another body than its entry names"
    try:
        records = split_page(body).records
    except (ObjectAltered, NotAPage) as error:
        return str(error)
    if root_of(records).hex() != ref.records_root or len(records) != ref.records:
        return "the root over its records is not the one the log names"
    return ""
