"""The log gone over in parts, on all cores: each part begins at a snapshot and ends with the next one.

Promise: the parts prove what one replay proves. Each part derives the state up to the next snapshot and compares
the two, so every snapshot that a part began with was derived by the part before it. Where anything is strange, the
whole is gone over once more in one piece, which says exactly what it is.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from warehouse.archive.findings import Verification
from warehouse.archive.note import Verifier
from warehouse.archive.state import LogState
from warehouse.archive.store import Store
from warehouse.archive.verify_locks import LockCheck
from warehouse.archive.verify_log import LogCheck
from warehouse.archive.verify_objects import Looked, look_at
from warehouse.archive.verify_start import Start, snapshots_before, start_of
from warehouse.archive.verify_strangers import Names

_FEWEST = 64  # entries in a part
_MOST_PARTS = 64


class Part(NamedTuple):
    """Entries from `first` (a snapshot, or 0) to before `stop`; `last` is whether it ends with the log."""

    first: int
    stop: int
    last: bool


class How(NamedTuple):
    """What every part is to be gone over with."""

    size: int
    trusted: list[Verifier] | None
    locks: LockCheck
    since: datetime | None
    wanted: Collection[int]
    deep: bool
    secret: bytes  # of `Names`


@dataclass
class Replayed:
    """What came of a part. Not `clean`: something is strange in the log, and nothing else here counts."""

    clean: bool
    entries: int = 0
    looked: Looked = field(default_factory=Looked)
    names: bytes = b""
    roots: dict[int, bytes] = field(default_factory=dict)
    newest_at: datetime | None = None
    state: LogState | None = None  # of the last part only
    notes: list[str] = field(default_factory=list)
    recorded_gone: set[str] = field(default_factory=set)
    keys: set[str] = field(default_factory=set)  # the log's, as far as this part met them (vkeys)


def parts_of(store: Store, size: int) -> list[Part]:
    """A log of `size` entries in parts, ascending."""
    fewest = max(_FEWEST, size // _MOST_PARTS)
    firsts = [0]
    for seq in sorted(snapshots_before(store, size)):
        if seq - firsts[-1] >= fewest and size - seq >= fewest // 2:
            firsts.append(seq)
    return list(_between(firsts, size))


def _between(firsts: list[int], size: int) -> Iterator[Part]:
    for first, after in zip(firsts, [*firsts[1:], size], strict=True):
        yield Part(first, after, after == size)


def replay(store: Store, part: Part, how: How) -> Replayed:
    """One piece of work: a process does it, log and objects."""
    start = start_of(store, part.first) if part.first else Start()
    if start is None:
        return Replayed(False)
    result = Verification()
    check = LogCheck(
        store, how.trusted, result, lambda _phase, _done, _total: None,
        start=start, since=how.since, locks=how.locks, wanted=how.wanted,
    )  # fmt: skip
    # the snapshot that the next part begins with is compared here, and counted there
    check.run_part(part.stop if part.last else part.stop + 1, how.size)
    if result.findings or not check.state_is_whole:
        return Replayed(False)
    names = Names(how.secret)
    names.add(check.named_keys)
    return Replayed(
        True,
        entries=part.stop - part.first,
        looked=look_at(store, list(check.named.values()), how.deep, how.locks),
        names=names.packed(),
        roots=check.roots,
        newest_at=check.newest_at,
        state=check.state if part.last else None,
        notes=result.notes,
        recorded_gone=check.recorded_gone,
        keys=check.keys_met(),
    )
