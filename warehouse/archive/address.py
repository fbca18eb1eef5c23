"""What an `[archive] url` says: a folder of this machine or a place in a bucket (design 13).

Promise: an address that holds a credential is refused, and no refusal repeats it.
"""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import urlsplit

from warehouse.archive.errors import KeyInvalid, StoreError
from warehouse.archive.store import check_key


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
    """Bucket and prefix (without slashes at its ends) of `s3://bucket/prefix`."""
    parts = urlsplit(url)
    prefix = parts.path.strip("/")
    if not parts.netloc or "@" in parts.netloc or ":" in parts.netloc or parts.query or parts.fragment:
        # The address stays out of the message: this is where people put keys.
        raise StoreError("[archive] url must be s3://bucket or s3://bucket/prefix, without credentials.")
    try:
        return parts.netloc, check_key(prefix) if prefix else ""
    except KeyInvalid as error:
        raise StoreError(f"The prefix in [archive] url is not usable. {error}") from error


def check_endpoint(endpoint: str) -> str:
    """`endpoint` of an S3-compatible store, if it is http(s)://host[:port] without user or password."""
    if endpoint and (not endpoint.startswith(("http://", "https://")) or "@" in urlsplit(endpoint).netloc):
        raise StoreError(
            "[archive] s3_endpoint must be http(s)://host:port without user or password; credentials come from "
            "the AWS_* variables or a profile."
        )
    return endpoint
