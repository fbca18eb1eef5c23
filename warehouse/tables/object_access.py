"""How DuckDB reaches the archive's objects: by path on this machine, by httpfs on S3, else by copies in the cache.

Promise: credentials go into DuckDB's own secret of the connection, never into a view's text.
"""

import importlib.util
import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

from warehouse.archive.archive import Archive
from warehouse.archive.errors import KeyInvalid, ObjectAltered
from warehouse.archive.local import LocalStore
from warehouse.archive.state import TableFile
from warehouse.archive.store import Store, check_key
from warehouse.tables.mirror import mirror
from warehouse.tables.sql_literal import literal


class NoReader(Exception):
    """DuckDB has no way to read this store here; the message says what to install."""


def reader_of(archive: Archive, files: Iterable[TableFile] | None = None) -> tuple[str, list[str]]:
    """As `reader_setup`, and for stores that DuckDB cannot reach, copies of the tables' files and of the log (or
    only of `files`) in the cache folder. Raises NoReader where there is no cache folder, and what reading raises.
    """
    try:
        return reader_setup(archive.store)
    except NoReader:
        if archive.cache is None:
            raise
    return f"{os.fspath(mirror(archive, archive.cache.parent, files=files))}/", []


def reader_setup(store: Store) -> tuple[str, list[str]]:
    """The prefix that makes a key readable for DuckDB, and the statements a connection needs first."""
    if isinstance(store, LocalStore):
        return f"{os.fspath(store.root)}/", []
    if store.url.startswith("s3://"):
        from warehouse.archive.s3 import S3Store  # noqa: PLC0415 - the AWS libraries are an extra

        assert isinstance(store, S3Store)
        return f"{store.url.rstrip('/')}/", [_load_httpfs(), _s3_secret(store.client)]
    raise NoReader(f"DuckDB cannot read {store.url} by itself, and there is no archive.cache for copies")


def within(key: str, prefix: str) -> str:
    """A key that an entry names, to be opened by an engine that checks no keys. Raises ObjectAltered for one that
    is not below the prefix: whoever may write to the store, and cannot sign, could write such an entry.
    """
    with suppress(KeyInvalid):
        if check_key(key).startswith(prefix):
            return key
    raise ObjectAltered(
        f"the log names {ascii(key)[:120]} below {prefix}, which none of our entries does; nothing of it was "
        "read; run `ledgerline verify`"
    )


def _load_httpfs() -> str:
    """The statement that loads httpfs: from a wheel where one is installed, else DuckDB's own."""
    package = importlib.util.find_spec("duckdb_extension_httpfs")
    if package is not None and package.submodule_search_locations:
        for folder in package.submodule_search_locations:
            found = sorted(Path(folder).rglob("httpfs.duckdb_extension"))
            if found:
                return f"load '{found[0]}'"
    return "install httpfs; load httpfs"


def _s3_secret(client: Any) -> str:
    """A secret of this connection made from what the boto3 client itself would use."""
    credentials = client._request_signer._credentials.get_frozen_credentials()
    endpoint = client.meta.endpoint_url
    scheme, _, host = endpoint.partition("://")

    parts = [
        "type s3",
        f"key_id {literal(credentials.access_key)}",
        f"secret {literal(credentials.secret_key)}",
        f"region {literal(client.meta.region_name or 'us-east-1')}",
    ]
    if credentials.token:
        parts.append(f"session_token {literal(credentials.token)}")
    if not host.endswith("amazonaws.com"):
        parts += [f"endpoint {literal(host)}", "url_style 'path'", f"use_ssl {str(scheme == 'https').lower()}"]
    return f"create or replace secret archive_s3 ({', '.join(parts)})"
