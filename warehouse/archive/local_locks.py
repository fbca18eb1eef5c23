"""The second port on a folder, which keeps neither dates nor holds: they stand in the log, and only we heed them.

Promise: nothing is pretended; `enforced` is False, and what is removed is a file under a key and nothing else.
"""

from __future__ import annotations

import os
from datetime import datetime
from typing import TYPE_CHECKING

from warehouse.archive.disk import explain, sync_folder
from warehouse.archive.errors import KeyMissing
from warehouse.archive.store import check_key

if TYPE_CHECKING:
    from warehouse.archive.local import LocalStore


class LocalLocks:
    """`Locks` of a folder."""

    enforced = False

    def __init__(self, store: LocalStore) -> None:
        self._store = store

    def extend(self, key: str, version_id: str | None, until: datetime) -> datetime:
        """See `Locks`. A folder keeps no date: the log says it."""
        self._demand(key)
        return until

    def hold(self, key: str, version_id: str | None, *, on: bool) -> None:
        """See `Locks`. A folder keeps no hold: the log says it."""
        self._demand(key)

    def remove(self, key: str, version_id: str | None) -> bool:
        """See `Locks`."""
        path = f"{self._store.root}/{check_key(key)}"
        try:
            os.unlink(path)
            sync_folder(os.path.dirname(path))
        except FileNotFoundError:
            return False
        except OSError as error:
            raise explain(error, self._store.url, f"deleting {key}") from error
        return True

    def _demand(self, key: str) -> None:
        if self._store.head(key) is None:
            raise KeyMissing(f"{self._store.url} has no object {key}; run `ledgerline verify`.")
