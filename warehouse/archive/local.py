"""The archive in a folder of this machine: read-only files that are written once.

Promises: a file appears whole or not at all, under its final name only by `link()`, which fails if the name
is taken (also between processes); once `put_if_absent` returns, file and folders survive a power cut. It
guards against mistakes and crashes, not against somebody who owns the disk: for that use a locked bucket.
"""

from __future__ import annotations

import errno
import itertools
import os
import secrets
import stat
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from warehouse.archive import probe
from warehouse.archive.address import folder_of
from warehouse.archive.disk import explain, make_folder, sync_folder
from warehouse.archive.errors import (
    KeyInvalid,
    KeyMissing,
    StoreDenied,
    StoreUnreachable,
    StoreUnsafe,
)
from warehouse.archive.local_reading import digest, whole
from warehouse.archive.store import (
    TEMPORARY,
    Exists,
    ObjectInfo,
    ProbeReport,
    Stored,
    check_key,
    check_prefix,
)

if TYPE_CHECKING:
    from warehouse.archive.locks import Locks

READ_ONLY = "READ_ONLY"  # ObjectInfo.lock_mode of a file that has no write bit
STALE_SECONDS = 3600  # an unfinished file older than this has no living writer

T = TypeVar("T")

_NO_LINKS = {errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK}
_ABSENT = (FileNotFoundError, NotADirectoryError)


