"""Finding the head of the log, which nothing points at, without mistaking a damaged log for a shorter one.

Promise: where an entry or a signed size beyond the head shows that entries are gone, LogHole is raised, so that
nobody writes a second history over the first.
"""

from warehouse.archive import keys
from warehouse.archive.errors import LogHole
from warehouse.archive.store import Store


def find_head(store: Store) -> int:
    """The number of the newest entry, -1 for an empty log, in O(log n) questions and one listing.

    Raises LogHole where the entry after it is missing although later ones exist.
    """
    low = -1
    if _has(store, 0):
        low, step = 0, 1
        while _has(store, low + step):
            low, step = low + step, step * 2
        high = low + step
        while high - low > 1:
            middle = (low + high) // 2
            if _has(store, middle):
                low = middle
            else:
                high = middle
    for info in store.list(keys.ENTRIES, keys.entry(low) if low >= 0 else ""):
        if keys.entry_seq(info.key) is not None:  # what else somebody left there is for `verify` to name
            if not _has(store, low + 1):
                raise hole(low + 1, info.key)
            break
    return low


def demand_end(store: Store, size: int) -> bool:
    """Whether a log that shows no entry `size` ends there; False when one has appeared meanwhile.

    Raises LogHole when a checkpoint was signed over that entry: it was removed, or a delete marker hides it.
    """
    if store.head(keys.checkpoint(size + 1)) is None:
        return True
    if _has(store, size):
        return False
    raise hole(size, keys.checkpoint(size + 1))


def hole(seq: int, witness: str) -> LogHole:
    """The error for an entry that must have been there, and the object that shows it."""
    return LogHole(
        f"{keys.entry(seq)} is missing although {witness} exists: an entry was removed. Nothing was written. "
        f"Run `ledgerline verify`, then restore the object (on S3: remove the delete marker that hides it)"
    )


def _has(store: Store, seq: int) -> bool:
    return store.head(keys.entry(seq)) is not None
