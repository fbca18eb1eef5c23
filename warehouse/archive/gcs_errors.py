"""What Google's refusals mean: which of the archive's errors, in words that name the bucket and the setting.

Promise: no token gets into a message, and a failure is never read as "nothing there".
"""

from __future__ import annotations

from typing import Any

import requests
from google.api_core import exceptions as google
from google.auth import exceptions as auth
from google.cloud.storage.exceptions import DataCorruption, InvalidResponse

from warehouse.archive.errors import (
    LockMissing,
    StoreDenied,
    StoreError,
    StoreFull,
    StoreUnreachable,
    StoreUnsafe,
)
from warehouse.archive.refusals import Meaning, harmless, told

# What the SDK raises beside its own errors: of the HTTP library, of the sign-in, of a body that arrived damaged.
FAILURES = (
    google.GoogleAPIError,
    auth.GoogleAuthError,
    requests.exceptions.RequestException,
    DataCorruption,
    InvalidResponse,
    ConnectionError,
)

# The first that fits is told, hence the exact kinds before the statuses that several of them share.
_MEANINGS = (
    Meaning(
        StoreUnreachable,
        "",
        (404,),
        "The bucket {bucket} does not exist where {url} points. Create it with object retention (`gcloud storage "
        "buckets create gs://{bucket} --enable-per-object-retention`) or correct [archive] url.",
    ),
    Meaning(
        StoreDenied,
        "credentials",
        (401,),
        "{url} does not accept the credentials ({reason}). Sign in (`gcloud auth application-default login`, a "
        "service account, GOOGLE_APPLICATION_CREDENTIALS), or set [archive] gcs_credentials to a reference to a "
        "service account's JSON key.",
    ),
    Meaning(
        StoreDenied, "kept", (), "{url} refused {right}: the object is under a retention or a hold ({reason})."
    ),
    Meaning(
        StoreDenied,
        "",
        (403,),
        "{url} refused {right} on bucket {bucket} ({reason}). Grant {right} to the identity that Ledgerline runs "
        "as; docs/operations.md lists the rights.",
    ),
    Meaning(StoreFull, "quotaExceeded", (507,), "{url} has no room left ({reason}). Raise the quota. {rerun}"),
    Meaning(StoreUnsafe, "", (501,), "{url} does not implement what {right} needs. Use Google Cloud Storage."),
    Meaning(StoreError, "arrived-damaged", (), "Bytes from {url} arrived damaged ({reason}). {rerun}"),
    Meaning(StoreError, "damaged", (), "Bytes reached {url} damaged and were refused ({reason}). {rerun}"),
    Meaning(
        StoreUnreachable,
        "silent",
        (408, 429, *range(500, 600)),
        "{url} did not answer as it should ({reason} on {right}, retried). {rerun}",
    ),
)


def reason_of(error: BaseException) -> str:
    """Google's reason (`retentionPolicyNotMet`), or the HTTP status as text, or "" where nothing answered."""
    errors: Any = getattr(error, "errors", None)
    if isinstance(errors, (list, tuple)) and errors and isinstance(errors[0], dict) and errors[0].get("reason"):
        return str(errors[0]["reason"])
    status = _status(error)
    return str(status) if status else ""


def keeps(error: BaseException) -> bool:
    """Whether a refusal means that the object is kept: by its retention, or by a hold, which Google refuses with
    the reason of a missing right and tells apart by the message alone."""
    if _status(error) != 403:
        return False
    said = str(getattr(error, "message", error))
    return reason_of(error) in ("retentionPolicyNotMet", "objectUnderActiveHold") or " hold " in said


def explain(error: Exception, url: str, bucket: str, right: str) -> StoreError:
    """The archive's error for what the SDK raised. `right` is the permission it needed (storage.objects.get)."""
    code, status = _kind(error), _status(error)
    reason = reason_of(error) or type(error).__name__
    said = harmless(str(getattr(error, "message", error)))
    return told(_MEANINGS, code, status, url=url, bucket=bucket, right=right, reason=reason) or StoreError(
        f"{url} refused {right} ({reason}: {said}). `ledgerline doctor` tries the store out."
    )


def _kind(error: Exception) -> str:
    """What an answer's status does not tell, or tells of several things."""
    if isinstance(error, auth.GoogleAuthError):
        return "credentials"
    if isinstance(error, DataCorruption):
        return "arrived-damaged"
    if keeps(error):
        return "kept"
    if _status(error) == 400 and "hash" in str(error).lower():
        return "damaged"
    return reason_of(error) if _status(error) else "silent"


def lock_missing(bucket: str, found: str) -> LockMissing:
    """The refusal to work with an object that is not locked as asked; `found` says what was seen instead."""
    return LockMissing(
        f"The bucket {bucket} does not lock what is written to it: {found}. Use a bucket that was created with "
        "object retention (`gcloud storage buckets create --enable-per-object-retention`), and grant "
        'storage.objects.setRetention; for a trial without immutability set [archive] lock = "none".'
    )


def _status(error: BaseException) -> int:
    if isinstance(error, google.RetryError):
        return _status(error.cause) if error.cause else 0
    if isinstance(error, InvalidResponse):
        return int(error.response.status_code)
    code = getattr(error, "code", 0)
    return int(code) if isinstance(code, int) else 0
