"""The witness: a second person who remembers how long the log was, and signs only what continues it.

Promise: once a size is cosigned, no other history of that log is ever cosigned with this state file: a log that
got shorter, has other entries, or is signed by a key that nobody handed it to is refused, and the state is kept.
Needs read access to the archive and nothing else of it. Page for the person who runs it: docs/witness.md.
"""

import base64
import fcntl
import json
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path

from warehouse.archive import keys
from warehouse.archive.archive import Archive
from warehouse.archive.cosignature import Cosigner
from warehouse.archive.errors import KeyMissing, LogError, WitnessStateInvalid
from warehouse.archive.key_change import named_key
from warehouse.archive.merkle import leaf_hash
from warehouse.archive.merkle_paths import TileTree, TileUnusable, consistency_path, inclusion_path, root_through
from warehouse.archive.note import Checkpoint, NoteError, Verifier, open_note
from warehouse.archive.shape import read
from warehouse.archive.verify_proof import consistent
from warehouse.wire.times import parse_rfc3339, rfc3339

FORMAT = "ledgerline-witness/1"


class Refused(Exception):
    """The log is not the continuation of what this witness has cosigned. `code` and `subject` as of a finding."""

    def __init__(self, code: str, subject: str, detail: str) -> None:
        super().__init__(f"{code}: {subject}: {detail}")
        self.code, self.subject, self.detail = code, subject, detail


@dataclass(frozen=True)
class Seen:
    """What was last cosigned: the log, the key that signed there, size, root (base64), and when (RFC 3339)."""

    origin: str
    key: str
    size: int
    root: str
    cosigned_at: str


