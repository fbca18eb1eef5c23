"""Where telemetry files lie: files, folders and buckets that a Collector writes to. Knows no Dagster.

Promise: only files that nobody writes to any more are taken; a name is what people find the file by.
"""

import hashlib
import io
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import IO, Any

from warehouse.archive.address import bucket_of
from warehouse.archive.errors import StoreError

# The `file` exporter's: a full file gets the time of its closing into its name, and the writer goes on in a new
# one.
_ROTATED = re.compile(r"(?P<stem>.+)-\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d\.\d{3}(?P<ending>(?:\.\w+)*)")
_UNFINISHED = (".tmp", ".part", ".partial", ".crdownload", ".swp", ".inprogress")


@dataclass(frozen=True)
class Source:
    """A closed file. `told` is its whole path or address; `version` what a bucket calls these very bytes, by which
    one that has landed need not be fetched again."""

    name: str
    told: str
    version: str | None
    open: Callable[[], IO[bytes]]


@dataclass(frozen=True)
class Buckets:
    """How buckets are asked: `client` is a boto3 client, made when the first address needs one."""

    client: Callable[[], Any]


def sources(paths: Sequence[str], *, settled: timedelta, now: datetime, buckets: Buckets) -> Iterator[Source]:
    """The closed files under each path, in order of their names. `settled`: how long a file in a folder or bucket
    must have been left alone. Raises OSError for a path that cannot be read, StoreError's kinds for a bucket."""
    before = now - settled if settled else None
    for path in paths:
        if path.startswith("s3://"):
            yield from _in_bucket(path, before, buckets)
        elif Path(path).is_dir():
            yield from _in_folder(Path(path), before)
        else:
            yield _file(Path(path), Path(path).name)


def digest_of(source: Source) -> tuple[str, int]:
    """SHA-256 and length of a file's bytes."""
    digest, size = hashlib.sha256(), 0
    with source.open() as file:
        while block := file.read(1 << 20):
            digest.update(block)
            size += len(block)
    return digest.hexdigest(), size


def _file(path: Path, name: str) -> Source:
    return Source(printable(name), str(path.absolute()), None, lambda: path.open("rb"))


def _in_folder(folder: Path, before: datetime | None) -> Iterator[Source]:
    found = sorted(path for path in folder.rglob("*") if path.is_file())
    names = {path: path.relative_to(folder) for path in found}
    active = set()
    for path in found:
        match = _ROTATED.fullmatch(path.name)
        if match:
            active.add(path.with_name(match["stem"] + match["ending"]))
    for path, name in names.items():
        if path in active or path.name.endswith(_UNFINISHED) or any(part.startswith(".") for part in name.parts):
            continue
        if before is not None and datetime.fromtimestamp(path.stat().st_mtime, UTC) > before:
            continue
        yield _file(path, name.as_posix())


def _in_bucket(address: str, before: datetime | None, buckets: Buckets) -> Iterator[Source]:
    bucket, prefix = bucket_of(address)
    client = buckets.client()
    for item in _listed(client, bucket, prefix, address):
        key = str(item["Key"])
        if key.endswith("/") or (before is not None and item["LastModified"] > before):
            continue
        # a store that gives no ETag (a gateway over files that something else wrote) tells no version
        version = str(item.get("ETag") or "").strip('"') or None
        yield Source(printable(key), f"s3://{bucket}/{key}", version, _fetching(client, bucket, key))


def _listed(client: Any, bucket: str, prefix: str, address: str) -> Iterator[Any]:
    import botocore.exceptions as failures  # noqa: PLC0415 - an extra, and only for buckets

    try:
        for page in client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
            yield from page.get("Contents", [])
    except (failures.BotoCoreError, failures.ClientError) as error:
        raise StoreError(
            f"{address} could not be listed ({_said(error)}); nothing more was landed. Check the address, the "
            f"credentials and the right s3:ListBucket, and run it again"
        ) from error


def _fetching(client: Any, bucket: str, key: str) -> Callable[[], IO[bytes]]:
    fetched: list[bytes] = []  # asked for twice, to hash and to read

    def opened() -> IO[bytes]:
        import botocore.exceptions as failures  # noqa: PLC0415

        if not fetched:
            try:
                fetched.append(client.get_object(Bucket=bucket, Key=key)["Body"].read())
            except (failures.BotoCoreError, failures.ClientError) as error:
                raise OSError(f"s3://{bucket}/{printable(key)} could not be read ({_said(error)})") from error
        return io.BytesIO(fetched[0])

    return opened


def _said(error: Exception) -> str:
    response = getattr(error, "response", None) or {}
    return str(response.get("Error", {}).get("Code") or type(error).__name__)


def printable(name: str) -> str:
    """A name without what a terminal or a table cannot show."""
    told = name.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    return "".join(one if one.isprintable() else "\N{REPLACEMENT CHARACTER}" for one in told)
