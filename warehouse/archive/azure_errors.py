"""What Azure's refusals mean: which of the archive's errors, in words that name the container and the setting.

Promise: no key, token or signature gets into a message, and a failure is never read as "nothing there".
"""

from __future__ import annotations

from warehouse.archive.errors import (
    LockMissing,
    StoreDenied,
    StoreError,
    StoreFull,
    StoreUnreachable,
    StoreUnsafe,
)
from warehouse.archive.refusals import Meaning, harmless, told

# The first that fits is told, hence the exact codes before the statuses that several of them share.
_MEANINGS = (
    Meaning(
        StoreUnreachable,
        "ContainerNotFound ResourceNotFound",
        (),
        "The container {container} does not exist where {url} points. Create it with version-level immutability "
        "(`az storage container-rm create --name {container} --enable-vlw`) or correct [archive] url, "
        "azure_account and azure_endpoint.",
    ),
    Meaning(
        StoreFull,
        "InsufficientAccountCapacity AccountLimitExceeded",
        (507,),
        "{url} has no room left ({code}). Raise the account's limit. {rerun}",
    ),
    Meaning(
        StoreDenied,
        "AuthorizationFailure AuthorizationPermissionMismatch AuthorizationProtocolMismatch "
        "AuthorizationResourceTypeMismatch AuthorizationServiceMismatch AuthorizationSourceIPMismatch "
        "InsufficientAccountPermissions",
        (),
        "{url} refused {doing} ({code}). Give the identity that Ledgerline runs as the rights that "
        "docs/operations.md lists for Azure on the container {container}, and check azure_credential and the "
        "account's network rules.",
    ),
    Meaning(
        StoreDenied,
        "AuthenticationFailed InvalidAuthenticationInfo NoAuthenticationInformation ClientAuthenticationError "
        "CredentialUnavailableError",
        (401,),
        "{url} does not accept the credentials ({code}). Sign in (`az login`, a managed identity, or the AZURE_* "
        "variables), or set [archive] azure_credential to a reference to the account's key or a SAS token.",
    ),
    Meaning(
        StoreError, "Md5Mismatch InvalidMd5", (), "Bytes reached {url} damaged and were refused ({code}). {rerun}"
    ),
    Meaning(
        StoreDenied,
        "BlobImmutableDueToPolicy BlobImmutableDueToLegalHold",
        (),
        "{url} refused {doing}: the blob is under a retention or a hold ({code}).",
    ),
    Meaning(
        StoreDenied,
        "BlobArchived",
        (),
        "A blob in {url} was moved to the archive tier and cannot be read at once. Rehydrate it, and take the "
        "container {container} out of the lifecycle rules.",
    ),
    Meaning(
        StoreUnsafe,
        "UnsupportedHeader APINotImplemented FeatureVersionMismatch",
        (501,),
        "{url} does not implement what {doing} needs ({code}). Use Azure Blob Storage: an emulator keeps no lock.",
    ),
    Meaning(
        StoreUnreachable,
        "ServiceRequestError ServiceRequestTimeoutError ServiceResponseError ServiceResponseTimeoutError "
        "DecodeError IncompleteReadError",
        (408, 429, *range(500, 600)),
        "{url} did not answer as it should while {doing} ({code}, retried). {rerun}",
    ),
)


def code_of(error: BaseException) -> str:
    """Azure's error code (`BlobAlreadyExists`), or the HTTP status as text, or "" where nothing answered."""
    code = getattr(error, "error_code", None)
    if code:
        return str(getattr(code, "value", code))
    status = getattr(error, "status_code", None)
    return str(status) if status else ""


def explain(error: Exception, url: str, container: str, doing: str) -> StoreError:
    """The archive's error for what the SDK raised while `doing` (a gerund)."""
    code, status = code_of(error) or type(error).__name__, int(getattr(error, "status_code", None) or 0)
    return told(_MEANINGS, code, status, url=url, container=container, doing=doing, code=code) or StoreError(
        f"{url} refused {doing} ({code}: {_first_line(error)}). `ledgerline doctor` tries the store out."
    )


def lock_missing(container: str, found: str) -> LockMissing:
    """The refusal to work with a blob that is not locked as asked; `found` says what was seen instead."""
    return LockMissing(
        f"The container {container} does not lock what is written to it: {found}. Enable blob versioning on the "
        "account and version-level immutability on the container (`az storage container-rm create --enable-vlw`), "
        'and allow immutableStorage actions; for a trial without immutability set [archive] lock = "none".'
    )


def _first_line(error: Exception) -> str:
    return harmless(next(iter(str(error).splitlines()), ""))
