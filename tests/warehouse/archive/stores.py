"""Stores for tests: one in memory that keeps versions like a bucket, one that counts, one that dies on cue."""

from __future__ import annotations

import threading
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from warehouse.archive.errors import KeyMissing, StoreUnreachable
from warehouse.archive.store import Exists, ObjectInfo, ProbeReport, Store, Stored, check_key, check_prefix

BEGIN = datetime(2026, 11, 20, 12, tzinfo=UTC)


class Clock:
    """A clock that moves when told; the store of a test and its writers share one."""

    def __init__(self, now: datetime = BEGIN) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def advance(self, **delta: float) -> None:
        self.now += timedelta(**delta)


@dataclass(frozen=True)
class Version:
    data: bytes | None  # None: a delete marker
    version_id: str | None
    modified: datetime


class MemoryStore:
    """A `Store` in memory. With `versioned` it behaves as a bucket: version ids, delete markers, overwrites."""

    url = "memory:"
    immutable = True

    def __init__(self, clock: Clock, *, versioned: bool = False) -> None:
        self.clock = clock
        self.versioned = versioned
        self.versions: dict[str, list[Version]] = {}
        self._lock = threading.Lock()
        self._made = 0

    def copy(self) -> MemoryStore:
        other = MemoryStore(self.clock, versioned=self.versioned)
        other.versions = {key: list(versions) for key, versions in self.versions.items()}
        other._made = self._made
        return other

    # the port

    def put_if_absent(self, key: str, data: bytes, retain_until: datetime | None) -> Stored | Exists:
        check_key(key)
        with self._lock:
            current = self._current(key)
            if current is not None:
                return Exists(current.version_id)
            return Stored(self.overwrite(key, data).version_id)

    def get(self, key: str, version_id: str | None = None) -> bytes:
        check_key(key)
        if version_id is None:
            found = self._current(key)
        else:
            found = next((v for v in self.versions.get(key, ()) if v.version_id == version_id), None)
        if found is None or found.data is None:
            raise KeyMissing(f"no object {key}")
        return found.data

    def head(self, key: str, version_id: str | None = None) -> ObjectInfo | None:
        found = self._current(check_key(key))
        return self._info(key, found) if found is not None else None

    def list(self, prefix: str, start_after: str = "") -> Iterator[ObjectInfo]:
        check_prefix(prefix)
        names = sorted(self.versions)
        for key in names[bisect_right(names, start_after) :]:
            found = self._current(key)
            if key.startswith(prefix) and found is not None:
                yield replace(self._info(key, found), version_id=None)  # a bucket's listing tells no version

    def list_versions(self, prefix: str) -> Iterator[ObjectInfo]:
        check_prefix(prefix)
        for key in sorted(self.versions):
            if key.startswith(prefix):
                for position, version in enumerate(reversed(self.versions[key])):
                    yield replace(self._info(key, version), latest=position == 0)

    def probe(self) -> ProbeReport:
        return []

    # what only somebody who owns the disk can do

    def overwrite(self, key: str, data: bytes) -> Version:
        self._made += 1
        version = Version(data, f"v{self._made}" if self.versioned else None, self.clock())
        kept = self.versions.get(key, []) if self.versioned else []
        self.versions[key] = [*kept, version]
        return version

    def alter(self, key: str, data: bytes) -> None:
        """Change the bytes in place: same version, same date."""
        self.versions[key][-1] = replace(self.versions[key][-1], data=data)

    def delete(self, key: str) -> None:
        if self.versioned:
            self._made += 1
            self.versions[key].append(Version(None, f"v{self._made}", self.clock()))
        else:
            del self.versions[key]

    def move(self, key: str, to: str) -> None:
        self.versions[to] = self.versions.pop(key)

    def names(self, prefix: str = "") -> list[str]:
        return [info.key for info in self.list(prefix)]

    def _current(self, key: str) -> Version | None:
        versions = self.versions.get(key)
        return versions[-1] if versions and versions[-1].data is not None else None

    def _info(self, key: str, version: Version) -> ObjectInfo:
        return ObjectInfo(
            key,
            len(version.data or b""),
            version.version_id,
            version.modified,
            delete_marker=version.data is None,
        )


class Wrapped:
    """A store in front of another one; `before` and `after` see each operation by name and key."""

    def __init__(self, store: Store) -> None:
        self.inner = store
        self.url = store.url
        self.immutable = store.immutable

    def before(self, operation: str, key: str) -> None: ...

    def after(self, operation: str, key: str) -> None: ...

    def put_if_absent(self, key: str, data: bytes, retain_until: datetime | None) -> Stored | Exists:
        self.before("put", key)
        stored = self.inner.put_if_absent(key, data, retain_until)
        self.after("put", key)
        return stored

    def get(self, key: str, version_id: str | None = None) -> bytes:
        self.before("get", key)
        return self.inner.get(key, version_id)

    def head(self, key: str, version_id: str | None = None) -> ObjectInfo | None:
        self.before("head", key)
        return self.inner.head(key, version_id)

    def list(self, prefix: str, start_after: str = "") -> Iterator[ObjectInfo]:
        self.before("list", prefix)
        return self.inner.list(prefix, start_after)

    def list_versions(self, prefix: str) -> Iterator[ObjectInfo]:
        self.before("list_versions", prefix)
        return self.inner.list_versions(prefix)

    def probe(self) -> ProbeReport:
        return self.inner.probe()


class Counting(Wrapped):
    """Counts what is asked of the store."""

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self.asked: Counter[str] = Counter()

    def before(self, operation: str, key: str) -> None:
        self.asked[operation] += 1

    @property
    def reads(self) -> int:
        return sum(count for operation, count in self.asked.items() if operation != "put")


class Killed(BaseException):
    """The process is no more: nothing of ours may catch this."""


class Dying(Wrapped):
    """Lets `lives` operations through; the next one never happens, nor any after it."""

    def __init__(self, store: Store, lives: int) -> None:
        super().__init__(store)
        self.lives = lives

    def before(self, operation: str, key: str) -> None:
        if self.lives == 0:
            raise Killed
        self.lives -= 1


class Deaf(Wrapped):
    """Loses the answer of the next put under a prefix: the object is kept, the caller hears nothing."""

    def __init__(self, store: Store, prefix: str) -> None:
        super().__init__(store)
        self.prefix: str | None = prefix

    def after(self, operation: str, key: str) -> None:
        if self.prefix is not None and operation == "put" and key.startswith(self.prefix):
            self.prefix = None
            raise StoreUnreachable("the store did not answer")


class Retrying(Wrapped):
    """A client that puts everything twice, as one does whose first answer was lost."""

    def put_if_absent(self, key: str, data: bytes, retain_until: datetime | None) -> Stored | Exists:
        self.inner.put_if_absent(key, data, retain_until)
        return self.inner.put_if_absent(key, data, retain_until)
