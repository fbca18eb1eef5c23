"""What can go wrong in the archive, and what to do about it.

    ArchiveError
    ├── StoreError                something about the place that keeps the bytes
    │   ├── StoreUnreachable      it did not answer, or the disk is gone; nothing was read as empty
    │   ├── StoreUnsafe           it would overwrite, or does not keep what it locks: we do not run on it
    │   ├── StoreFull             no room left; what was committed is safe
    │   ├── StoreDenied           it answered and said no: rights, credentials, a read-only disk
    │   ├── LockMissing           it took an object without the retention that was asked for
    │   ├── KeyMissing            nothing is kept under that key
    │   └── KeyInvalid            a key that could never be written (also a ValueError)
    ├── LogError                  something about the log of commits
    │   ├── LogHole               an entry number is missing below the head
    │   ├── LogForked             two histories where there must be one
    │   ├── LogGone               nothing is where this machine knows a log
    │   ├── EntryUnreadable       an entry that is not one
    │   └── CheckpointMissing     no signed head of the size that a proof needs
    ├── HoldUnknown               no such legal hold, or another one of that name
    ├── RestrictionRefused        a restriction that cannot be set, lifted or put on record as asked
    ├── ObjectAltered             stored bytes are not those that the entry names
    ├── TableUnreadable           a table file whose bytes are those that its entry names, and no table
    ├── PinUnusable               a pinned checkpoint that is none, or is damaged
    ├── WitnessStateInvalid       a witness's file that is none
    ├── TimestampsMissing         the library or the certificates that timestamps need are not there
    ├── SigningKeyMissing         no key to sign checkpoints with
    └── SigningKeyInvalid         not an Ed25519 key, or not the one that signs here
        └── SigningKeyUnreadable  a file that this user may not read

Each message says what happened, to what, and what to do next; none ever holds a credential.
"""


class ArchiveError(Exception):
    """The root of the room: catch this to catch all of it."""


class StoreError(ArchiveError):
    """A store failed in a way that none of the names below describes better."""


class StoreUnreachable(StoreError):
    """The store did not answer. Nothing may be concluded about what it holds."""


class StoreUnsafe(StoreError):
    """The store would silently replace or lose bytes; the archive refuses to run on it."""


class StoreFull(StoreError):
    """No room for another object. Everything committed before stays as it is."""


class StoreDenied(StoreError):
    """The store refused: missing rights, bad credentials, a read-only disk."""


class LockMissing(StoreError):
    """An object was kept without the retention it was sent with, or with less of it."""


class KeyMissing(StoreError):
    """No object under this key (or no such version of it)."""


class KeyInvalid(StoreError, ValueError):
    """A key outside the grammar of `store.check_key`; a mistake of the caller, never of the data."""


class LogError(ArchiveError):
    """The log of commits cannot be trusted or followed as it stands."""


class LogHole(LogError):
    """An entry is missing although later ones exist."""


class LogForked(LogError):
    """An entry does not name the entry before it: there are two histories."""


class LogGone(LogError):
    """The archive is empty, or not there, although the local cache knows its log."""


class EntryUnreadable(LogError):
    """The bytes under an entry's key are not an entry."""


class CheckpointMissing(LogError):
    """The log has no checkpoint of that size, or none yet over that entry."""


class HoldUnknown(ArchiveError):
    """There is no legal hold of that name, or there is another one."""


class RestrictionRefused(ArchiveError):
    """What was asked of a restriction cannot be; nothing was written."""


class ObjectAltered(ArchiveError):
    """An object's bytes are not the ones that its entry or its own name promises."""


class TableUnreadable(ArchiveError):
    """A table file is no Parquet, or lacks columns, though its bytes are those that its entry names."""


class PinUnusable(ArchiveError):
    """What was given as a pinned checkpoint holds none, or one that cannot be read."""


class WitnessStateInvalid(ArchiveError):
    """The file that a witness remembers the log in cannot be read as one."""


class TimestampsMissing(ArchiveError):
    """The library that reads timestamps is not installed, or the certificates they must lead to are not there."""


class SigningKeyMissing(ArchiveError):
    """There is no signing key where the configuration says there is one."""


class SigningKeyInvalid(ArchiveError):
    """The signing key's file holds something else than an Ed25519 private key."""


class SigningKeyUnreadable(SigningKeyInvalid):
    """The signing key's file is there, and this user cannot read it."""