class LocalStore:
    """A `Store` in a folder. It keeps no versions: one that is asked for is not looked at, so that a copy of a
    bucket can be read by the version ids its log names."""

    def __init__(self, root: Path, *, lock: str) -> None:
        self.root = root
        self.url = f"file:{root}"
        self.immutable = lock != "none"
        self._identity = _identity(root)
        self._durable: set[str] = set()  # folders known to exist and to be on the disk, not just in its cache
        self._numbers = itertools.count()
        self._nonce = secrets.token_hex(6)
        # One folder for all unfinished files, so that finding stale ones costs the same in year seven.
        self._unfinished = f"{root}/{TEMPORARY}unfinished"

    @classmethod
    def open(cls, url: str, *, lock: str, writable: bool = True) -> LocalStore:
        """The store at `file:PATH` (relative to the working directory) or `file:///PATH`.

        When writable, the folder is made if it is missing, and what crashed writers left is tidied away.
        """
        root = folder_of(url)
        if writable:
            make_folder(root)
        if not root.is_dir():
            raise StoreUnreachable(
                f"There is no archive at file:{root}. Check [archive] url and that the disk is mounted; "
                "`ledgerline init` followed by a pull begins a new one."
            )
        if writable and not os.access(root, os.W_OK | os.X_OK):
            code = errno.EROFS if os.statvfs(root).f_flag & os.ST_RDONLY else errno.EACCES
            raise explain(OSError(code, os.strerror(code)), f"file:{root}", "opening it for writing")
        store = cls(root, lock=lock)
        if writable:
            store._tidy()
        return store

    def put_if_absent(self, key: str, data: bytes, retain_until: datetime | None) -> Stored | Exists:
        """See `Store`. `retain_until` is not kept: a folder has nobody who could enforce a date."""
        target = f"{self.root}/{check_key(key)}"
        folder = target.rpartition("/")[0]
        try:
            if not os.path.lexists(target):
                try:
                    self._write(target, folder, data)
                    return Stored(None)
                except FileNotFoundError:
                    # Somebody removed a folder that we had made; make it again, once.
                    self._still_there()
                    self._durable.clear()
                    self._write(target, folder, data)
                    return Stored(None)
        except FileExistsError:
            pass
        except OSError as error:
            raise explain(error, self.url, f"writing {key}") from error
        return self._exists(key, target, folder)

    def get(self, key: str, version_id: str | None = None) -> bytes:
        """See `Store`."""
        return self._read(key, whole)[0]

    def inspect(self, key: str, version_id: str | None = None) -> tuple[bytes, ObjectInfo]:
        """See `verify_locks.Inspecting`."""
        data, found = self._read(key, whole)
        return data, _info(key, found)

    def digest(self, key: str, version_id: str | None = None) -> tuple[str, int, ObjectInfo]:
        """See `verify_locks.Digesting`."""
        (digest_, length), found = self._read(key, digest)
        return digest_, length, _info(key, found)

    def _read(self, key: str, take: Callable[[int, int], T]) -> tuple[T, os.stat_result]:
        """What `take` makes of an open file and its size. Raises KeyMissing."""
        try:
            # Without O_NONBLOCK a pipe that somebody planted under a key would hang the verifier for ever.
            handle = os.open(f"{self.root}/{check_key(key)}", os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
            try:
                found = os.fstat(handle)
                if stat.S_ISREG(found.st_mode):
                    return take(handle, found.st_size), found
            finally:
                os.close(handle)
        except (*_ABSENT, IsADirectoryError):
            self._still_there()
        except OSError as error:
            raise explain(error, self.url, f"reading {key}") from error
        raise KeyMissing(f"{self.url} has no object {key}. If the log names it, run `ledgerline verify`.")

    def head(self, key: str, version_id: str | None = None) -> ObjectInfo | None:
        """See `Store`."""
        info = self._describe(check_key(key))
        if info is None:
            self._still_there()
        return info

    def list(self, prefix: str, start_after: str = "") -> Iterator[ObjectInfo]:
        """See `Store`. Symbolic links are listed as the strangers they are, never entered; a file name that is
        not UTF-8 is shown with its odd bytes as \\xNN."""
        folder = check_prefix(prefix).rpartition("/")[0]
        base = f"{folder}/" if folder else ""
        for key in self._walk(base, prefix, start_after):
            info = self._describe(key)
            if info is not None:
                yield info if key.isascii() else replace(info, key=_printable(key))

    def list_versions(self, prefix: str) -> Iterator[ObjectInfo]:
        """See `Store`: here each object is its only version."""
        return self.list(prefix)

    def probe(self, *, thorough: bool = True) -> ProbeReport:
        """See `Store`."""
        key = probe.probe_key(thorough=thorough)
        return [
            probe.refuses_overwrite(self, key, retain_until=None).result,
            probe.keeps_read_only(self, key),
            probe.takes_links(self.url, self.root),
        ]

    def locks(self) -> Locks:
        """The second port: here nobody but us keeps holds and dates; what expired can be removed."""
        from warehouse.archive.local_locks import LocalLocks  # noqa: PLC0415 - it knows this module

        return LocalLocks(self)

    # -- writing ---------------------------------------------------------------------------------------------

    def _write(self, target: str, folder: str, data: bytes) -> None:
        """Raises FileExistsError if the key is taken, before or after the bytes were written."""
        self._make_durable(self._unfinished)
        self._make_durable(folder)
        # Unique among threads (the counter), processes (the id) and machines on one share (the nonce).
        temporary = f"{self._unfinished}/{TEMPORARY}{os.getpid()}-{self._nonce}-{next(self._numbers)}"
        # The mode is given at birth: no moment exists at which the finished name can be written to.
        handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o444)
        try:
            try:
                rest = memoryview(data)
                while rest:
                    rest = rest[os.write(handle, rest) :]
                os.fsync(handle)
            finally:
                os.close(handle)
            self._link(temporary, target)
        finally:
            with suppress(OSError):
                os.unlink(temporary)
        sync_folder(folder)

    def _link(self, temporary: str, target: str) -> None:
        try:
            os.link(temporary, target)
        except FileExistsError:
            raise
        except OSError as error:
            if error.errno in _NO_LINKS:
                raise StoreUnsafe(
                    f"The file system of {self.url} cannot make hard links ({error.strerror}); without them "
                    "two writers could overwrite each other. Use ext4, xfs, btrfs, zfs or APFS."
                ) from error
            if error.errno == errno.EXDEV:
                raise StoreDenied(
                    f"{target} is on another file system than the rest of {self.url}. "
                    "Keep the whole archive on one: mount the larger disk at its top folder."
                ) from error
            raise

    def _make_durable(self, folder: str) -> None:
        """Make `folder` and its parents inside the root, and have each one's name on the disk.

        The parent is synced also when the folder was there: another writer may have made it a moment ago and
        not have come to its own sync yet.
        """
        if folder in self._durable:
            return
        if folder == str(self.root):
            self._durable.add(folder)
            return
        parent = folder.rpartition("/")[0]
        self._make_durable(parent)
        with suppress(FileExistsError):
            os.mkdir(folder, 0o755)
        if not stat.S_ISDIR(os.lstat(folder).st_mode):
            raise StoreDenied(
                f"{folder} is in the way: the archive needs a real folder there, no file or symbolic link. "
                "Move it away (or mount a disk instead of linking to it) and run again."
            )
        sync_folder(parent)
        self._durable.add(folder)

    def _exists(self, key: str, target: str, folder: str) -> Exists:
        if os.path.isdir(target) and not os.path.islink(target):
            raise KeyInvalid(f"{key} cannot be written to {self.url}: it is a folder that holds other keys.")
        # The winner may be between its link and its sync; after ours the name is on the disk for both.
        with suppress(OSError):
            sync_folder(folder)
        return Exists(None)

    def _tidy(self) -> None:
        """Remove what crashed writers left. Quietly: it never was part of the archive."""
        limit = time.time() - STALE_SECONDS
        with suppress(OSError), os.scandir(self._unfinished) as entries:
            for entry in entries:
                with suppress(OSError):
                    if entry.name.startswith(TEMPORARY) and entry.stat(follow_symlinks=False).st_mtime < limit:
                        os.unlink(entry.path)

    # -- reading ---------------------------------------------------------------------------------------------

    def _describe(self, key: str) -> ObjectInfo | None:
        try:
            found = os.stat(f"{self.root}/{key}", follow_symlinks=False)
        except _ABSENT:
            return None
        except OSError as error:
            raise explain(error, self.url, f"looking at {key}") from error
        return None if stat.S_ISDIR(found.st_mode) else _info(key, found)

    def _walk(self, base: str, prefix: str, start_after: str) -> Iterator[str]:
        """Keys in S3's order: a folder sorts as its name with the slash, so "a-b" < "a/x" < "a0"."""
        names: list[str] = []
        try:
            with os.scandir(f"{self.root}/{base}") as entries:
                for entry in entries:
                    if entry.name.startswith(TEMPORARY):
                        continue
                    folder = entry.is_dir(follow_symlinks=False)
                    key = f"{base}{entry.name}/" if folder else f"{base}{entry.name}"
                    within = key.startswith(prefix) or (folder and prefix.startswith(key))
                    if within and (key > start_after or (folder and start_after.startswith(key))):
                        names.append(key)
        except _ABSENT:
            self._still_there()
            return
        except OSError as error:
            raise explain(error, self.url, f"listing {base or 'the archive'}") from error
        if not names:
            self._still_there()
        names.sort()  # by code point, which is the byte order of UTF-8
        for key in names:
            if key.endswith("/"):
                yield from self._walk(key, prefix, start_after)
            else:
                yield key

    def _still_there(self) -> None:
        """An unmounted disk looks like an empty archive: never let it pass for one."""
        if _identity(self.root) != self._identity:
            raise StoreUnreachable(
                f"The folder of {self.url} is gone or was replaced while we worked. What was committed is "
                "on its disk: mount it again and run the same command; it goes on where it stopped."
            )


def _info(key: str, found: os.stat_result) -> ObjectInfo:
    modified = datetime.fromtimestamp(found.st_mtime, UTC)
    locked = stat.S_ISREG(found.st_mode) and not found.st_mode & 0o222
    regular = stat.S_ISREG(found.st_mode)
    return ObjectInfo(key, found.st_size, None, modified, lock_mode=READ_ONLY if locked else None, regular=regular)


def _printable(key: str) -> str:
    return os.fsencode(key).decode("utf-8", "backslashreplace")


def _identity(root: Path) -> tuple[int, int] | None:
    try:
        found = os.stat(root)
    except OSError:
        return None
    return found.st_dev, found.st_ino
