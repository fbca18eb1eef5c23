"""A bucket in memory that enforces retention and legal holds, and wrappers that pass the second port on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from tests.warehouse.archive.stores import Clock, Dying, MemoryStore, Version
from warehouse.archive.errors import KeyMissing, StoreDenied
from warehouse.archive.locks import Locks
from warehouse.archive.store import Exists, ObjectInfo, Stored, check_key


class LockingStore(MemoryStore):
    """`MemoryStore` with versions, a retention and a hold for each."""

    def __init__(self, clock: Clock) -> None:
        super().__init__(clock, versioned=True)
        self.until: dict[tuple[str, str | None], datetime] = {}
        self.held: set[tuple[str, str | None]] = set()
        self.mode: str | None = "COMPLIANCE"

    def put_if_absent(self, key: str, data: bytes, retain_until: datetime | None) -> Stored | Exists:
        outcome = super().put_if_absent(key, data, retain_until)
        if isinstance(outcome, Stored) and retain_until is not None:
            self.until[key, outcome.version_id] = retain_until
        return outcome

    def head(self, key: str, version_id: str | None = None) -> ObjectInfo | None:
        found = self.version(key, version_id)
        if found is None or found.data is None:
            return None
        at = (key, found.version_id)
        return replace(
            self._info(check_key(key), found),
            lock_mode=self.mode if at in self.until else None,
            retain_until=self.until.get(at),
            legal_hold=at in self.held,
        )

    def version(self, key: str, version_id: str | None) -> Version | None:
        if version_id is None:
            return self._current(key)
        return next((v for v in self.versions.get(key, ()) if v.version_id == version_id), None)

    def locks(self) -> Locks:
        return MemoryLocks(self)


class MemoryLocks:
    enforced = True

    def __init__(self, store: LockingStore) -> None:
        self._store = store

    def extend(self, key: str, version_id: str | None, until: datetime) -> datetime:
        at = self._at(key, version_id)
        self._store.until[at] = max(until, self._store.until.get(at, until))
        return self._store.until[at]

    def hold(self, key: str, version_id: str | None, *, on: bool) -> None:
        at = self._at(key, version_id)
        if on:
            self._store.held.add(at)
        else:
            self._store.held.discard(at)

    def remove(self, key: str, version_id: str | None) -> bool:
        found = self._store.version(key, version_id)
        if found is None:
            return False
        at = (key, found.version_id)
        if at in self._store.held or self._store.until.get(at, self._store.clock()) > self._store.clock():
            raise StoreDenied(f"{key} is locked")
        self._store.versions[key].remove(found)
        if not self._store.versions[key]:
            del self._store.versions[key]
        return True

    def _at(self, key: str, version_id: str | None) -> tuple[str, str | None]:
        found = self._store.version(key, version_id)
        if found is None:
            raise KeyMissing(f"no object {key}")
        return key, found.version_id


class DyingLocks(Dying):
    """Dies in the middle of holding, extending and deleting too."""

    inner: LockingStore

    def locks(self) -> Locks:
        return _Watched(self.inner.locks(), self.before)


class _Watched:
    enforced = True

    def __init__(self, locks: Locks, before: Callable[[str, str], None]) -> None:
        self._locks, self._before = locks, before

    def extend(self, key: str, version_id: str | None, until: datetime) -> datetime:
        self._before("extend", key)
        return self._locks.extend(key, version_id, until)

    def hold(self, key: str, version_id: str | None, *, on: bool) -> None:
        self._before("hold", key)
        self._locks.hold(key, version_id, on=on)

    def remove(self, key: str, version_id: str | None) -> bool:
        self._before("remove", key)
        return self._locks.remove(key, version_id)
