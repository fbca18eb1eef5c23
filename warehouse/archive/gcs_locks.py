"""Holds, longer retention and deletion on Google Cloud Storage (the second port).

A legal hold is Google's temporary hold: an event-based one cannot stand beside an object's own retention.
Promise: a retention keeps its mode, its date only moves away, and no request overrides an Unlocked one.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING

from google.api_core.exceptions import NotFound

from warehouse.archive.cloud_locks import CloudLocks
from warehouse.archive.errors import KeyMissing
from warehouse.archive.gcs_errors import FAILURES, explain
from warehouse.archive.store import ObjectInfo

if TYPE_CHECKING:
    from warehouse.archive.gcs import GcsStore


class GcsLocks(CloudLocks):
    """`Locks` of a bucket with object retention."""

    _store: GcsStore
    hold_advice = "Look whether the object is under an event-based hold, which Ledgerline does not set."

    def _retain(self, found: ObjectInfo, until: datetime) -> None:
        blob = self._store.blob(found.key, found.version_id)
        self._store.retain(blob, until, found.lock_mode)
        self._ask("storage.objects.setRetention", lambda: blob.patch(retry=self._store.retry))

    def _hold(self, found: ObjectInfo, *, on: bool) -> None:
        blob = self._store.blob(found.key, found.version_id)
        blob.temporary_hold = on
        self._ask("storage.objects.update", lambda: blob.patch(retry=self._store.retry))

    def _delete(self, found: ObjectInfo) -> None:
        blob = self._store.blob(found.key, found.version_id)
        self._ask("storage.objects.delete", lambda: blob.delete(retry=self._store.retry))

    def _ask(self, right: str, request: Callable[[], object]) -> None:
        store = self._store
        try:
            request()
        except NotFound as error:
            raise KeyMissing(f"{store.url} lost an object in mid-work; run `ledgerline verify`.") from error
        except FAILURES as error:
            raise explain(error, store.url, store.name, right) from error
