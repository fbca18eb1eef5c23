"""A bucket in memory that is strict about its promises, and one process's view of it, where operations fail.

Promise: a key keeps its first bytes for ever; whoever wants to overwrite, to delete, or to lock into the past is
told so, and a put without the date that the archive owes is a violation. Listings may be stale, nothing else is.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, TypeVar

from tests.simulation.scheduler import Process
from tests.simulation.world import World
from warehouse.archive.errors import KeyMissing, StoreDenied, StoreFull, StoreUnreachable
from warehouse.archive.locks import Locks
from warehouse.archive.store import Exists, ObjectInfo, ProbeReport, Stored, check_key, check_prefix

T = TypeVar("T")


@dataclass(frozen=True)
class Kept:
    data: bytes
    modified: datetime
    retain_until: datetime | None


@dataclass
class Bucket:
    """Objects by key. `writes` are all puts in their order: (process, key, whether it was kept). `held`: the keys
    under a legal hold."""

    objects: dict[str, Kept] = field(default_factory=dict)
    names: list[str] = field(default_factory=list)
    writes: list[tuple[str, str, bool]] = field(default_factory=list)
    held: set[str] = field(default_factory=set)

    def put(self, who: str, key: str, data: bytes, now: datetime, until: datetime | None) -> bool:
        """Whether it was kept."""
        kept = key not in self.objects
        self.writes.append((who, key, kept))
        if kept:
            self.objects[key] = Kept(data, now, until)
            insort(self.names, key)
        return kept


class View:
    """The store port, as one process sees the bucket."""

    url = "sim://bucket"
    immutable = True

    def __init__(self, bucket: Bucket, world: World, process: Process) -> None:
        self._bucket, self._world, self._process = bucket, world, process

    def put_if_absent(self, key: str, data: bytes, retain_until: datetime | None) -> Stored | Exists:
        check_key(key)
        process = self._process

        def put() -> Stored | Exists:
            now = process.scheduler.now
            if retain_until is None or retain_until <= now:
                raise AssertionError(f"{key} was put with the retention {retain_until}")
            kept = self._bucket.put(process.name, key, data, now, retain_until)
            return Stored("1") if kept else Exists("1")

        return self._do("put", key, put)

    def get(self, key: str, version_id: str | None = None) -> bytes:
        return self._do("get", key, lambda: self._kept(key).data)

    def head(self, key: str, version_id: str | None = None) -> ObjectInfo | None:
        return self._do("head", key, lambda: self._info(key) if key in self._bucket.objects else None)

    def list(self, prefix: str, start_after: str = "") -> Iterator[ObjectInfo]:
        check_prefix(prefix)
        horizon = self._process.scheduler.now - timedelta(seconds=self._world.stale)

        def listed() -> list[ObjectInfo]:
            names, objects = self._bucket.names, self._bucket.objects
            at = bisect_left(names, max(prefix, start_after))
            found = []
            while at < len(names) and names[at].startswith(prefix):
                if names[at] > start_after and objects[names[at]].modified <= horizon:
                    found.append(self._info(names[at]))
                at += 1
            return found

        yield from self._do("list", prefix, listed)

    def list_versions(self, prefix: str) -> Iterator[ObjectInfo]:
        return self.list(prefix)

    def probe(self, *, thorough: bool = True) -> ProbeReport:
        return []

    def locks(self) -> Locks:
        return _Locks(self._bucket, self._do)

    def _kept(self, key: str) -> Kept:
        kept = self._bucket.objects.get(key)
        if kept is None:
            raise KeyMissing(f"{self.url} has no object {key}")
        return kept

    def _info(self, key: str) -> ObjectInfo:
        kept = self._bucket.objects[key]
        return ObjectInfo(
            key, len(kept.data), "1", kept.modified, lock_mode="COMPLIANCE", retain_until=kept.retain_until,
            legal_hold=key in self._bucket.held,
        )  # fmt: skip

    def _do(self, verb: str, key: str, effect: Callable[[], T]) -> T:
        process = self._process
        number = process.begin_step()
        kind = self._world.meet("store", process, f"{verb} {key}")
        if kind == "unreachable":
            raise StoreUnreachable(f"{self.url} did not answer")
        if kind == "denied":
            raise StoreDenied(f"{self.url} refused to {verb} {key}")
        if kind == "full" and verb == "put":
            raise StoreFull(f"{self.url} has no room")
        result = effect()
        process.end_step(number)
        if kind == "lost answer":
            raise StoreUnreachable(f"{self.url} did not answer in time")
        if kind == "client retried" and isinstance(result, Stored):
            again: Any = Exists("1")  # the client of the store tried again by itself, and met its own bytes
            return again  # type: ignore[no-any-return]
        return result


class _Locks:
    """The second port: holds; nothing here asks for longer retention or for deletion."""

    enforced = True

    def __init__(self, bucket: Bucket, do: Callable[[str, str, Callable[[], None]], None]) -> None:
        self._bucket, self._do = bucket, do

    def hold(self, key: str, version_id: str | None, *, on: bool) -> None:
        def mark() -> None:
            if key not in self._bucket.objects:
                raise KeyMissing(f"there is no object {key}")
            (self._bucket.held.add if on else self._bucket.held.discard)(key)

        self._do("hold" if on else "release", key, mark)

    def extend(self, key: str, version_id: str | None, until: datetime) -> datetime:
        raise NotImplementedError("no step of the simulation asks for it")

    def remove(self, key: str, version_id: str | None) -> bool:
        raise NotImplementedError("no step of the simulation asks for it")
