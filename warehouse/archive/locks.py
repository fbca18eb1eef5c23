"""The second port: what a store can do about locks beyond putting them on - and what it deletes for good.

The six verbs of `Store` stay as they are (design 5.1); whoever only pulls and reads needs none of these, nor the
rights for them. Promise: a change is read back; no retention is ever shortened, no lock is ever bypassed.
"""

from __future__ import annotations

from datetime import datetime
from typing import Protocol, runtime_checkable

from warehouse.archive.errors import StoreError
from warehouse.archive.store import Store


class Locks(Protocol):
    """Holds, longer retention and deletion, on one version of one object. Safe to use from several threads.

    Where `version_id` is None the current version is meant. Each raises StoreError's kinds, and KeyMissing for
    what is not there.
    """

    @property
    def enforced(self) -> bool:
        """Whether the store itself keeps dates and holds; False: nobody but us looks at them."""

    def extend(self, key: str, version_id: str | None, until: datetime) -> datetime:
        """Retain at least until then; returns what the store says now, which may be later."""

    def hold(self, key: str, version_id: str | None, *, on: bool) -> None:
        """Set a legal hold, or take it off; read back."""

    def remove(self, key: str, version_id: str | None) -> bool:
        """Delete one version for good, if the store lets it go; False if it was gone. Raises StoreDenied."""


@runtime_checkable
class HasLocks(Protocol):
    """A store that implements the second port."""

    def locks(self) -> Locks: ...


def locks_of(store: Store) -> Locks:
    """The second port of a store. Raises StoreError where it has none."""
    if isinstance(store, HasLocks):
        return store.locks()
    raise StoreError(f"{store.url} knows no holds. Use a bucket or container that locks, or a folder.")
