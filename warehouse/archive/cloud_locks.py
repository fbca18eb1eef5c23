"""Holds, longer retention and deletion, as far as they are the same in every cloud (the second port).

Promise: a retention's date only moves away, a hold that stands forbids a deletion before the cloud is asked, and
what a store took but does not show afterwards is an error.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from datetime import datetime
from typing import ClassVar

from warehouse.archive.errors import KeyMissing, StoreDenied, StoreError
from warehouse.archive.retained import whole_second
from warehouse.archive.store import ObjectInfo, Store


class CloudLocks(ABC):
    """`Locks` of a bucket or container; a cloud's own class asks for the three changes in its own way."""

    enforced = True
    # What to look at where a hold was taken and is not there.
    hold_advice: ClassVar[str]

    def __init__(self, store: Store) -> None:
        self._store = store

    def extend(self, key: str, version_id: str | None, until: datetime) -> datetime:
        """See `Locks`."""
        found, until = self._found(key, version_id), whole_second(until)
        if found.retain_until is not None and found.retain_until >= until:
            return found.retain_until
        self._retain(found, until)
        now = self._found(key, found.version_id).retain_until
        if now is None or now < until:
            raise StoreError(
                f"{self._store.url} took a longer retention of {key} and does not keep it. Run `ledgerline "
                "doctor`, which says what this store does with locks."
            )
        return now

    def hold(self, key: str, version_id: str | None, *, on: bool) -> None:
        """See `Locks`."""
        found = self._found(key, version_id)
        if found.legal_hold == on:
            return
        self._hold(found, on=on)
        if self._found(key, found.version_id).legal_hold != on:
            raise StoreError(
                f"{self._store.url} took a change of the legal hold of {key} and does not keep it. "
                f"{self.hold_advice}"
            )

    def remove(self, key: str, version_id: str | None) -> bool:
        """See `Locks`."""
        found = self._store.head(key, version_id)
        if found is None:
            return False
        if found.legal_hold:
            raise StoreDenied(
                f"{key} is under a legal hold; nothing was deleted. `ledgerline hold list` says whose."
            )
        self._delete(found)
        return True

    @abstractmethod
    def _retain(self, found: ObjectInfo, until: datetime) -> None:
        """Keep an object until `until`, in the mode it has."""

    @abstractmethod
    def _hold(self, found: ObjectInfo, *, on: bool) -> None:
        """Set or lift an object's legal hold."""

    @abstractmethod
    def _delete(self, found: ObjectInfo) -> None:
        """Delete this version of an object."""

    def _found(self, key: str, version_id: str | None) -> ObjectInfo:
        found = self._store.head(key, version_id)
        if found is None:
            raise KeyMissing(f"{self._store.url} has no object {key}; run `ledgerline verify`.")
        return found
