"""The archive in an S3 bucket with Object Lock: conditional puts, checked by hash, locked and read back.

Promises: a taken key is never written to (`If-None-Match: *`); with a lock configured, no put returns before
the store itself has said that the object is retained as long as asked. A put whose answer was lost is tried
again by the client and then reports `Exists`: the caller reads back and compares its own bytes.
"""

from __future__ import annotations

import base64
import hashlib
import os
import random
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from warehouse.archive import probe
from warehouse.archive.address import bucket_of, check_endpoint
from warehouse.archive.errors import KeyMissing, StoreError
from warehouse.archive.retained import is_locked, shortfall, whole_second
from warehouse.archive.s3_errors import BODY_CUT, code_of, explain, lock_missing, status_of
from warehouse.archive.store import (
    Exists,
    ObjectInfo,
    ProbeReport,
    Stored,
    check_key,
    check_prefix,
)

if TYPE_CHECKING:
    from warehouse.archive.locks import Locks

_ATTEMPTS = 6  # at a put that collides with another in flight, or a body that is cut
_FAILURES = (BotoCoreError, ClientError)
_NO_VERSION = {"NoSuchKey", "NoSuchVersion", "MethodNotAllowed", "404", "405"}


class S3Store:
    """A `Store` in `s3://bucket/prefix`. The boto3 client is the caller's, or `client_from_settings` makes it."""

    def __init__(self, client: Any, bucket: str, prefix: str = "", *, lock: str = "compliance") -> None:
        self.client = client
        self.bucket = bucket
        self.lock_mode = None if lock == "none" else lock.upper()
        self.url = f"s3://{bucket}/{prefix}" if prefix else f"s3://{bucket}"
        self.immutable = self.lock_mode is not None
        self._root = f"{prefix}/" if prefix else ""
        self._bucket_seen = False

    @classmethod
    def open(
        cls, url: str, *, lock: str, client: Any = None, endpoint: str = "", region: str | None = None
    ) -> S3Store:
        """The store at `s3://bucket/prefix`. Raises StoreError for an address that is not one."""
        bucket, prefix = bucket_of(url)
        return cls(client or client_from_settings(endpoint, region), bucket, prefix, lock=lock)

    def put_if_absent(self, key: str, data: bytes, retain_until: datetime | None) -> Stored | Exists:
        """See `Store`. Raises LockMissing when the object is kept without the retention asked for."""
        until = whole_second(retain_until) if retain_until and self.lock_mode else None
        request: dict[str, Any] = {
            **self.address(key),
            "Body": data,
            "IfNoneMatch": "*",
            "ChecksumAlgorithm": "SHA256",  # S3 refuses a lock without it, even beside the sum itself
            "ChecksumSHA256": base64.b64encode(hashlib.sha256(data).digest()).decode(),
        }
        if until:
            request |= {"ObjectLockMode": self.lock_mode, "ObjectLockRetainUntilDate": until}
        for attempt in range(_ATTEMPTS):
            try:
                version = _version(self.client.put_object(**request))
            except _FAILURES as error:
                if not isinstance(error, ClientError) or not _lost_race(error):
                    raise self._explain(error, "s3:PutObject") from error
                taken = self.head(key)
                if taken is not None:
                    return self._taken(taken, until)
                # That put is still in flight, or its object went away again: look again in a moment.
                time.sleep(random.uniform(0.01, 0.05) * 2**attempt)  # noqa: S311 - spreads load, hides nothing
                continue
            if until:
                self._demand_lock(self.head(key, version), key, until)
            return Stored(version)
        raise StoreError(
            f"{self.url} neither keeps {key} nor shows it. If a delete marker hides it, `ledgerline verify` names "
            "it; remove that marker (never the version) and run again."
        )

    def get(self, key: str, version_id: str | None = None) -> bytes:
        """See `Store`."""
        return self.inspect(key, version_id)[0]

    def inspect(self, key: str, version_id: str | None = None) -> tuple[bytes, ObjectInfo]:
        """See `verify_locks.Inspecting`: the answer to a GET says how the object is locked."""
        for attempt in range(_ATTEMPTS):
            try:
                answer = self.client.get_object(**self.address(key, version_id))
                body: bytes = answer["Body"].read()
                info = _info(key, answer)
                if self.lock_mode and not is_locked(info):
                    # Some stores tell of a lock to a HEAD only; what seems unlocked is asked for once more.
                    info = self.head(key, info.version_id) or info
                return body, info
            except BODY_CUT as error:
                if attempt == _ATTEMPTS - 1:
                    raise self._explain(error, "s3:GetObject") from error
            except ClientError as error:
                if self._is_absent(error, version_id):
                    break
                raise self._explain(error, "s3:GetObject") from error
            except BotoCoreError as error:
                raise self._explain(error, "s3:GetObject") from error
        which = f"no version {version_id} of" if version_id else "no object"
        raise KeyMissing(f"{self.url} has {which} {key}. If the log names it, run `ledgerline verify`.")

    def head(self, key: str, version_id: str | None = None) -> ObjectInfo | None:
        """See `Store`."""
        at = self.address(key, version_id)
        try:
            answer = self.client.head_object(**at)
        except ClientError as error:
            if status_of(error) in (404, 405):
                self._demand_bucket()
                return None
            told = self._ask_why(at) or error
            if self._is_absent(told, version_id):
                return None
            raise self._explain(told, "s3:GetObject") from error
        except BotoCoreError as error:
            raise self._explain(error, "s3:GetObject") from error
        return _info(key, answer)

    def list(self, prefix: str, start_after: str = "") -> Iterator[ObjectInfo]:
        """See `Store`; one request per 1000 objects."""
        request = {"Bucket": self.bucket, "Prefix": self._root + check_prefix(prefix)}
        if start_after:
            request["StartAfter"] = self._root + start_after
        for page in self._pages("list_objects_v2", request, "s3:ListBucket"):
            for item in page.get("Contents", ()):
                yield ObjectInfo(self._key(item), int(item["Size"]), None, item["LastModified"].astimezone(UTC))

    def list_versions(self, prefix: str) -> Iterator[ObjectInfo]:
        """See `Store`; one request per 1000 versions and markers."""
        request = {"Bucket": self.bucket, "Prefix": self._root + check_prefix(prefix)}
        for page in self._pages("list_object_versions", request, "s3:ListBucketVersions"):
            both = [(item, False) for item in page.get("Versions", ())]
            both += [(item, True) for item in page.get("DeleteMarkers", ())]
            # They come as two lists. Newest first within a key; times are in seconds, so the latest by its flag.
            both.sort(key=lambda one: (one[0]["Key"], not one[0]["IsLatest"], -_when(one[0])))
            for item, marker in both:
                yield ObjectInfo(
                    self._key(item),
                    int(item.get("Size", 0)),
                    _version(item),
                    item["LastModified"].astimezone(UTC),
                    delete_marker=marker,
                    latest=bool(item["IsLatest"]),
                )

    def probe(self, *, thorough: bool = True) -> ProbeReport:
        """See `Store`."""
        if self.lock_mode is None:
            return [probe.refuses_overwrite(self, probe.probe_key(thorough=thorough), None).result]
        from warehouse.archive.s3_probe import try_out  # noqa: PLC0415 - it knows this module

        return try_out(self, thorough=thorough)

    def locks(self) -> Locks:
        """The second port: holds, longer retention, deletion of what has expired."""
        from warehouse.archive.s3_locks import S3Locks  # noqa: PLC0415 - it knows this module

        return S3Locks(self)

    # -- lock ------------------------------------------------------------------------------------------------

    def _taken(self, found: ObjectInfo, until: datetime | None) -> Exists:
        """A taken key counts as kept only if it is locked: what an earlier run left unlocked is locked now."""
        if until and not is_locked(found):
            try:
                self.client.put_object_retention(
                    **self.address(found.key, found.version_id),
                    Retention={"Mode": self.lock_mode, "RetainUntilDate": until},
                )
            except _FAILURES as error:
                raise self._explain(error, "s3:PutObjectRetention") from error
            self._demand_lock(self.head(found.key, found.version_id), found.key, until)
        return Exists(found.version_id)

    def _demand_lock(self, found: ObjectInfo | None, key: str, until: datetime) -> None:
        if found is None:
            raise StoreError(f"{self.url} took {key} and does not show it. Use a store that reads its own writes.")
        missing = shortfall(found, self.lock_mode, until)
        if missing:
            raise lock_missing(self.bucket, missing)

    # -- asking ----------------------------------------------------------------------------------------------

    def address(self, key: str, version_id: str | None = None) -> dict[str, Any]:
        """How boto3 is told of one object. Raises KeyInvalid."""
        at = {"Bucket": self.bucket, "Key": self._root + check_key(key)}
        return at | {"VersionId": version_id} if version_id else at

    def _key(self, item: dict[str, Any]) -> str:
        return str(item["Key"]).removeprefix(self._root)

    def _pages(self, operation: str, request: dict[str, Any], action: str) -> Iterator[dict[str, Any]]:
        try:
            yield from self.client.get_paginator(operation).paginate(**request)
        except _FAILURES as error:
            raise self._explain(error, action) from error

    def _is_absent(self, error: ClientError, version_id: str | None) -> bool:
        code = code_of(error)
        return code in _NO_VERSION or (version_id is not None and code == "InvalidArgument")

    def _ask_why(self, at: dict[str, Any]) -> ClientError | None:
        """A HEAD is refused without a word; a GET of one byte is refused with the reason."""
        try:
            self.client.get_object(**at, Range="bytes=0-0")["Body"].close()
        except ClientError as error:
            return error
        except BotoCoreError:
            return None
        return None

    def _demand_bucket(self) -> None:
        """HEAD says 404 for a missing bucket too, and what is not there must not look like an empty archive."""
        if not self._bucket_seen:
            try:
                self.client.list_objects_v2(Bucket=self.bucket, Prefix=self._root, MaxKeys=1)
            except _FAILURES as error:
                raise self._explain(error, "s3:ListBucket") from error
            self._bucket_seen = True

    def _explain(self, error: Exception, action: str) -> StoreError:
        return explain(error, self.url, self.bucket, action)


