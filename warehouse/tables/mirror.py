"""Copies of what DuckDB reads, in the cache folder, for stores it cannot reach by itself: Azure, Google Cloud.

Promise: what is fetched has the bytes that the log names, or the reading fails; names never change their bytes, so
each object is fetched once. The folder is readable by this user only and may be deleted at any time.
"""

import hashlib
import os
import secrets
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path

from warehouse.archive import keys
from warehouse.archive.ahead import in_order
from warehouse.archive.archive import Archive
from warehouse.archive.shape import read
from warehouse.archive.state import TableFile

_KEPT_SECONDS = 86_400  # a file that no table has any more may still be read by a query that began before


def mirror(archive: Archive, folder: Path, *, files: Iterable[TableFile] | None = None) -> Path:
    """Have every table file and entry of the log (or only `files`) in a folder below `folder`; returns that one.

    Raises ObjectAltered, KeyMissing, what the store raises, and OSError where the disk does.
    """
    # by address and log: where an archive was begun anew under the same address, its entries have the same names
    place = f"{archive.store.url} {archive.state.origin}"
    root = folder / "mirror" / hashlib.sha256(place.encode()).hexdigest()[:16]
    root.mkdir(parents=True, exist_ok=True, mode=0o700)
    root.parent.chmod(0o700)
    tables = [file for table in archive.state.tables.values() for file in (*table.sealed, *table.recent)]
    wanted = tables if files is None else list(files)
    jobs: list[tuple[Path, Callable[[], bytes]]] = [
        (root / file.key, lambda file=file: archive.read(file))  # type: ignore[misc]
        for file in wanted
        if not _is_there(root / file.key, file.bytes)
    ]
    if files is None:
        there = _names(root / keys.ENTRIES)
        jobs += [
            (root / keys.entry(seq), lambda seq=seq: _entry(archive, seq, root))  # type: ignore[misc]
            for seq in range(archive.state.size)
            if keys.entry(seq).removeprefix(keys.ENTRIES) not in there
        ]
        _forget(root / "tables", {file.key.removeprefix("tables/") for file in tables})
    for _ in in_order(lambda job: _write(job[0], job[1]()), jobs):
        pass
    return root


def _entry(archive: Archive, seq: int, root: Path) -> bytes:
    """The bytes of an entry; what it names of a delivery is there before it is, so that it is fetched once."""
    data = archive.store.get(keys.entry(seq))
    if b'"kind":"delivery"' in data:
        for ref in read(data, keys.entry(seq)).objects:
            if not _is_there(root / ref.key, ref.bytes):
                _write(root / ref.key, archive.read(ref))
    return data


def _is_there(path: Path, size: int) -> bool:
    try:
        return path.stat().st_size == size
    except OSError:
        return False


def _names(folder: Path) -> set[str]:
    return set(os.listdir(folder)) if folder.is_dir() else set()


def _write(path: Path, data: bytes) -> None:
    """Whole or not at all, also beside another process that writes the same."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        temporary.write_bytes(data)
        temporary.replace(path)
    finally:
        with suppress(FileNotFoundError):
            temporary.unlink()


def _forget(folder: Path, wanted: set[str]) -> None:
    """Remove copies that no table has any more: expired files must not live on here."""
    limit = time.time() - _KEPT_SECONDS
    for path in folder.rglob("*"):
        with suppress(OSError):
            if (
                path.is_file()
                and path.relative_to(folder).as_posix() not in wanted
                and path.stat().st_mtime < limit
            ):
                path.unlink()
