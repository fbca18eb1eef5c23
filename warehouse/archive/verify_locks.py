"""Whether what is stored is locked as long as it was meant to be, read back from the store for each version.

Promise: asked together with the bytes where the store tells both at once; a store without locks is not judged.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple, Protocol, TypeGuard

from msgspec import UNSET

from warehouse.archive.archive import Retention
from warehouse.archive.entry import ObjectRef
from warehouse.archive.errors import KeyMissing, StoreError
from warehouse.archive.findings import Verification
from warehouse.archive.store import ObjectInfo, Store
from warehouse.archive.verify_inventory import get_or_none
from warehouse.wire.times import parse_rfc3339, rfc3339

READ_ONLY = "READ_ONLY"  # how a folder says that a file has no write bit; it keeps no dates
GOVERNANCE = "GOVERNANCE"
# An object is locked from its own put on, its entry is committed later: after a long window, hours later.
_SLACK = timedelta(days=1)
_RECENT = "tables/recent/"


class Inspecting(Protocol):
    """A store that hands out an object together with what it knows of it, for the price of one question."""

    def inspect(self, key: str, version_id: str | None = None) -> tuple[bytes, ObjectInfo]:
        """Raises what `get` raises."""


class Digesting(Protocol):
    """A store that hashes an object without holding all of it in memory."""

    def digest(self, key: str, version_id: str | None = None) -> tuple[str, int, ObjectInfo]:
        """SHA-256 (hexadecimal), length, and what the store knows. Raises what `get` raises."""


class Named(NamedTuple):
    """An object as an entry names it, without what a verifier has no use for (there may be millions)."""

    key: str
    version_id: str | None
    sha256: str
    bytes: int
    body_sha256: str | None
    body_bytes: int | None
    records: int | None
    records_root: str | None
    committed_at: str

    @classmethod
    def of(cls, ref: ObjectRef, committed_at: str) -> "Named":
        return cls(
            ref.key,
            ref.version_id,
            ref.sha256,
            ref.bytes,
            None if ref.body_sha256 is UNSET else ref.body_sha256,
            None if ref.body_bytes is UNSET else ref.body_bytes,
            None if ref.records is UNSET else ref.records,
            None if ref.records_root is UNSET else ref.records_root,
            committed_at,
        )


class LockSeen(NamedTuple):
    """The lock of one object, as the store tells it."""

    key: str
    mode: str | None
    until: datetime | None

    @classmethod
    def of(cls, info: ObjectInfo) -> "LockSeen":
        return cls(info.key, info.lock_mode, info.retain_until)


@dataclass(frozen=True)
class LockCheck:
    """How long objects must be locked. Without a `retention` nothing is asked and nothing is judged.

    `compliance`: a lock that its owner can lift (GOVERNANCE) is none.
    """

    retention: Retention | None
    compliance: bool = True

    def get(self, store: Store, key: str, seen: list[LockSeen]) -> bytes | None:
        """The bytes under a key, or None where nothing is; its lock is added to `seen`."""
        if not self.asked:
            try:
                return get_or_none(store, key)
            except StoreError as error:
                raise naming(error, key) from error
        try:
            data, info = inspect(store, key)
        except KeyMissing:
            return None
        except StoreError as error:
            raise naming(error, key) from error
        seen.append(LockSeen.of(info))
        return data

    def check(self, seen: Iterable[LockSeen], committed_at: str, result: Verification) -> None:
        """Compare locks with what was asked for when the objects were committed."""
        for lock in seen:
            problem = self._problem(lock, committed_at)
            if problem is not None:
                result.found("lock_too_short" if problem.short else "unlocked", lock.key, problem.detail)

    @property
    def asked(self) -> bool:
        """Whether locks matter here."""
        return self.retention is not None

    def wrong(self, lock: LockSeen, committed_at: str) -> bool:
        """Whether `check` would find something."""
        return self._problem(lock, committed_at) is not None

    def _problem(self, lock: LockSeen, committed_at: str) -> "_Problem | None":
        if self.retention is None or lock.mode == READ_ONLY:
            return None
        if lock.mode is None:
            return _Problem(False, "has no lock, or none that these credentials can see: it can be changed")
        if lock.until is None:
            return _Problem(False, f"is in {lock.mode} mode without a date")
        if self.compliance and lock.mode == GOVERNANCE:
            return _Problem(False, f"is in {GOVERNANCE} mode, which its owner can lift; compliance was asked for")
        period = self.retention.recent if lock.key.startswith(_RECENT) else self.retention.full
        if lock.until < parse_rfc3339(committed_at) + period - _SLACK:
            until = rfc3339(lock.until)
            return _Problem(
                True, f"is locked until {until} only; {period.days} days after {committed_at} were meant"
            )
        return None


class _Problem(NamedTuple):
    """What is wrong with a lock: too short a time, or no lock at all."""

    short: bool
    detail: str


def naming(error: StoreError, key: str) -> StoreError:
    """The same error, with the object that could not be read."""
    return type(error)(f"{key} could not be read: {error}")


def digests(store: Store) -> TypeGuard[Digesting]:
    """Whether a store is a `Digesting` one; asking for the protocol would take longer than reading a file."""
    return hasattr(store, "digest")


def _inspects(store: Store) -> TypeGuard[Inspecting]:
    return hasattr(store, "inspect")


def inspect(store: Store, key: str, version_id: str | None = None) -> tuple[bytes, ObjectInfo]:
    """An object's bytes and what the store knows of it. Raises KeyMissing and what the store raises."""
    if _inspects(store):
        return store.inspect(key, version_id)
    data = store.get(key, version_id)
    info = store.head(key, version_id)
    if info is None:
        raise KeyMissing(f"{store.url} has no object {key} any more")
    return data, info
