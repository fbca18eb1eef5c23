"""What a bucket's refusals mean: which of the archive's errors, in words that name the bucket and the setting.

Promise: no credential and no signature gets into a message, and a failure is never read as "nothing there".
"""

from __future__ import annotations

from botocore import exceptions as boto

from warehouse.archive.errors import (
    LockMissing,
    StoreDenied,
    StoreError,
    StoreFull,
    StoreUnreachable,
    StoreUnsafe,
)
from warehouse.archive.refusals import RERUN, Meaning, harmless, told

# Failures while a body was arriving; botocore retries requests, but not the reading of their bodies.
BODY_CUT = (boto.IncompleteReadError, boto.ResponseStreamingError, boto.ReadTimeoutError)

_CREDENTIALS = (
    boto.NoCredentialsError,
    boto.PartialCredentialsError,
    boto.CredentialRetrievalError,
    boto.TokenRetrievalError,
    boto.SSOError,
)

# The first that fits is told, hence the exact codes before the statuses that several of them share.
_MEANINGS = (
    Meaning(
        StoreUnreachable,
        "NoSuchBucket",
        (),
        "The bucket {bucket} does not exist where {url} points. Create it with Object Lock (`aws s3api "
        "create-bucket --bucket {bucket} --object-lock-enabled-for-bucket`) or correct [archive] url.",
    ),
    Meaning(
        StoreDenied,
        "RequestTimeTooSkewed",
        (),
        "{url} refused because this machine's clock is wrong. Set it (NTP) and run again.",
    ),
    Meaning(
        StoreDenied,
        "InvalidAccessKeyId SignatureDoesNotMatch ExpiredToken InvalidToken TokenRefreshRequired "
        "InvalidClientTokenId",
        (),
        "{url} does not accept the credentials ({code}). Renew them, or check that they belong to the account "
        "and endpoint of bucket {bucket}.",
    ),
    Meaning(
        StoreUnreachable,
        "PermanentRedirect TemporaryRedirect AuthorizationHeaderMalformed IncorrectEndpoint "
        "IllegalLocationConstraintException",
        (301, 307),
        "The bucket {bucket} is in {region}, not where we asked. Set AWS_REGION (or s3_endpoint) to it.",
    ),
    Meaning(
        StoreFull,
        "InsufficientStorage QuotaExceeded XMinioStorageFull XMinioAdminBucketQuotaExceeded",
        (507,),
        "{url} has no room left ({code}). Raise the quota or make room. {rerun}",
    ),
    Meaning(
        StoreDenied,
        "InvalidObjectState",
        (),
        "An object in {url} was moved to a storage class that cannot be read at once. Restore it (`aws s3api "
        "restore-object`), and take the archive out of the lifecycle rules of bucket {bucket}.",
    ),
    Meaning(
        StoreDenied,
        "AccessDenied AllAccessDisabled AccountProblem",
        (403,),
        "{url} refused {action} on bucket {bucket} ({code}). Allow {action} to the credentials that Ledgerline "
        "runs with (s3:ListBucket too: without it S3 answers 403 for what does not exist).",
    ),
    Meaning(
        StoreUnsafe,
        "NotImplemented",
        (501,),
        "{url} does not implement what {action} needs (If-None-Match, SHA-256 checksums, Object Lock). Use "
        "Amazon S3, or a store that does.",
    ),
    Meaning(
        StoreError,
        "BadDigest InvalidDigest XAmzContentSHA256Mismatch XAmzContentChecksumMismatch",
        (),
        "Bytes reached {url} damaged and were refused ({code}). {rerun}",
    ),
    Meaning(
        StoreUnreachable,
        "SlowDown RequestTimeout Throttling TooManyRequests",
        range(500, 600),
        "{url} is failing or overloaded ({code} on {action}, retried). {rerun}",
    ),
)


def code_of(error: boto.ClientError) -> str:
    """The error's code; for an answer without a body (HEAD) the HTTP status as text."""
    return str(error.response.get("Error", {}).get("Code", ""))


def status_of(error: boto.ClientError) -> int:
    return int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))


def explain(error: Exception, url: str, bucket: str, action: str) -> StoreError:
    """The archive's error for what boto3 raised. `action` is the IAM action it needed, e.g. s3:PutObject."""
    if isinstance(error, StoreError):
        return error
    if isinstance(error, boto.ClientError):
        return _explain_answer(error, url, bucket, action)
    if isinstance(error, _CREDENTIALS):
        return StoreDenied(
            f"No usable AWS credentials for {url} ({type(error).__name__}). Set AWS_PROFILE, the AWS_* "
            "variables or give the machine a role; `ledgerline doctor` checks it."
        )
    if isinstance(error, (boto.HTTPClientError, boto.ConnectionError, *BODY_CUT)):
        return StoreUnreachable(
            f"{url} did not answer ({type(error).__name__} on {action}). Check the network, [archive] "
            f"s3_endpoint and the region. {RERUN}"
        )
    if isinstance(error, boto.ParamValidationError):
        return StoreError(f"{url} cannot be asked: bucket {bucket!r} or a key is not a valid name for S3.")
    return StoreError(f"{url} failed on {action} ({type(error).__name__}). {RERUN}")


def _explain_answer(error: boto.ClientError, url: str, bucket: str, action: str) -> StoreError:
    code, status = harmless(code_of(error)), status_of(error)
    said = harmless(str(error.response.get("Error", {}).get("Message", "")))
    if code == "ObjectLockConfigurationNotFoundError" or (code == "InvalidRequest" and _about_lock(said)):
        return lock_missing(bucket, f"it has no Object Lock ({code})")
    headers = error.response.get("ResponseMetadata", {}).get("HTTPHeaders", {})
    region = headers.get("x-amz-bucket-region", "another region")
    meant = told(_MEANINGS, code, status, url=url, bucket=bucket, action=action, code=code, region=region)
    return meant or StoreError(
        f"{url} refused {action} ({code}: {said}). `ledgerline doctor` tries the store out."
    )


def lock_missing(bucket: str, found: str) -> LockMissing:
    """The refusal to work with an object that is not locked as asked; `found` says what was seen instead."""
    return LockMissing(
        f"The bucket {bucket} does not lock what is written to it: {found}. Enable versioning and Object Lock on "
        f"it (`aws s3api put-object-lock-configuration --bucket {bucket} --object-lock-configuration "
        "ObjectLockEnabled=Enabled`) and allow s3:PutObjectRetention and s3:GetObjectRetention; for a trial "
        'without immutability set [archive] lock = "none".'
    )


def _about_lock(said: str) -> bool:
    return "lock" in said.replace(" ", "").lower()
