"""What the archive needs of a disk: names that survive a power cut, and its errors in our words.

Promise: each message says which archive, what was being done, what is safe and what to do next.
"""

from __future__ import annotations

import errno
import os
from contextlib import suppress
from pathlib import Path

from warehouse.archive.errors import StoreDenied, StoreError, StoreFull, StoreUnreachable

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_DENIED = {errno.EACCES, errno.EPERM, errno.EROFS, errno.ELOOP}
_GONE = {errno.EIO, errno.ESTALE, errno.ENODEV, errno.ENXIO, errno.ENOENT, errno.ETIMEDOUT}


def make_folder(folder: Path) -> None:
    """Make the archive's top folder and its parents, each durably named. Raises what `explain` gives."""
    missing = [path for path in (folder, *folder.parents) if not path.exists()]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for path in missing:
            with suppress(PermissionError):  # a parent may be ours to write to and not to read
                sync_folder(str(path.parent))
    except OSError as error:
        raise explain(error, f"file:{folder}", "making the archive's folder") from error


def sync_folder(folder: str) -> None:
    """Have the names in `folder` on the disk before going on. Raises OSError."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def explain(error: OSError, url: str, doing: str) -> StoreError:
    """The archive's error for `error`, which happened to the store at `url` while `doing` (a gerund)."""
    reason = f"{error.strerror or error} while {doing}"
    if error.errno in _FULL:
        return StoreFull(
            f"{url} has no room left: {reason}. Nothing half-written was kept; everything committed is safe. "
            "Make room (or raise the quota or file-size limit) and run the same command again: it goes on "
            "where it stopped."
        )
    if error.errno in _DENIED:
        return StoreDenied(
            f"{url} refused: {reason}. Everything committed is safe. Give the user that runs Ledgerline the "
            "right to do so there, or mount the disk writable, then run the same command again."
        )
    if error.errno in _GONE:
        return StoreUnreachable(
            f"{url} could not be reached: {reason}. Everything committed is safe if its disk is. Check the "
            "disk or the mount, then run the same command again."
        )
    if error.errno in (errno.ENOTDIR, errno.EEXIST):
        return StoreDenied(
            f"{url} cannot be used: {reason}. A file is where a folder is needed: move it away or set "
            "another [archive] url."
        )
    return StoreError(f"{url} failed: {reason}. Nothing half-written was kept; look into that and run again.")
