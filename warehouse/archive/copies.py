"""Where copies of checkpoints go, so that whoever rewrites the archive cannot rewrite them too: a store, or git.

Promise: a copy is never replaced by another one. Names: `<origin>/checkpoint/<size>` for the log's own note,
`<origin>/witness/<size>/<digest of the witness's key>` for one that a witness has cosigned.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, Protocol

from warehouse.archive.errors import StoreError
from warehouse.archive.store import Exists, Store, open_store

Outcome = Literal["written", "there", "differs"]


class Place(Protocol):
    """Somewhere else. Its methods raise StoreError's kinds, which name the place."""

    @property
    def url(self) -> str:
        """What to call it in a message; holds no credential."""

    def names(self, prefix: str) -> list[str]:
        """The names that begin with `prefix`, ascending."""

    def get(self, name: str) -> bytes:
        """What is kept under a name. Raises KeyMissing."""

    def add(self, files: Mapping[str, bytes]) -> dict[str, Outcome]:
        """Keep files under their names; `there`: the same bytes were there, `differs`: others, which stay."""


class StorePlace:
    """A store: another folder, another bucket, best of another account. Its own retention rules hold."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.url = store.url

    def names(self, prefix: str) -> list[str]:
        return [info.key for info in self.store.list(prefix)]

    def get(self, name: str) -> bytes:
        return self.store.get(name)

    def add(self, files: Mapping[str, bytes]) -> dict[str, Outcome]:
        return {name: self._put(name, data) for name, data in files.items()}

    def _put(self, name: str, data: bytes) -> Outcome:
        if not isinstance(self.store.put_if_absent(name, data, None), Exists):
            return "written"
        return "there" if self.store.get(name) == data else "differs"


def open_place(address: str, *, clones: Path, opening: Mapping[str, Any] | None = None, like: str = "") -> Place:
    """The place behind an address: `git:REPOSITORY` or `git:REPOSITORY#branch`, or one as of an archive.

    `clones` is a folder where a git repository is kept between two runs; it may be deleted. A store of the kind of
    the archive at `like` is opened as that is, with `opening` (`store.open_store`). Raises StoreError.
    """
    if address.startswith("git:"):
        from warehouse.archive.git_place import GitPlace  # noqa: PLC0415 - only where it is needed

        return GitPlace(address.removeprefix("git:"), clones)
    same = opening is not None and address.partition(":")[0] == like.partition(":")[0]
    return StorePlace(open_store(address, **{**(opening if same and opening else {}), "lock": "none"}))


def checkpoint_copy(origin: str, size: int) -> str:
    """The name of the copy of a checkpoint."""
    return f"{_folder(origin)}/checkpoint/{size:012d}"


def cosigned_copy(origin: str, size: int, key_hash: bytes) -> str:
    """The name of the copy of a checkpoint that a witness has cosigned."""
    return f"{_folder(origin)}/witness/{size:012d}/{key_hash.hex()}"


def newest_copy(place: Place, origin: str) -> tuple[int, bytes] | None:
    """Size and bytes of the longest checkpoint of a log that a place keeps; None where it keeps none."""
    prefix = f"{_folder(origin)}/checkpoint/"
    sizes = [name.removeprefix(prefix) for name in place.names(prefix)]
    newest = max((int(size) for size in sizes if re.fullmatch("[0-9]{12}", size)), default=None)
    return None if newest is None else (newest, place.get(checkpoint_copy(origin, newest)))


def _folder(origin: str) -> str:
    """An origin as a folder. Ours are `ledgerline/` and digits; another one could lead anywhere."""
    if not re.fullmatch(r"[a-z0-9]+(?:[/._-][a-z0-9]+)*", origin):
        raise StoreError(f"the log's name {origin!r} cannot be a folder; nothing was copied")
    return origin
