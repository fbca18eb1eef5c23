"""Holds, longer retention and deletion on S3 (the second port).

Promise: the mode of a retention stays as it is, its date only moves away, and no request carries the header that
bypasses GOVERNANCE.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from warehouse.archive.errors import KeyMissing, StoreDenied, StoreError
from warehouse.archive.retained import whole_second
from warehouse.archive.s3_errors import code_of, explain
from warehouse.archive.store import ObjectInfo

if TYPE_CHECKING:
    from warehouse.archive.s3 import S3Store

_FAILURES = (BotoCoreError, ClientError)


class S3Locks:
    """`Locks` of a bucket with Object Lock."""

    enforced = True

    def __init__(self, store: S3Store) -> None:
        self._store = store

    def extend(self, key: str, version_id: str | None, until: datetime) -> datetime:
        """See `Locks`."""
        found, until = self._found(key, version_id), whole_second(until)
        if found.retain_until is not None and found.retain_until >= until:
            return found.retain_until
        mode = found.lock_mode or self._store.lock_mode or "GOVERNANCE"
        self._ask("put_object_retention", found, Retention={"Mode": mode, "RetainUntilDate": until})
        now = self._found(key, found.version_id).retain_until
        if now is None or now < until:
            raise StoreError(f"{self._store.url} took a longer retention of {key} and does not keep it.")
        return now

    def hold(self, key: str, version_id: str | None, *, on: bool) -> None:
        """See `Locks`."""
        found = self._found(key, version_id)
        if found.legal_hold == on:
            return
        self._ask("put_object_legal_hold", found, LegalHold={"Status": "ON" if on else "OFF"})
        if self._found(key, found.version_id).legal_hold != on:
            raise StoreError(
                f"{self._store.url} took a change of the legal hold of {key} and does not keep it. Allow "
                "s3:PutObjectLegalHold and s3:GetObjectLegalHold, on a bucket with Object Lock."
            )

    def remove(self, key: str, version_id: str | None) -> bool:
        """See `Locks`."""
        found = self._store.head(key, version_id)
        if found is None:
            return False
        if found.legal_hold:
            raise StoreDenied(f"{key} is under a legal hold; nothing was deleted.")
        self._ask("delete_object", found)
        return True

    def _found(self, key: str, version_id: str | None) -> ObjectInfo:
        found = self._store.head(key, version_id)
        if found is None:
            raise KeyMissing(f"{self._store.url} has no object {key}; run `ledgerline verify`.")
        return found

    def _ask(self, operation: str, found: ObjectInfo, **more: Any) -> None:
        store = self._store
        action = "s3:" + "".join(word.capitalize() for word in operation.split("_"))
        try:
            getattr(store.client, operation)(**store.address(found.key, found.version_id), **more)
        except _FAILURES as error:
            if isinstance(error, ClientError) and code_of(error) == "NoSuchKey":
                raise KeyMissing(f"{store.url} has no object {found.key}; run `ledgerline verify`.") from error
            raise explain(error, store.url, store.bucket, action) from error
