"""Holds, longer retention and deletion on Azure (the second port).

Promise: a policy keeps its mode, its date only moves away, and nothing asks for a policy to be removed.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING

from azure.core.exceptions import AzureError, ResourceNotFoundError

from warehouse.archive.azure_errors import explain
from warehouse.archive.errors import KeyMissing, StoreDenied, StoreError
from warehouse.archive.retained import whole_second
from warehouse.archive.store import ObjectInfo

if TYPE_CHECKING:
    from warehouse.archive.azure import AzureStore


class AzureLocks:
    """`Locks` of a container with version-level immutability."""

    enforced = True

    def __init__(self, store: AzureStore) -> None:
        self._store = store

    def extend(self, key: str, version_id: str | None, until: datetime) -> datetime:
        """See `Locks`."""
        found, until = self._found(key, version_id), whole_second(until)
        if found.retain_until is not None and found.retain_until >= until:
            return found.retain_until
        policy = self._store.policy(until, found.lock_mode)
        blob = self._store.blob(key)
        self._ask(
            "extending a retention", lambda: blob.set_immutability_policy(policy, version_id=found.version_id)
        )
        now = self._found(key, found.version_id).retain_until
        if now is None or now < until:
            raise StoreError(f"{self._store.url} took a longer retention of {key} and does not keep it.")
        return now

    def hold(self, key: str, version_id: str | None, *, on: bool) -> None:
        """See `Locks`."""
        found = self._found(key, version_id)
        if found.legal_hold == on:
            return
        blob = self._store.blob(key)
        self._ask("changing a legal hold", lambda: blob.set_legal_hold(on, version_id=found.version_id))
        if self._found(key, found.version_id).legal_hold != on:
            raise StoreError(
                f"{self._store.url} took a change of the legal hold of {key} and does not keep it. Use a "
                "container with version-level immutability."
            )

    def remove(self, key: str, version_id: str | None) -> bool:
        """See `Locks`. Azure deletes a version only when it is not the current one: the name goes first."""
        found = self._store.head(key, version_id)
        if found is None:
            return False
        if found.legal_hold:
            raise StoreDenied(f"{key} is under a legal hold; nothing was deleted.")
        blob = self._store.blob(key)
        current = self._store.head(key)
        if current is not None and current.version_id == found.version_id:
            self._ask("deleting a blob", blob.delete_blob)
        if found.version_id is not None:
            self._ask("deleting a version", lambda: blob.delete_blob(version_id=found.version_id))
        return True

    def _found(self, key: str, version_id: str | None) -> ObjectInfo:
        found = self._store.head(key, version_id)
        if found is None:
            raise KeyMissing(f"{self._store.url} has no object {key}; run `ledgerline verify`.")
        return found

    def _ask(self, doing: str, request: Callable[[], object]) -> None:
        store = self._store
        try:
            request()
        except ResourceNotFoundError as error:
            raise KeyMissing(f"{store.url} lost an object while {doing}; run `ledgerline verify`.") from error
        except AzureError as error:
            raise explain(error, store.url, store.name, doing) from error
