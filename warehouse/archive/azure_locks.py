"""Holds, longer retention and deletion on Azure (the second port).

Promise: a policy keeps its mode, its date only moves away, and nothing asks for a policy to be removed.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING

from azure.core.exceptions import AzureError, ResourceNotFoundError

from warehouse.archive.azure_errors import explain
from warehouse.archive.cloud_locks import CloudLocks
from warehouse.archive.errors import KeyMissing
from warehouse.archive.store import ObjectInfo

if TYPE_CHECKING:
    from warehouse.archive.azure import AzureStore


class AzureLocks(CloudLocks):
    """`Locks` of a container with version-level immutability."""

    _store: AzureStore
    hold_advice = "Use a container with version-level immutability."

    def _retain(self, found: ObjectInfo, until: datetime) -> None:
        policy, blob = self._store.policy(until, found.lock_mode), self._store.blob(found.key)
        self._ask(
            "extending a retention", lambda: blob.set_immutability_policy(policy, version_id=found.version_id)
        )

    def _hold(self, found: ObjectInfo, *, on: bool) -> None:
        blob = self._store.blob(found.key)
        self._ask("changing a legal hold", lambda: blob.set_legal_hold(on, version_id=found.version_id))

    def _delete(self, found: ObjectInfo) -> None:
        """Azure deletes a version only when it is not the current one: the name goes first."""
        blob, current = self._store.blob(found.key), self._store.head(found.key)
        if current is not None and current.version_id == found.version_id:
            self._ask("deleting a blob", blob.delete_blob)
        if found.version_id is not None:
            self._ask("deleting a version", lambda: blob.delete_blob(version_id=found.version_id))

    def _ask(self, doing: str, request: Callable[[], object]) -> None:
        store = self._store
        try:
            request()
        except ResourceNotFoundError as error:
            raise KeyMissing(f"{store.url} lost an object while {doing}; run `ledgerline verify`.") from error
        except AzureError as error:
            raise explain(error, store.url, store.name, doing) from error
