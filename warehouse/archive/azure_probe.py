"""Trying out a container's lock: version-level immutability, and whether a locked version really stays.

An emulator takes the immutability header and ignores it; a store that does so is refused before it is trusted.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from azure.core.exceptions import AzureError

from warehouse.archive import probe
from warehouse.archive.azure_errors import code_of, explain
from warehouse.archive.errors import LockMissing
from warehouse.archive.store import ProbeReport, ProbeResult, Stored

if TYPE_CHECKING:
    from warehouse.archive.azure import AzureStore

_RETENTION = timedelta(hours=1)  # a probe cannot be deleted earlier; clocks may differ by minutes
_SHORTER = timedelta(minutes=30)
_REFUSED = {
    "BlobImmutableDueToPolicy",
    "BlobImmutableDueToLegalHold",
    "AuthorizationPermissionMismatch",
    "AuthorizationFailure",
    "OperationNotAllowedOnRootBlob",
    "409",
    "403",
}


def try_out(store: AzureStore, *, thorough: bool) -> ProbeReport:
    """Every check of a container that is to be locked. Raises StoreDenied, StoreUnreachable, StoreFull."""
    report = [_immutability(store)]
    if report[0].fatal and not report[0].ok:
        return report  # every put would only say the same again
    until = datetime.now(UTC).replace(microsecond=0) + _RETENTION
    if thorough or not probe.bears_witness(store, probe.probe_key(thorough=False)):
        # Once a day: a refused deletion every five minutes would raise alarms. And before the day's probe is
        # written, so that a store that fails it is tried again at the next start.
        report += _withstands(store, until)
    if all(result.ok or not result.fatal for result in report):
        report.append(probe.locked_trial(store, until, thorough=thorough).result)
    return report


def _immutability(store: AzureStore) -> ProbeResult:
    check = "immutability"
    try:
        found = store.container.get_container_properties().immutable_storage_with_versioning_enabled
    except AzureError as error:
        code = code_of(error)
        if code in ("AuthorizationPermissionMismatch", "AuthorizationFailure"):
            # Not fatal: a role may be forbidden to look, and every put reads its own lock back anyway.
            return ProbeResult(check, False, f"Could not be checked on {store.name}: {code}.", "Allow reading it.")
        raise explain(error, store.url, store.name, "looking at the container") from error
    if str(found).lower() == "true":
        return ProbeResult(check, True, f"The container {store.name} has version-level immutability.")
    return ProbeResult(
        check,
        False,
        f"The container {store.name} has no version-level immutability.",
        f"Make one that has: `az storage container-rm create --name {store.name} --enable-vlw` on an account with "
        "versioning, or set [archive] lock.",
        fatal=True,
    )


def _withstands(store: AzureStore, until: datetime) -> ProbeReport:
    """What a locked version must withstand, tried on an object of its own: deleting its name hides it."""
    key = f"{probe.probe_key(thorough=True)}-{secrets.token_hex(2)}"
    try:
        written = store.put_if_absent(key, b"ledgerline probe of a lock\n", until)
    except LockMissing as error:
        return [ProbeResult("retention", False, str(error), "", fatal=True)]
    blob, version = store.blob(key), written.version_id
    if not isinstance(written, Stored) or version is None:
        return [
            ProbeResult(
                "retention",
                False,
                f"The account of {store.url} keeps no versions.",
                "Enable it: `az storage account blob-service-properties update --enable-versioning true`.",
                fatal=True,
            )
        ]
    report: ProbeReport = []
    if store.lock_mode == "COMPLIANCE":
        shorter = store.policy(until - _SHORTER)
        code = _refusal(store, lambda: blob.set_immutability_policy(shorter, version_id=version))
        report.append(_verdict("shortening", code, f"{store.url} let a Locked policy be shortened."))
        code = _refusal(store, lambda: blob.delete_immutability_policy(version_id=version))
        report.append(_verdict("removal", code, f"{store.url} let a Locked policy be removed."))
    _refusal(store, blob.delete_blob)  # allowed: the version stays, which is what is tried now
    code = _refusal(store, lambda: blob.delete_blob(version_id=version))
    report.append(_verdict("retention", code, f"{store.url} deleted a version that it had said was locked."))
    return report


def _verdict(check: str, code: str, otherwise: str) -> ProbeResult:
    if code:
        return ProbeResult(check, True, f"Refused, as it must be ({code}).")
    return ProbeResult(
        check, False, otherwise, "It accepts a policy and does not keep it: use Azure Blob Storage.", fatal=True
    )


def _refusal(store: AzureStore, attempt: Callable[[], object]) -> str:
    """The code with which the store refused, or "" if it did as it was told. Trouble is raised as such."""
    try:
        attempt()
    except AzureError as error:
        code = code_of(error)
        if code in _REFUSED:
            return code
        raise explain(error, store.url, store.name, "trying out the lock") from error
    return ""