def client_from_settings(endpoint: str = "", region: str | None = None) -> Any:
    """A boto3 S3 client; credentials come from AWS' usual chain. Safe to share between threads.

    With an `endpoint` (an S3-compatible store) paths name the bucket, and the region defaults to us-east-1.
    Raises StoreError if boto3 is missing or the endpoint holds a credential.
    """
    check_endpoint(endpoint)
    import boto3  # noqa: PLC0415 - half a second, and only where a client is made here
    from botocore.config import Config  # noqa: PLC0415

    region = region or os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION")
    try:
        return boto3.Session().client(
            "s3",
            endpoint_url=endpoint or None,
            region_name=region or ("us-east-1" if endpoint else None),
            config=Config(
                connect_timeout=10,
                read_timeout=60,
                retries={"mode": "standard", "max_attempts": 5},
                max_pool_connections=32,
                s3={"addressing_style": "path" if endpoint else "auto"},
                # We send SHA-256 ourselves; the default adds a trailing CRC that S3-compatible stores refuse.
                request_checksum_calculation="when_required",
                response_checksum_validation="when_required",
            ),
        )
    except BotoCoreError as error:
        raise explain(error, endpoint or "s3:", "", "making a client") from error


def _lost_race(error: ClientError) -> bool:
    """The key was taken (412), or another put of it is in flight (409; other conflicts are no races)."""
    return status_of(error) == 412 or code_of(error) in ("ConditionalRequestConflict", "OperationAborted")


def _info(key: str, answer: dict[str, Any]) -> ObjectInfo:
    """What the headers of a HEAD or a GET say of an object."""
    return ObjectInfo(
        key,
        int(answer["ContentLength"]),
        _version(answer),
        answer["LastModified"].astimezone(UTC),
        lock_mode=answer.get("ObjectLockMode"),
        retain_until=_utc(answer.get("ObjectLockRetainUntilDate")),
        legal_hold=answer.get("ObjectLockLegalHoldStatus") == "ON",
    )


def _when(item: dict[str, Any]) -> float:
    return float(item["LastModified"].timestamp())


def _version(answer: dict[str, Any]) -> str | None:
    version = answer.get("VersionId")
    return None if version in (None, "null") else str(version)


def _utc(moment: datetime | None) -> datetime | None:
    return moment.astimezone(UTC) if moment else None
