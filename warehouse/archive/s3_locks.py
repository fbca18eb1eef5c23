"""Holds, longer retention and deletion on S3 (the second port).

Promise: the mode of a retention stays as it is, its date only moves away, and no request carries the header that
bypasses GOVERNANCE.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from warehouse.archive.cloud_locks import CloudLocks
from warehouse.archive.errors import KeyMissing
from warehouse.archive.s3_errors import code_of, explain
from warehouse.archive.store import ObjectInfo

if TYPE_CHECKING:
    from warehouse.archive.s3 import S3Store

_FAILURES = (BotoCoreError, ClientError)


class S3Locks(CloudLocks):
    """`Locks` of a bucket with Object Lock."""

    _store: S3Store
    hold_advice = "Allow s3:PutObjectLegalHold and s3:GetObjectLegalHold, on a bucket with Object Lock."

    def _retain(self, found: ObjectInfo, until: datetime) -> None:
        mode = found.lock_mode or self._store.lock_mode or "GOVERNANCE"
        self._ask("put_object_retention", found, Retention={"Mode": mode, "RetainUntilDate": until})

    def _hold(self, found: ObjectInfo, *, on: bool) -> None:
        self._ask("put_object_legal_hold", found, LegalHold={"Status": "ON" if on else "OFF"})

    def _delete(self, found: ObjectInfo) -> None:
        self._ask("delete_object", found)

    def _ask(self, operation: str, found: ObjectInfo, **more: Any) -> None:
        store = self._store
        action = "s3:" + "".join(word.capitalize() for word in operation.split("_"))
        try:
            getattr(store.client, operation)(**store.address(found.key, found.version_id), **more)
        except _FAILURES as error:
            if isinstance(error, ClientError) and code_of(error) == "NoSuchKey":
                raise KeyMissing(f"{store.url} has no object {found.key}; run `ledgerline verify`.") from error
            raise explain(error, store.url, store.bucket, action) from error
