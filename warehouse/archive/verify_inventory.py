"""What stands under `log/`: which numbers the entries have, and what does not belong there.

Promise: a stray file cannot make the log look longer or shorter than it is, nor keep the verifier busy.
"""

from collections.abc import Callable, Iterator
from itertools import groupby
from operator import attrgetter

from warehouse.archive import keys
from warehouse.archive.entry import parse
from warehouse.archive.errors import EntryUnreadable, KeyMissing
from warehouse.archive.findings import Verification
from warehouse.archive.local import LocalStore
from warehouse.archive.store import ObjectInfo, Store
from warehouse.archive.verify_signatures import CheckpointReader

_FURTHER = 11  # powers of two: how far beyond the end a folder is asked for more
_LONG_HOLE = 1000  # missing entries in a row that are still looked for one by one


class LogInventory:
    """The names under `log/`. `size` counts entries up to the newest, missing ones included."""

    def __init__(self, store: Store, result: Verification, start: int = 0) -> None:
        """`start`: look only at the names of this entry and later ones, in questions that no age makes more."""
        self.size = 0
        self._start = start
        self.skipped: list[str] = []  # the first entry of each long stretch that is gone
        self._store = store
        self._result = result
        self._present: list[int] = []
        self._checkpoints: list[int] = []  # sizes beyond the entries
        self._tiles: list[str] = []  # keys of tiles beyond the entries
        self._strays: set[int] = set()
        self._counted = False

    def take(self) -> None:
        """Go through the names. The order of keys brings checkpoints, then entries, then tiles."""
        sizes: list[int] = []
        for info in self._names():
            seq, size = keys.entry_seq(info.key), keys.checkpoint_size(info.key)
            tile = keys.tile_size(info.key)
            if seq is not None:
                if seq >= self._start:
                    self._present.append(seq)
            elif size:
                sizes.append(size)
            elif info.key.startswith((keys.COSIGNATURES, keys.TIMESTAMPS)):
                continue  # what others say of the log, read in `verify_witnesses`
            elif tile is None:
                self._result.found("added", info.key, "stands in the log and nothing of ours has such a name")
            elif tile > self._count():
                self._tiles.append(info.key)
        self.size = self._count()
        self._checkpoints = [size for size in sizes if size > self.size]

    def _names(self) -> Iterator[ObjectInfo]:
        """What is in the log; from a start on: entries and checkpoints after it, and the tiles they can have."""
        if not self._start:
            yield from current_objects(self._store, "log/", self._result)
        elif isinstance(self._store, LocalStore):
            yield from self._asked_for()  # to list a part of a folder, all of it is read
        else:
            yield from self._listed()

    def _asked_for(self) -> Iterator[ObjectInfo]:
        head, size = self._store.head, self._start
        entries = []
        while (info := head(keys.entry(size))) is not None:
            entries.append(info)
            size += 1
        further = [size + (1 << power) for power in range(_FURTHER)]
        yield from filter(None, (head(keys.checkpoint(one)) for one in further))
        for info in entries:
            check_regular(info, self._result)
        yield from entries
        yield from filter(None, (head(keys.entry(one)) for one in further))

    def _listed(self) -> Iterator[ObjectInfo]:
        last = self._start
        for info in self._store.list(keys.CHECKPOINTS, keys.checkpoint(self._start)):
            last = max(last, keys.checkpoint_size(info.key) or 0)
        for info in self._store.list(keys.ENTRIES, keys.entry(self._start - 1)):
            last = max(last, keys.entry_seq(info.key) or 0)
        # A stray file far beyond must not make this long; and what markers hide right after the end is to be seen.
        last = min(last, self._start + _LONG_HOLE**2)
        rounded = (last // _LONG_HOLE + 2) * _LONG_HOLE - 1
        for prefix in keys.covering(self._start, rounded, keys.CHECKPOINTS):
            yield from current_objects(self._store, prefix, self._result)
        for prefix in keys.covering(self._start, rounded, keys.ENTRIES):
            yield from current_objects(self._store, prefix, self._result)
        for prefix in keys.tiles_between(self._start, last + 1):
            yield from current_objects(self._store, prefix, self._result)

    def _count(self) -> int:
        """Entries up to the newest, once all their names are known."""
        if not self._counted:
            self._drop_strays()
            self._counted = True
        return self._present[-1] + 1 if self._present else self._start

    def numbers(self) -> Iterator[int]:
        """The entries to look for, ascending: those that are there and those that should be."""
        expected = self._start
        for seq in self._present:
            if seq - expected <= _LONG_HOLE:
                yield from range(expected, seq)
            else:
                self.skipped.append(keys.entry(expected))
            yield seq
            expected = seq + 1

    @property
    def plain(self) -> bool:
        """Whether every entry is there and nothing else: a log that can be gone over in parts."""
        return len(self._present) == self.size - self._start and not (
            self._strays or self._checkpoints or self._tiles
        )

    def check_beyond(self, notes: CheckpointReader) -> None:
        """Checkpoints and tiles over more entries than there are: entries were cut off, or a writer is at work."""
        if self.size not in self._strays and self._store.head(keys.entry(self.size)) is not None:
            return  # the log has grown while we were looking
        for size in sorted(self._checkpoints):
            notes.doubt()  # an entry that was cut off may have named another key
            if notes.read(size, get_or_none(self._store, keys.checkpoint(size))) is not None:
                self._result.found(
                    "truncated",
                    keys.checkpoint(size),
                    f"was signed over {size} entries but the log has {self.size}: entries were removed",
                )
        for key in self._tiles:
            self._result.found(
                "truncated", key, f"is of a log longer than {self.size} entries: entries were removed"
            )

    def _drop_strays(self) -> None:
        """The last entry counts if it says itself that it stands there, or if it was signed there."""
        while self._present:
            seq = self._present[-1]
            data = get_or_none(self._store, keys.entry(seq))
            try:
                inside = parse(data, keys.entry(seq)).seq if data is not None else None
            except EntryUnreadable:
                inside = None
            if inside == seq or (self._follows() and self._store.head(keys.checkpoint(seq + 1)) is not None):
                return
            self._strays.add(self._present.pop())
            if inside is None:
                self._result.found("added", keys.entry(seq), "stands beyond the log and is no entry")
            else:
                self._result.found("renumbered", keys.entry(seq), f"says inside that it is entry {inside}")

    def _follows(self) -> bool:
        """Whether the last entry stands next to another, or is the first."""
        return self._present[-1] == self._start or self._present[-2:-1] == [self._present[-1] - 1]


def current_objects(
    store: Store, prefix: str, result: Verification, may_be_gone: Callable[[str], bool] = lambda _: False
) -> Iterator[ObjectInfo]:
    """What is to be seen under a prefix. What hides something, or was written over it, is a finding."""
    for key, versions in groupby(store.list_versions(prefix), key=attrgetter("key")):
        newest, *older = versions
        if newest.delete_marker:
            if not may_be_gone(key):
                result.found("delete_marker", key, "a delete marker hides it; remove the marker (never a version)")
            continue
        if older:
            result.found("altered", key, f"was written {len(older) + 1} times; readers see the last version")
        check_regular(newest, result)
        yield newest


def check_regular(info: ObjectInfo, result: Verification) -> None:
    """What is a link, a pipe or a device holds no bytes of its own: its owner changes them unseen."""
    if not info.regular:
        result.found(
            "altered", info.key, "is a symbolic link or no regular file: its bytes are not kept in the archive"
        )


def check_folders(store: Store, result: Verification) -> None:
    """The folders that everything of ours lies in, which a listing goes into, must be folders of the archive."""
    for prefix in keys.OURS:
        info = store.head(prefix.rstrip("/")) if isinstance(store, LocalStore) else None
        if info is not None:
            check_regular(info, result)


def in_circles(moved: dict[int, int]) -> set[int]:
    """Places whose entries took each other's places; the others were moved to where no entry makes room."""
    settled: set[int] = set()
    circles: set[int] = set()
    for start in moved:
        path: dict[int, int] = {}
        place = start
        while place in moved and place not in settled and place not in path:
            path[place] = len(path)
            place = moved[place]
        if place in path:
            circles.update(step for step, position in path.items() if position >= path[place])
        settled.update(path)
    return circles


def get_or_none(store: Store, key: str) -> bytes | None:
    """The bytes under a key, or None where nothing is."""
    try:
        return store.get(key)
    except KeyMissing:
        return None
