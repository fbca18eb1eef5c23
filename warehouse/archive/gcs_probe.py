"""Trying out a bucket's lock: object retention, versioning, and whether a locked object really stays.

A store that merely accepts a retention is worse than none, because people rely on it.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from google.api_core.exceptions import Forbidden

from warehouse.archive import probe
from warehouse.archive.gcs_errors import FAILURES, explain, keeps, reason_of
from warehouse.archive.store import ProbeReport, ProbeResult

if TYPE_CHECKING:
    from warehouse.archive.gcs import GcsStore

_RETENTION = timedelta(hours=1)  # a probe cannot be deleted earlier; clocks may differ by minutes
_SHORTER = timedelta(minutes=30)


def try_out(store: GcsStore, *, thorough: bool) -> ProbeReport:
    """Every check of a bucket that is to be locked. Raises StoreDenied, StoreUnreachable, StoreFull."""
    report = _bucket(store)
    if any(result.fatal and not result.ok for result in report):
        return report  # every put would only say the same again
    until = datetime.now(UTC).replace(microsecond=0) + _RETENTION
    trial = probe.locked_trial(store, until, thorough=thorough)
    report.append(trial.result)
    if trial.result.ok and trial.version_id is not None:
        # Only on an object written just now: a refused deletion every five minutes would raise alarms.
        report += _withstands(store, trial.key, trial.version_id, until)
    return report


def _bucket(store: GcsStore) -> ProbeReport:
    try:
        store.bucket.reload(retry=store.retry)
    except Forbidden as error:
        # Not fatal: a role may be forbidden to look, and every put reads its own lock back anyway.
        unknown = f"Could not be checked on {store.name}: {reason_of(error)}."
        return [ProbeResult("object retention", False, unknown, "Grant storage.buckets.get.")]
    except FAILURES as error:
        raise explain(error, store.url, store.name, "storage.buckets.get") from error
    return [_object_retention(store), _versioning(store)]


def _object_retention(store: GcsStore) -> ProbeResult:
    check = "object retention"
    if str(store.bucket.object_retention_mode or "").lower() == "enabled":
        return ProbeResult(check, True, f"The bucket {store.name} takes a retention for each object.")
    return ProbeResult(
        check,
        False,
        f"The bucket {store.name} takes no retention for its objects.",
        f"It is had at creation (`gcloud storage buckets create gs://{store.name} "
        "--enable-per-object-retention`), later in Google's console only; or set [archive] lock.",
        fatal=True,
    )


def _versioning(store: GcsStore) -> ProbeResult:
    if store.bucket.versioning_enabled:
        return ProbeResult("versioning", True, f"The bucket {store.name} keeps versions.")
    # Not fatal: under a retention nothing is replaced or deleted with or without them.
    return ProbeResult(
        "versioning",
        False,
        f"The bucket {store.name} does not keep versions.",
        f"Run `gcloud storage buckets update gs://{store.name} --versioning`.",
    )


def _withstands(store: GcsStore, key: str, version: str, until: datetime) -> ProbeReport:
    report: ProbeReport = []
    if store.lock_mode == "COMPLIANCE":
        shorter = store.blob(key, version)
        store.retain(shorter, until - _SHORTER)
        code = _refusal(store, lambda: shorter.patch(override_unlocked_retention=True, retry=store.retry))
        report.append(_verdict("shortening", code, f"{store.url} let a Locked retention be shortened."))
    code = _refusal(store, lambda: store.blob(key, version).delete(retry=store.retry))
    report.append(_verdict("retention", code, f"{store.url} deleted an object that it had said was locked."))
    return report


def _verdict(check: str, code: str, otherwise: str) -> ProbeResult:
    if code:
        return ProbeResult(check, True, f"Refused, as it must be ({code}).")
    return ProbeResult(
        check,
        False,
        otherwise,
        "It accepts a retention and does not keep it: use Google Cloud Storage.",
        fatal=True,
    )


def _refusal(store: GcsStore, attempt: Callable[[], Any]) -> str:
    """The reason with which the store refused, or "" if it did as it was told. Trouble is raised as such."""
    try:
        attempt()
    except Forbidden as error:
        return reason_of(error) if keeps(error) else f"{reason_of(error)}, of this identity"
    except FAILURES as error:
        raise explain(error, store.url, store.name, "trying out the lock") from error
    return ""
