"""What stands under our prefixes and no entry names: work in progress while young, a finding when old.

Promise: a whole look lists everything; an incremental one lists only the folders that work since then touched, so
that its cost does not grow with the archive.
"""

import re
from array import array
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import blake2b
from secrets import token_bytes

from warehouse.archive import keys
from warehouse.archive.entry import Entry
from warehouse.archive.errors import ArchiveError
from warehouse.archive.findings import Verification
from warehouse.archive.shape import read
from warehouse.archive.state import LogState
from warehouse.archive.store import ObjectInfo, Store
from warehouse.archive.verify_inventory import check_folders, current_objects, get_or_none
from warehouse.wire.times import parse_rfc3339, rfc3339
from warehouse.wire.windows import Window

UNEXPLAINED_AFTER = timedelta(hours=1)  # an object without an entry, older than this before the newest entry
LOOK_BACK = timedelta(hours=2)  # what was young at the last look is looked at again
_SKEW = timedelta(hours=2)  # the store's clock dates objects, ours dates entries
_RECENT = "tables/recent/"
_YOUNG_NAMED = 5  # objects without an entry that the note about them names


class Names:
    """Millions of names, known again: eight bytes each, of a hash that nobody outside can steer."""

    def __init__(self, secret: bytes | None = None) -> None:
        self.secret = secret or token_bytes(16)  # of all that are to be put together
        self._hashes = array("Q")
        self._in_order = True

    def add(self, names: Iterable[str]) -> None:
        self._hashes.extend(map(self._hash, names))
        self._in_order = False

    def packed(self) -> bytes:
        """To be handed to another process, which `take`s it in."""
        return self._hashes.tobytes()

    def take(self, packed: bytes) -> None:
        self._hashes.frombytes(packed)
        self._in_order = False

    def __contains__(self, name: object) -> bool:
        if not self._in_order:
            self._hashes = array("Q", sorted(self._hashes))
            self._in_order = True
        wanted = self._hash(str(name))
        place = bisect_left(self._hashes, wanted)
        return place < len(self._hashes) and self._hashes[place] == wanted

    def _hash(self, name: str) -> int:
        digest = blake2b(name.encode("utf-8", "surrogatepass"), digest_size=8, key=self.secret).digest()
        return int.from_bytes(digest)


def expired(state: LogState) -> Callable[[str], bool]:
    """Whether an object may be gone: a file of the recent tier whose rows a seal took over, or a crash left."""
    needed = {file.key for table in state.tables.values() for file in table.recent}
    return lambda key: key.startswith(_RECENT) and key not in needed


@dataclass(frozen=True)
class Since:
    """An incremental look: what was written after `after`, in `folders`."""

    after: datetime
    folders: list[str]


def check_unexplained(
    store: Store,
    named: Names,
    may_be_gone: Callable[[str], bool],
    newest: datetime | None,
    result: Verification,
    since: Since | None = None,
    *,
    now: datetime,
) -> None:
    """Report what is under our prefixes and not among `named`; `newest` is when the last entry was committed.

    What is younger than that is work in progress, unless its time lies beyond `now` too: no run wrote then.
    """
    young: list[str] = []
    latest = max(now, newest or now) + UNEXPLAINED_AFTER
    check_folders(store, result)
    for info in _listed(store, may_be_gone, result, since):
        if info.key in named or not info.regular:
            continue
        if newest is None or info.modified < newest - UNEXPLAINED_AFTER:
            result.found("added", info.key, "stands under our prefixes and no entry names it")
        elif info.modified > latest:
            when = f"its time, {rfc3339(info.modified)}, lies in the future"
            result.found("added", info.key, f"stands under our prefixes and no entry names it; {when}")
        else:
            young.append(info.key)
    if young:
        result.unsigned = len(young)
        some = ", ".join(young[:_YOUNG_NAMED]) + (", ..." if len(young) > _YOUNG_NAMED else "")
        have = "1 object has" if len(young) == 1 else f"{len(young)} objects have"
        result.notes.append(f"{have} no entry yet: work in progress, or left by a killed run: {some}")


def _listed(
    store: Store, may_be_gone: Callable[[str], bool], result: Verification, since: Since | None
) -> Iterator[ObjectInfo]:
    for prefix in keys.EXPLAINED if since is None else since.folders:
        for info in current_objects(store, prefix, result, may_be_gone):
            if since is None or info.modified > since.after:
                yield info


def since_entry(
    store: Store, first: int, later: Iterable[str], state: LogState, named: Names, newest: datetime
) -> Since | None:
    """What an incremental look that begins at entry `first` lists; adds to `named` what earlier entries explain.

    `later` are the keys that entries from `first` on name. None where the entries before cannot be read: then
    everything has to be listed.
    """
    folders = {_folder(key) for key in later}
    after: datetime | None = None
    for entry in _backwards(store, first):
        if entry is None:
            return None
        committed = parse_rfc3339(entry.committed_at)
        if after is None:
            after = committed - LOOK_BACK
        elif committed < after - _SKEW:
            break
        named.add(ref.key for ref in entry.objects)
        folders.update(_folder(ref.key) for ref in entry.objects)
    if after is None:
        return None
    for table in state.tables.values():
        named.add(table.markers)  # written after their entries
    days = Window(after, newest + timedelta(days=1)).days()
    folders.update(keys.pages_of_day(stream, day) for stream in state.streams for day in days)
    return Since(after, sorted(folders))


def _folder(key: str) -> str:
    """The day that a key lies in, or else its folder."""
    day = re.match(r"(?:[^/]+/)+?dt=[^/]+/", key)
    return day.group() if day else key.rpartition("/")[0] + "/"


def _backwards(store: Store, first: int) -> Iterator[Entry | None]:
    for seq in range(first - 1, -1, -1):
        data = get_or_none(store, keys.entry(seq))
        try:
            yield read(data or b"", keys.entry(seq))
        except ArchiveError:
            yield None
