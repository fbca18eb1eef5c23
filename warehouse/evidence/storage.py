"""What keeps an archive's bytes from being changed, in one word and in plain words for people.

Promise: says no more than the store can hold to. That each object has its lock is for `ledgerline verify` to find.
"""

from typing import Final

from warehouse.archive.store import Store
from warehouse.archive.verify_locks import GOVERNANCE

LOCKED: Final = "locked"
LIFTABLE: Final = "liftable"
FOLDER: Final = "folder"
UNLOCKED: Final = "unlocked"

WORDS: Final = {
    LOCKED: "locked: the store refuses to change or delete anything before its time, whoever asks",
    LIFTABLE: "locked, and liftable: the store refuses to change or delete anything before its time, except for "
    "those with the right to lift the lock",
    FOLDER: "a folder: files are written once and made read-only, but whoever owns the disk can change them",
    UNLOCKED: "without a lock: whoever has it can replace it",
}
_UNKNOWABLE: Final = {
    FOLDER: "Whether somebody with the disk changed the archive. It is kept in a folder, which no lock protects "
    "from whoever owns the disk. What is changed no longer fits the signed log, and `ledgerline verify` finds it; "
    "a whole log written anew by somebody who has the signing key as well shows only beside a checkpoint that was "
    "kept elsewhere.",
    LIFTABLE: "Whether somebody with the right to do so lifted the lock and deleted something. What is "
    "missing or changed no longer fits the signed log, and `ledgerline verify` finds it; a whole log written anew "
    "by somebody who has the signing key as well shows only beside a checkpoint that was kept elsewhere.",
}


def storage(store: Store) -> str:
    """`locked`, `liftable`, `folder` or `unlocked`."""
    if not store.immutable:
        return UNLOCKED
    if store.url.startswith("file:"):
        return FOLDER
    return LIFTABLE if getattr(store, "lock_mode", None) == GOVERNANCE else LOCKED


def unknowable(store: Store) -> list[str]:
    """What nobody can know because of how the archive is kept. An archive without a lock is a finding instead."""
    text = _UNKNOWABLE.get(storage(store))
    return [] if text is None else [text]
