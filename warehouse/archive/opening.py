"""One function for each kind of store: which library it needs, and what to install where that is missing.

Promise: nobody loads the libraries of a cloud that the archive is not in.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from warehouse.archive.address import bucket_of
from warehouse.archive.errors import StoreError
from warehouse.archive.store import Store


def local(url: str, lock: str, *, writable: bool) -> Store:
    """The store in a folder."""
    from warehouse.archive.local import LocalStore  # noqa: PLC0415 - each store loads what it needs

    return LocalStore.open(url, lock=lock, writable=writable)


def s3(url: str, lock: str, *, client: Any, endpoint: str, region: str | None) -> Store:
    """The store in a bucket of Amazon S3, or of a store that speaks as it does."""
    try:
        from warehouse.archive.s3 import S3Store  # noqa: PLC0415 - botocore is slow and an extra
    except ModuleNotFoundError as error:
        raise _missing("S3", "boto3", "aws") from error
    return S3Store.open(url, lock=lock, client=client, endpoint=endpoint, region=region)


def azure(url: str, lock: str, *, account: str, endpoint: str, credential: Callable[[], str] | None) -> Store:
    """The store in a container of Azure Blob Storage."""
    container, prefix = bucket_of(url)
    try:
        from warehouse.archive.azure import AzureStore  # noqa: PLC0415 - an extra
        from warehouse.archive.azure_client import container_client  # noqa: PLC0415
    except ModuleNotFoundError as error:
        raise _missing("Azure", "azure-storage-blob and azure-identity", "azure") from error
    client = container_client(container, account=account, endpoint=endpoint, credential=credential)
    return AzureStore(client, prefix, lock=lock)


def gcs(url: str, lock: str, *, endpoint: str, credential: Callable[[], str] | None) -> Store:
    """The store in a bucket of Google Cloud Storage."""
    bucket, prefix = bucket_of(url)
    try:
        from warehouse.archive.gcs import GcsStore  # noqa: PLC0415 - an extra
        from warehouse.archive.gcs_client import gcs_client  # noqa: PLC0415
    except ModuleNotFoundError as error:
        raise _missing("Google Cloud", "google-cloud-storage", "gcs") from error
    return GcsStore(gcs_client(endpoint=endpoint, credential=credential), bucket, prefix, lock=lock)


def _missing(cloud: str, library: str, extra: str) -> StoreError:
    return StoreError(f"An archive on {cloud} needs {library}. Install it with `make install EXTRAS={extra}`.")