@dataclass
class WitnessState:
    """The witness's own file: who it is, and what it has seen of the one log that it watches."""

    path: Path
    witness: str  # vkey
    seen: Seen | None = None

    @classmethod
    def load(cls, path: Path) -> "WitnessState":
        """Raises FileNotFoundError, and WitnessStateInvalid for a file that is none."""
        try:
            document = json.loads(path.read_bytes())
            if document["format"] != FORMAT:
                raise ValueError(f"its format is {document['format']!r}")
            seen = None if document["seen"] is None else Seen(**document["seen"])
            if seen is not None:
                if type(seen.size) is not int:
                    raise ValueError(f"its size is {seen.size!r}")
                Verifier.from_vkey(seen.key)
                parse_rfc3339(seen.cosigned_at)
                Checkpoint.from_text(f"{seen.origin}\n{seen.size}\n{seen.root}\n")
            return cls(path, str(document["witness"]), seen)
        except (ValueError, KeyError, TypeError) as error:
            raise WitnessStateInvalid(
                f"{path} is not the state of a witness ({error}). It is all that the witness remembers: restore "
                f"it from a copy; without one, compare the checkpoint with one you know, and begin anew"
            ) from error

    @staticmethod
    @contextmanager
    def alone(path: Path) -> Iterator[None]:
        """Keep other runs away from a state until it is saved: two at once could sign two histories.

        Raises WitnessStateInvalid where another one is at work.
        """
        with path.with_name(f"{path.name}.lock").open("w") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise WitnessStateInvalid(
                    f"another run is at work with {path}; run it again when that is done"
                ) from error
            yield

    def save(self) -> None:
        """Replace the file in one step, durably: what was cosigned must not be forgotten."""
        seen = None if self.seen is None else asdict(self.seen)
        text = json.dumps({"format": FORMAT, "witness": self.witness, "seen": seen}, indent=2) + "\n"
        temporary = self.path.with_name(f"{self.path.name}.{secrets.token_hex(4)}.tmp")
        try:
            with temporary.open("w", encoding="utf-8") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            os.replace(temporary, self.path)
        finally:
            temporary.unlink(missing_ok=True)
        folder = os.open(self.path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


@dataclass(frozen=True)
class Cosigned:
    """A checkpoint with the log's signature and the witness's. `handed_over` are key entries met on the way."""

    note: str
    checkpoint: Checkpoint
    key: str
    at: datetime
    before: int | None
    handed_over: list[int] = field(default_factory=list)


def cosign_newest(
    archive: Archive, state: WitnessState, cosigner: Cosigner, log_key: str | None = None
) -> Cosigned:
    """Cosign the newest checkpoint if it continues what was seen, and remember it.

    `log_key` is the log's key as the witness was told it, for the first time; without it the archive's own word is
    taken then, and never again. Raises Refused, LogError for a log that cannot be read, StoreError.
    """
    follower = _Follower(archive, state.seen, log_key)
    note, checkpoint = follower.follow()
    now = archive.clock()
    if state.seen is not None:  # a clock that was set back must not make the older cosignature the newer one
        now = max(now, parse_rfc3339(state.seen.cosigned_at))
    root = checkpoint.text.splitlines()[2]
    seen = Seen(checkpoint.origin, follower.key.vkey, checkpoint.size, root, rfc3339(now))
    before, state.seen = state.seen, seen
    state.save()  # first: what was signed and forgotten could be signed otherwise
    return Cosigned(
        note=note + cosigner.line(checkpoint.text, now),
        checkpoint=checkpoint,
        key=follower.key.vkey,
        at=now,
        before=None if before is None else before.size,
        handed_over=follower.handed_over,
    )


class _Follower:
    """Goes from what was seen to the newest checkpoint, over each change of the key in between."""

    def __init__(self, archive: Archive, seen: Seen | None, log_key: str | None) -> None:
        self._archive = archive
        try:
            self._state = archive.refresh()
        except LogError as error:
            raise Refused("unreadable", archive.store.url, str(error)) from error
        self._seen = seen
        self.handed_over: list[int] = []
        self._at: tuple[int, bytes] | None = None  # size and root that were cosigned, or proven since
        if seen is not None:
            self._at = seen.size, base64.b64decode(seen.root)
        known = seen.key if seen is not None else log_key or self._state.key_at(max(self._state.size, 1))
        if known is None:
            raise LogError("the archive is empty or names no key: there is nothing to cosign yet")
        self.key = Verifier.from_vkey(known)

    def follow(self) -> tuple[str, Checkpoint]:
        """The newest checkpoint and its note. Raises Refused."""
        size = self._signed_size()
        if self._at is not None and self._state.origin in (None, self.key.name) and size < self._at[0]:
            raise Refused(
                "rolled_back", keys.checkpoint(size),
                f"the log ends here, and {self._at[0]} entries were {self._cosigned()}: "
                f"entries were removed",
            )  # fmt: skip
        if self._seen is not None and self._state.origin != self._seen.origin:
            raise Refused(
                "forked", keys.entry(0),
                f"this is the log {self._state.origin}, and this witness watches {self._seen.origin}; each log "
                f"has a state file of its own",
            )  # fmt: skip
        start = self._at[0] if self._at is not None else self._first_of_told(size)
        for change in self._state.signed_from:
            if start < change.size <= size:
                self._step(change.size - 1)
                self._take_key(change.size - 2)
        return self._step(size)

    def _first_of_told(self, size: int) -> int:
        """Where a first run begins: at the first checkpoint of the key that was told, which may have handed on
        the log since; at the head where the log does not know that key."""
        told = [named.size for named in self._state.signed_from if named.public_key == self.key.vkey]
        return max((first for first in told if first <= size), default=size)

    def _signed_size(self) -> int:
        """The head's, or one less: a writer signs after it has written, and may be about to."""
        size = self._state.size
        if self._archive.store.head(keys.checkpoint(size)) is None and size > 1:
            size -= 1
        return size

    def _step(self, size: int) -> tuple[str, Checkpoint]:
        """Read the checkpoint of a size, and go there if it continues where we are."""
        name = keys.checkpoint(size)
        try:
            note = self._archive.store.get(name).decode()
            text, _ = open_note(note, [self.key])
            checkpoint = Checkpoint.from_text(text)
        except KeyMissing as error:
            raise Refused("missing", name, "the checkpoint is not there") from error
        except (NoteError, UnicodeDecodeError) as error:
            raise Refused("foreign_key", name, f"is not signed by {self.key.vkey}: {error}") from error
        if (checkpoint.origin, checkpoint.size) != (self.key.name, size):
            raise Refused("renumbered", name, f"is of log {checkpoint.origin} and size {checkpoint.size}")
        if self._at is not None and not self._continues(checkpoint):
            raise Refused(
                "forked", name,
                f"does not continue the {self._at[0]} entries that were {self._cosigned()}: an "
                f"entry was altered, removed or put in since",
            )  # fmt: skip
        self._at = size, checkpoint.root
        return note, checkpoint

    def _continues(self, new: Checkpoint) -> bool:
        assert self._at is not None
        size, root = self._at
        if size == new.size:
            return root == new.root
        try:
            path = consistency_path(TileTree(new.size, self._tile), size)
        except TileUnusable as error:
            raise Refused(
                "missing", f"{keys.TILES}{error}", "without it nobody can see that the log only grew"
            ) from error
        return consistent(size, root, new.size, new.root, path)

    def _take_key(self, seq: int) -> None:
        """The key that entry `seq`, the last one under where we are, hands the log to."""
        assert self._at is not None
        size, root = self._at
        name = keys.entry(seq)
        try:
            data = self._archive.store.get(name)
            path = inclusion_path(TileTree(size, self._tile), seq)
        except KeyMissing as error:
            raise Refused("missing", name, "the entry that hands the log over is not there") from error
        except TileUnusable as error:
            raise Refused(
                "missing", f"{keys.TILES}{error}", "without it the handing over cannot be checked"
            ) from error
        entry = read(data, name)
        if entry.kind != "key" or root_through(leaf_hash(data), seq, size, path) != root:
            raise Refused("foreign_key", name, "does not hand the log over to another key, as the archive says")
        self.key = named_key(entry)
        self.handed_over.append(seq)

    def _tile(self, level: int, index: int, width: int) -> bytes | None:
        try:
            return self._archive.store.get(keys.tile(level, index, width))
        except KeyMissing:
            return None

    def _cosigned(self) -> str:
        if self._seen is None:  # a first run, which goes over the changes of the key
            return "signed before the key was handed on"
        return f"cosigned at {self._seen.cosigned_at}"
