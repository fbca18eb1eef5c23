"""Trying out a bucket's lock: versioning, Object Lock, and whether a locked version really stays.

A store that merely accepts the lock headers is worse than none, because people rely on it.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from warehouse.archive import probe
from warehouse.archive.s3_errors import code_of, explain
from warehouse.archive.store import ProbeReport, ProbeResult

if TYPE_CHECKING:
    from warehouse.archive.s3 import S3Store

_PROBE_RETENTION = timedelta(hours=1)  # a probe cannot be deleted earlier; clocks may differ by minutes
_SHORTER = timedelta(minutes=30)


def try_out(store: S3Store, *, thorough: bool) -> ProbeReport:
    """Every check of a bucket that is to be locked. Raises StoreDenied, StoreUnreachable, StoreFull."""
    try:
        return _try_out(store, thorough)
    except BotoCoreError as error:
        raise explain(error, store.url, store.bucket, "probing") from error


def _try_out(store: S3Store, thorough: bool) -> ProbeReport:
    report = [_versioning(store), _object_lock(store)]
    if any(result.fatal for result in report):
        return report  # every put would only say the same again
    until = datetime.now(UTC).replace(microsecond=0) + _PROBE_RETENTION
    trial = probe.locked_trial(store, until, thorough=thorough)
    report.append(trial.result)
    if trial.result.ok and trial.version_id is not None:
        # Only on an object written just now: a refused deletion every five minutes would raise alarms.
        report.append(_stays(store, trial.key, trial.version_id))
        if store.lock_mode == "COMPLIANCE":
            report.append(_is_not_shortened(store, trial.key, trial.version_id, until - _SHORTER))
    return report


def _versioning(store: S3Store) -> ProbeResult:
    try:
        status = store.client.get_bucket_versioning(Bucket=store.bucket).get("Status", "never enabled")
    except ClientError as error:
        return _unknown(store, "versioning", "s3:GetBucketVersioning", error)
    if status == "Enabled":
        return ProbeResult("versioning", True, f"The bucket {store.bucket} keeps versions.")
    return ProbeResult(
        "versioning",
        False,
        f"The bucket {store.bucket} does not keep versions (versioning: {status}).",
        f"Run `aws s3api put-bucket-versioning --bucket {store.bucket} "
        "--versioning-configuration Status=Enabled`.",
        fatal=True,
    )


def _object_lock(store: S3Store) -> ProbeResult:
    try:
        answer = store.client.get_object_lock_configuration(Bucket=store.bucket)
    except ClientError as error:
        if code_of(error) != "ObjectLockConfigurationNotFoundError":
            return _unknown(store, "object lock", "s3:GetBucketObjectLockConfiguration", error)
        answer = {}
    found = answer.get("ObjectLockConfiguration", {})
    if found.get("ObjectLockEnabled") != "Enabled":
        return ProbeResult(
            "object lock",
            False,
            f"The bucket {store.bucket} has no Object Lock.",
            f"Run `aws s3api put-object-lock-configuration --bucket {store.bucket} "
            "--object-lock-configuration ObjectLockEnabled=Enabled`, or set [archive] lock.",
            fatal=True,
        )
    default = found.get("Rule", {}).get("DefaultRetention", {})
    extra = f"default retention {default['Mode']}" if default.get("Mode") else "no default retention is set"
    return ProbeResult("object lock", True, f"The bucket {store.bucket} has Object Lock; {extra}.")


def _stays(store: S3Store, key: str, version_id: str) -> ProbeResult:
    code = _refusal(store, "delete_object", store.address(key, version_id))
    if code:
        return ProbeResult("retention", True, f"Deleting a locked version was refused ({code}).")
    return ProbeResult(
        "retention",
        False,
        f"{store.url} deleted a version that it had said was locked.",
        "It accepts retention and does not keep it: use Amazon S3, or a store that enforces Object Lock.",
        fatal=True,
    )


def _is_not_shortened(store: S3Store, key: str, version_id: str, until: datetime) -> ProbeResult:
    retention = {"Mode": "COMPLIANCE", "RetainUntilDate": until}
    code = _refusal(store, "put_object_retention", store.address(key, version_id) | {"Retention": retention})
    if code:
        return ProbeResult("shortening", True, f"Shortening a COMPLIANCE retention was refused ({code}).")
    # Not fatal: nobody loses bytes by it unseen (verify names a lock that is too short), but it must be known.
    return ProbeResult(
        "shortening",
        False,
        f"{store.url} let the retention of a COMPLIANCE object be shortened: whoever may write can end it.",
        "Use Amazon S3, or a store that refuses it; do not present this archive as compliant.",
    )


def _refusal(store: S3Store, operation: str, request: dict[str, Any]) -> str:
    """The code with which the store refused, or "" if it did as it was told. Trouble is raised as such."""
    try:
        getattr(store.client, operation)(**request)
    except ClientError as error:
        code = code_of(error)
        if code in ("AccessDenied", "InvalidRequest", "ObjectLocked", "MethodNotAllowed", "Forbidden", "403"):
            return code
        raise explain(error, store.url, store.bucket, operation) from error
    return ""


def _unknown(store: S3Store, check: str, action: str, error: ClientError) -> ProbeResult:
    """Not fatal: a role may be forbidden to look, and every put reads its own lock back anyway."""
    if code_of(error) in ("NoSuchBucket", "InvalidAccessKeyId", "SignatureDoesNotMatch", "ExpiredToken"):
        raise explain(error, store.url, store.bucket, action) from error
    return ProbeResult(
        check, False, f"Could not be checked on {store.bucket}: {code_of(error)}.", f"Allow {action}."
    )
