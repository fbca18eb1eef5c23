"""The archive in a Google Cloud Storage bucket with object retention: conditional puts, locked and read back.

Promises: a taken name is never written to (`ifGenerationMatch=0`); with a lock configured, no put returns before
the service itself has said that the object is retained as long as asked. COMPLIANCE is a Locked retention,
GOVERNANCE an Unlocked one. Bytes travel under their CRC32C or MD5, both ways; the log holds the SHA-256.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import groupby
from typing import TYPE_CHECKING, Any

from google.api_core.exceptions import NotFound, PreconditionFailed
from google.cloud.storage.retry import DEFAULT_RETRY

from warehouse.archive import probe
from warehouse.archive.errors import KeyMissing, StoreError
from warehouse.archive.gcs_errors import FAILURES, explain, lock_missing
from warehouse.archive.retained import is_locked, shortfall, whole_second
from warehouse.archive.store import (
    Exists,
    ObjectInfo,
    ProbeReport,
    Stored,
    check_key,
    check_prefix,
)

if TYPE_CHECKING:
    from google.cloud.storage import Blob, Client

    from warehouse.archive.locks import Locks

_MODES = {"COMPLIANCE": "Locked", "GOVERNANCE": "Unlocked"}
_WORDS = {mode: ours for ours, mode in _MODES.items()}
_PATIENCE = 60  # seconds of retries, each with a growing wait


class GcsStore:
    """A `Store` in `gs://bucket/prefix`. The client is the caller's, or `gcs_client` makes it."""

    def __init__(
        self,
        client: Client,
        bucket: str,
        prefix: str = "",
        *,
        lock: str = "compliance",
        patience: float = _PATIENCE,
    ) -> None:
        self.client = client
        self.bucket = client.bucket(bucket)
        self.name = bucket
        self.lock_mode = None if lock == "none" else lock.upper()
        self.url = f"gs://{bucket}/{prefix}" if prefix else f"gs://{bucket}"
        self.immutable = self.lock_mode is not None
        self.retry = DEFAULT_RETRY.with_timeout(patience)
        self._root = f"{prefix}/" if prefix else ""
        self._bucket_seen = False

    def put_if_absent(self, key: str, data: bytes, retain_until: datetime | None) -> Stored | Exists:
        """See `Store`. Raises LockMissing when the object is kept without the retention asked for."""
        until = whole_second(retain_until) if retain_until and self.lock_mode else None
        blob = self.blob(key)
        if until:
            self.retain(blob, until)
        try:
            blob.upload_from_string(
                data, content_type="application/octet-stream", if_generation_match=0, retry=self.retry
            )
        except PreconditionFailed as error:
            taken = self.head(key)
            if taken is None:
                raise StoreError(
                    f"{self.url} neither keeps {key} nor shows it. Run `ledgerline verify`, which names what "
                    "hides it, and run again."
                ) from error
            return self._taken(taken, until)
        except FAILURES as error:
            raise self._explain(error, "storage.objects.create") from error
        version = str(blob.generation) if blob.generation else None
        if until:
            self._demand_lock(self.head(key, version), key, until)
        return Stored(version)

    def get(self, key: str, version_id: str | None = None) -> bytes:
        """See `Store`."""
        try:
            blob = self.blob(key, version_id)
            data: bytes = blob.download_as_bytes(raw_download=True, retry=self.retry)
        except (NotFound, _NoGeneration) as error:
            self._demand_bucket()
            which = f"no version {version_id} of" if version_id else "no object"
            raise KeyMissing(
                f"{self.url} has {which} {key}. If the log names it, run `ledgerline verify`."
            ) from error
        except FAILURES as error:
            raise self._explain(error, "storage.objects.get") from error
        return data

    def head(self, key: str, version_id: str | None = None) -> ObjectInfo | None:
        """See `Store`."""
        try:
            blob = self.blob(key, version_id)
            blob.reload(retry=self.retry)
        except _NoGeneration:
            return None
        except NotFound:
            self._demand_bucket()
            return None
        except FAILURES as error:
            raise self._explain(error, "storage.objects.get") from error
        retention = blob.retention
        return ObjectInfo(
            key,
            int(blob.size or 0),
            str(blob.generation),
            blob.time_created.astimezone(UTC),
            lock_mode=_WORDS.get(retention.mode or ""),
            retain_until=_utc(retention.retain_until_time),
            legal_hold=bool(blob.temporary_hold or blob.event_based_hold),
        )

    def list(self, prefix: str, start_after: str = "") -> Iterator[ObjectInfo]:
        """See `Store`; one request for 1000 objects."""
        more = {"start_offset": self._root + start_after} if start_after else {}
        for blob in self._listing(check_prefix(prefix), **more):
            key = self._key(blob)
            if key != start_after:  # where Google's offset is, our listing has been
                yield ObjectInfo(key, int(blob.size or 0), None, blob.time_created.astimezone(UTC))

    def list_versions(self, prefix: str) -> Iterator[ObjectInfo]:
        """See `Store`. A name whose live object is gone and whose versions stay shows a delete marker first."""
        blobs = self._listing(check_prefix(prefix), versions=True)
        for key, same in groupby(blobs, key=self._key):
            versions = sorted(same, key=lambda blob: int(blob.generation), reverse=True)
            gone = versions[0].time_deleted  # only of objects that are not live any more
            if gone:
                yield ObjectInfo(key, 0, None, gone.astimezone(UTC), delete_marker=True, latest=True)
            for position, blob in enumerate(versions):
                yield ObjectInfo(
                    key,
                    int(blob.size or 0),
                    str(blob.generation),
                    blob.time_created.astimezone(UTC),
                    latest=not gone and position == 0,
                )

    def probe(self, *, thorough: bool = True) -> ProbeReport:
        """See `Store`."""
        if self.lock_mode is None:
            return [probe.refuses_overwrite(self, probe.probe_key(thorough=thorough), None).result]
        from warehouse.archive.gcs_probe import try_out  # noqa: PLC0415 - it knows this module

        return try_out(self, thorough=thorough)

    def locks(self) -> Locks:
        """The second port: holds, longer retention, deletion of what has expired."""
        from warehouse.archive.gcs_locks import GcsLocks  # noqa: PLC0415 - it knows this module

        return GcsLocks(self)

    # -- lock ------------------------------------------------------------------------------------------------

    def retain(self, blob: Blob, until: datetime, mode: str | None = None) -> None:
        """Put a retention on the SDK's object, to be sent with it; `mode` is one of ours, by default ours."""
        retention = blob.retention
        retention.mode = _MODES[mode or self.lock_mode or "GOVERNANCE"]
        retention.retain_until_time = until

    def _taken(self, found: ObjectInfo, until: datetime | None) -> Exists:
        """A taken key counts as kept only if it is locked: what an earlier run left unlocked is locked now."""
        if until and not is_locked(found):
            blob = self.blob(found.key, found.version_id)
            self.retain(blob, until)
            try:
                blob.patch(retry=self.retry)
            except FAILURES as error:
                raise self._explain(error, "storage.objects.setRetention") from error
            self._demand_lock(self.head(found.key, found.version_id), found.key, until)
        return Exists(found.version_id)

    def _demand_lock(self, found: ObjectInfo | None, key: str, until: datetime) -> None:
        if found is None:
            raise StoreError(f"{self.url} took {key} and does not show it. Use a store that reads its own writes.")
        missing = shortfall(found, self.lock_mode, until)
        if missing:
            raise lock_missing(self.name, missing)

    # -- asking ----------------------------------------------------------------------------------------------

    def blob(self, key: str, version_id: str | None = None) -> Blob:
        """The SDK's handle on one object, or one generation of it. Raises KeyInvalid."""
        name = self._root + check_key(key)
        if version_id is None:
            return self.bucket.blob(name)
        if not version_id.isascii() or not version_id.isdigit():
            raise _NoGeneration(version_id)  # a version of another cloud: there is none of that name here
        return self.bucket.blob(name, generation=int(version_id))

    def _listing(self, prefix: str, **more: Any) -> Iterator[Any]:
        try:
            yield from self.client.list_blobs(self.bucket, prefix=self._root + prefix, retry=self.retry, **more)
        except FAILURES as error:
            raise self._explain(error, "storage.objects.list") from error

    def _key(self, blob: Any) -> str:
        return str(blob.name).removeprefix(self._root)

    def _demand_bucket(self) -> None:
        """A missing bucket says 404 too, and what is not there must not look like an empty archive."""
        if not self._bucket_seen:
            next(self._listing("", max_results=1), None)
            self._bucket_seen = True

    def _explain(self, error: Exception, right: str) -> StoreError:
        return explain(error, self.url, self.name, right)


class _NoGeneration(Exception):
    """A version id that Google never gave."""


def _utc(moment: Any) -> datetime | None:
    return moment.astimezone(UTC) if isinstance(moment, datetime) else None
