"""A local copy of the derived state, so that a start need not read the log since the last snapshot.

Promise: it is only ever a shortcut. Absent, damaged or foreign, it is passed over, and everything is the same;
only where nothing at all is found does what it knows keep a second history from being begun.
"""

import hashlib
import os
import secrets
from contextlib import suppress
from pathlib import Path

import msgspec

from warehouse.archive.errors import LogGone
from warehouse.archive.state import LogState


class StateCache:
    """One file; its first line is the SHA-256 of the rest, so that a torn or edited file is seen as such."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def load(self) -> LogState | None:
        """The cached state, or None where there is none that can be trusted to be what was written."""
        try:
            digest, _, data = self.path.read_bytes().partition(b"\n")
            if hashlib.sha256(data).hexdigest().encode() != digest:
                return None
            return LogState.from_builtins(msgspec.json.decode(data))
        except (OSError, ValueError, RecursionError):  # msgspec's errors are ValueErrors
            return None

    def demand_unknown(self, url: str) -> None:
        """To be asked where nothing is found at `url`: raises LogGone when the cache knows a log that was."""
        known = self.load()
        if known is not None and known.size:
            raise LogGone(
                f"the archive at {url} is gone: no log is there, but this machine knows one of {known.size} "
                f"entries ({known.origin}, the newest of {known.committed_at}). Nothing was written, so that no "
                f"second history begins. Mount or restore the archive, or correct archive.url; to begin a new "
                f"archive all the same, delete {self.path}"
            )

    def save(self, state: LogState) -> None:
        """Replace the file in one step. A disk that will not take it is no reason to fail."""
        data = msgspec.json.encode(state, order="sorted")
        temporary = self.path.with_name(f"{self.path.name}.{secrets.token_hex(4)}.tmp")
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            temporary.write_bytes(hashlib.sha256(data).hexdigest().encode() + b"\n" + data)
            os.replace(temporary, self.path)
        except (OSError, ValueError):  # a path that no file system takes is a ValueError
            with suppress(OSError, ValueError):
                temporary.unlink()
