"""What an `[archive] url` says: a folder of this machine or a place in a bucket (design 13).

Promise: an address that holds a credential is refused, and no refusal repeats it.
"""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import urlsplit

from warehouse.archive.errors import KeyInvalid, StoreError
from warehouse.archive.store import check_key

_CREDENTIALS = {
    "s3_endpoint": "credentials come from the AWS_* variables or a profile",
    "azure_endpoint": "credentials come from the SDK's own chain or azure_credential",
    "gcs_endpoint": "credentials come from the SDK's own chain or gcs_credentials",
}


def folder_of(url: str) -> Path:
    """The absolute folder of `file:PATH` (relative to the working directory) or `file:///PATH`."""
    rest = url.removeprefix("file:")
    if rest.startswith("//"):
        host, _, path = rest[2:].partition("/")
        if host not in ("", "localhost"):
            raise StoreError(
                f"{url!a} names a host. Write file:PATH or file:///PATH, and mount what another machine keeps."
            )
        rest = f"/{path}" if path else ""
    if not rest or "\0" in rest:
        raise StoreError(f"{url!a} names no folder. Write file:PATH, for instance file:./data/archive.")
    return Path(os.path.abspath(os.path.expanduser(rest)))


def bucket_of(url: str) -> tuple[str, str]:
    """Bucket and prefix (without slashes at its ends) of `s3://bucket/prefix`; the same for `az://`, `gs://`."""
    scheme = url.partition(":")[0]
    kind = "container" if scheme == "az" else "bucket"
    parts = urlsplit(url)
    prefix = parts.path.strip("/")
    if not parts.netloc or "@" in parts.netloc or ":" in parts.netloc or parts.query or parts.fragment:
        # The address stays out of the message: this is where people put keys.
        raise StoreError(
            f"[archive] url must be {scheme}://{kind} or {scheme}://{kind}/prefix, without credentials."
        )
    try:
        return parts.netloc, check_key(prefix) if prefix else ""
    except KeyInvalid as error:
        raise StoreError(f"The prefix in [archive] url is not usable. {error}") from error


def check_endpoint(endpoint: str, setting: str = "s3_endpoint") -> str:
    """`endpoint`, if it is http(s)://host[:port] without user or password. `setting` is where it was written."""
    if endpoint and (not endpoint.startswith(("http://", "https://")) or "@" in urlsplit(endpoint).netloc):
        raise StoreError(
            f"[archive] {setting} must be http(s)://host:port without user or password; {_CREDENTIALS[setting]}."
        )
    return endpoint
