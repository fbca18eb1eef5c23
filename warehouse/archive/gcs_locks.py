"""Holds, longer retention and deletion on Google Cloud Storage (the second port).

A legal hold is Google's temporary hold: an event-based one cannot stand beside an object's own retention.
Promise: a retention keeps its mode, its date only moves away, and no request overrides an Unlocked one.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING

from google.api_core.exceptions import NotFound

from warehouse.archive.errors import KeyMissing, StoreDenied, StoreError
from warehouse.archive.gcs_errors import FAILURES, explain
from warehouse.archive.retained import whole_second
from warehouse.archive.store import ObjectInfo

if TYPE_CHECKING:
    from warehouse.archive.gcs import GcsStore


class GcsLocks:
    """`Locks` of a bucket with object retention."""

    enforced = True

    def __init__(self, store: GcsStore) -> None:
        self._store = store

    def extend(self, key: str, version_id: str | None, until: datetime) -> datetime:
        """See `Locks`."""
        found, until = self._found(key, version_id), whole_second(until)
        if found.retain_until is not None and found.retain_until >= until:
            return found.retain_until
        blob = self._store.blob(key, found.version_id)
        self._store.retain(blob, until, found.lock_mode)
        self._ask("storage.objects.setRetention", lambda: blob.patch(retry=self._store.retry))
        now = self._found(key, found.version_id).retain_until
        if now is None or now < until:
            raise StoreError(f"{self._store.url} took a longer retention of {key} and does not keep it.")
        return now

    def hold(self, key: str, version_id: str | None, *, on: bool) -> None:
        """See `Locks`."""
        found = self._found(key, version_id)
        if found.legal_hold == on:
            return
        blob = self._store.blob(key, found.version_id)
        blob.temporary_hold = on
        self._ask("storage.objects.update", lambda: blob.patch(retry=self._store.retry))
        if self._found(key, found.version_id).legal_hold != on:
            raise StoreError(
                f"{self._store.url} took a change of the hold of {key} and does not keep it. Look whether the "
                "object is under an event-based hold, which Ledgerline does not set."
            )

    def remove(self, key: str, version_id: str | None) -> bool:
        """See `Locks`."""
        found = self._store.head(key, version_id)
        if found is None:
            return False
        if found.legal_hold:
            raise StoreDenied(f"{key} is under a legal hold; nothing was deleted.")
        blob = self._store.blob(key, found.version_id)
        self._ask("storage.objects.delete", lambda: blob.delete(retry=self._store.retry))
        return True

    def _found(self, key: str, version_id: str | None) -> ObjectInfo:
        found = self._store.head(key, version_id)
        if found is None:
            raise KeyMissing(f"{self._store.url} has no object {key}; run `ledgerline verify`.")
        return found

    def _ask(self, right: str, request: Callable[[], object]) -> None:
        store = self._store
        try:
            request()
        except NotFound as error:
            raise KeyMissing(f"{store.url} lost an object in mid-work; run `ledgerline verify`.") from error
        except FAILURES as error:
            raise explain(error, store.url, store.name, right) from error
