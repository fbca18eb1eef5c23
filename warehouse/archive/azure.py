"""The archive in an Azure Blob container with version-level immutability: conditional puts, locked and read back.

Promises: a taken name is never written to (`If-None-Match: *`); with a lock configured, no put returns before
the service itself has said that the version is retained as long as asked. COMPLIANCE is Azure's Locked policy,
GOVERNANCE its Unlocked one. Azure offers no SHA-256: bytes travel under their MD5, and the log holds the SHA-256.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from itertools import groupby
from typing import TYPE_CHECKING, Any

from azure.core.exceptions import (
    AzureError,
    HttpResponseError,
    ResourceExistsError,
    ResourceNotFoundError,
)
from azure.storage.blob import ImmutabilityPolicy

from warehouse.archive import probe
from warehouse.archive.azure_errors import code_of, explain, lock_missing
from warehouse.archive.errors import KeyMissing, StoreError
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
    from azure.storage.blob import BlobClient, ContainerClient

    from warehouse.archive.locks import Locks

# A role that may create and not overwrite is told so with 403; the name is taken in both cases.
_TAKEN = {"BlobAlreadyExists", "ConditionNotMet", "UnauthorizedBlobOverwrite"}
_MODES = {"COMPLIANCE": "Locked", "GOVERNANCE": "Unlocked"}
_WORDS = {mode.lower(): ours for ours, mode in _MODES.items()}


class AzureStore:
    """A `Store` in `az://container/prefix`. The client is the caller's, or `azure_client` makes it."""

    def __init__(self, container: ContainerClient, prefix: str = "", *, lock: str = "compliance") -> None:
        self.container = container
        self.name = str(container.container_name)
        self.lock_mode = None if lock == "none" else lock.upper()
        self.url = f"az://{self.name}/{prefix}" if prefix else f"az://{self.name}"
        self.immutable = self.lock_mode is not None
        self._root = f"{prefix}/" if prefix else ""
        self._container_seen = False

    def put_if_absent(self, key: str, data: bytes, retain_until: datetime | None) -> Stored | Exists:
        """See `Store`. Raises LockMissing when the object is kept without the retention asked for."""
        until = whole_second(retain_until) if retain_until and self.lock_mode else None
        blob = self.blob(key)
        policy = self.policy(until) if until else None
        try:
            answer = blob.upload_blob(
                data, overwrite=False, validate_content=True, immutability_policy=policy, max_concurrency=1
            )
        except AzureError as error:
            if code_of(error) not in _TAKEN and not isinstance(error, ResourceExistsError):
                raise self._explain(error, "writing a blob") from error
            taken = self.head(key)
            if taken is None:
                raise StoreError(
                    f"{self.url} neither keeps {key} nor shows it ({code_of(error)}). Run `ledgerline verify`, "
                    "which names what hides it, and run again."
                ) from error
            return self._taken(taken, until)
        version = answer.get("version_id")
        if until:
            self._demand_lock(self.head(key, version), key, until)
        return Stored(version)

    def get(self, key: str, version_id: str | None = None) -> bytes:
        """See `Store`."""
        return self._read(key, version_id)[0]

    def inspect(self, key: str, version_id: str | None = None) -> tuple[bytes, ObjectInfo]:
        """See `verify_locks.Inspecting`: the answer to a GET says how the version is locked."""
        data, found = self._read(key, version_id)
        info = _info(key, found)
        if self.lock_mode and not is_locked(info):
            info = self.head(key, info.version_id) or info  # told to a HEAD only, or not locked
        return data, info

    def _read(self, key: str, version_id: str | None) -> tuple[bytes, Any]:
        try:
            reader = self.blob(key).download_blob(version_id=version_id, max_concurrency=1)
            return bytes(reader.readall()), reader.properties
        except AzureError as error:
            if self._is_absent(error, version_id):
                which = f"no version {version_id} of" if version_id else "no object"
                raise KeyMissing(
                    f"{self.url} has {which} {key}. If the log names it, run `ledgerline verify`."
                ) from error
            raise self._explain(error, "reading a blob") from error

    def head(self, key: str, version_id: str | None = None) -> ObjectInfo | None:
        """See `Store`."""
        try:
            found = self.blob(key).get_blob_properties(version_id=version_id)
        except AzureError as error:
            if self._is_absent(error, version_id):
                self._demand_container()
                return None
            raise self._explain(error, "looking at a blob") from error
        return _info(key, found)

    def list(self, prefix: str, start_after: str = "") -> Iterator[ObjectInfo]:
        """See `Store`; one request for 5000 names. Names before `start_after` are asked for and passed over:
        Azure continues a listing from a marker of its own only."""
        for item in self._listing(check_prefix(prefix), ()):
            key = self._key(item)
            if key > start_after:
                yield ObjectInfo(key, int(item.size), None, item.last_modified.astimezone(UTC))

    def list_versions(self, prefix: str) -> Iterator[ObjectInfo]:
        """See `Store`. A name that was deleted, or whose blob lies softly deleted, and whose versions stay shows a
        delete marker first: an undelete brings it back."""
        items = self._listing(check_prefix(prefix), ("versions", "deleted"))
        for key, same in groupby(items, key=self._key):
            # ids are times, so the newest has the greatest; the current one leads whatever its id says
            versions = sorted(same, key=lambda item: (_is_shown(item), _version(item) or ""), reverse=True)
            shown = _is_shown(versions[0])
            if not shown:
                gone = versions[0].last_modified.astimezone(UTC)
                yield ObjectInfo(key, 0, None, gone, delete_marker=True, latest=True)
            for position, item in enumerate(versions):
                yield ObjectInfo(
                    key,
                    int(item.size),
                    _version(item),
                    item.last_modified.astimezone(UTC),
                    latest=shown and position == 0,
                )

    def probe(self, *, thorough: bool = True) -> ProbeReport:
        """See `Store`."""
        if self.lock_mode is None:
            return [probe.refuses_overwrite(self, probe.probe_key(thorough=thorough), None).result]
        from warehouse.archive.azure_probe import try_out  # noqa: PLC0415 - it knows this module

        return try_out(self, thorough=thorough)

    def locks(self) -> Locks:
        """The second port: holds, longer retention, deletion of what has expired."""
        from warehouse.archive.azure_locks import AzureLocks  # noqa: PLC0415 - it knows this module

        return AzureLocks(self)

    # -- lock ------------------------------------------------------------------------------------------------

    def policy(self, until: datetime, mode: str | None = None) -> ImmutabilityPolicy:
        """Azure's form of a retention; `mode` is one of ours, by default the configured one."""
        return ImmutabilityPolicy(expiry_time=until, policy_mode=_MODES[mode or self.lock_mode or "GOVERNANCE"])

    def _taken(self, found: ObjectInfo, until: datetime | None) -> Exists:
        """A taken key counts as kept only if it is locked: what an earlier run left unlocked is locked now."""
        if until and not is_locked(found):
            try:
                self.blob(found.key).set_immutability_policy(self.policy(until), version_id=found.version_id)
            except AzureError as error:
                raise self._explain(error, "setting an immutability policy") from error
            self._demand_lock(self.head(found.key, found.version_id), found.key, until)
        return Exists(found.version_id)

    def _demand_lock(self, found: ObjectInfo | None, key: str, until: datetime) -> None:
        if found is None:
            raise StoreError(f"{self.url} took {key} and does not show it. Use a store that reads its own writes.")
        missing = shortfall(found, self.lock_mode, until)
        if missing:
            raise lock_missing(self.name, missing)

    # -- asking ----------------------------------------------------------------------------------------------

    def blob(self, key: str) -> BlobClient:
        """The SDK's handle on one name. Raises KeyInvalid."""
        return self.container.get_blob_client(self._root + check_key(key))

    def _listing(self, prefix: str, include: Sequence[str]) -> Iterator[Any]:
        try:
            yield from self.container.list_blobs(name_starts_with=self._root + prefix, include=[*include])
        except AzureError as error:
            raise self._explain(error, "listing the container") from error

    def _key(self, item: Any) -> str:
        return str(item.name).removeprefix(self._root)

    def _is_absent(self, error: AzureError, version_id: str | None) -> bool:
        code = code_of(error)
        if isinstance(error, ResourceNotFoundError):
            return code not in ("ContainerNotFound", "ResourceNotFound")
        # what was never given as a version id (by a copy, by another cloud) names nothing here
        return version_id is not None and isinstance(error, HttpResponseError) and error.status_code == 400

    def _demand_container(self) -> None:
        """What is not there must not look like an empty archive."""
        if not self._container_seen:
            next(self._listing("", ()), None)
            self._container_seen = True

    def _explain(self, error: Exception, doing: str) -> StoreError:
        return explain(error, self.url, self.name, doing)


def _info(key: str, found: Any) -> ObjectInfo:
    """What the SDK's properties of a blob say."""
    policy = found.immutability_policy
    return ObjectInfo(
        key,
        int(found.size),
        _version(found),
        found.last_modified.astimezone(UTC),
        lock_mode=_WORDS.get(str(policy.policy_mode or "").lower()),
        retain_until=_moment(policy.expiry_time),
        legal_hold=str(found.has_legal_hold).lower() == "true",
    )


def _version(item: Any) -> str | None:
    return str(item.version_id) if item.version_id else None


def _is_shown(item: Any) -> bool:
    """Whether a listed version is the one that readers see."""
    return not item.deleted and (bool(item.is_current_version) or _version(item) is None)


def _moment(value: Any) -> datetime | None:
    if not value:
        return None
    moment = value if isinstance(value, datetime) else parsedate_to_datetime(str(value))
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
