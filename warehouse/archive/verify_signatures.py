"""Checkpoints as a verifier reads them: whose signature, over how many entries.

Promise: a checkpoint that comes back was signed by a trusted key over the size that its name says; anything
else is a finding with the code of what is wrong.
"""

from warehouse.archive import keys
from warehouse.archive.entry import Entry
from warehouse.archive.findings import Verification
from warehouse.archive.note import Checkpoint, NoteError, NoteUntrusted, Verifier, parse_note, signers_of


class CheckpointReader:
    """Reads checkpoints of one log, whose first entry (None if unreadable) names its origin and key."""

    def __init__(self, result: Verification, trusted: list[Verifier] | None, first: Entry | None) -> None:
        self._result = result
        self._origin = first.origin if first is not None and isinstance(first.origin, str) else None
        self._trusted = self._key_of_log(first) if trusted is None else trusted

    def read(self, size: int, note: bytes | None, *, expected: bool = True) -> Checkpoint | None:
        """The checkpoint stored under a size, if it is one; `expected` makes a missing one a finding."""
        key = keys.checkpoint(size)
        if note is None:
            if expected:
                self._result.found("missing", key, "the checkpoint is gone although later entries exist")
            return None
        try:
            text, signatures = parse_note(note.decode())
            if self._trusted is not None:
                signers_of(text, signatures, self._trusted)
            checkpoint = Checkpoint.from_text(text)
        except NoteUntrusted as error:
            self._result.found("foreign_key", key, str(error))
            return None
        except (NoteError, UnicodeDecodeError) as error:
            self._result.found("signature", key, str(error))
            return None
        if len(signatures) != 1:
            self._result.found("altered", key, f"has {len(signatures)} signatures; one was written")
        if self._origin is not None and checkpoint.origin != self._origin:
            self._result.found("forked", key, f"is of the log {checkpoint.origin}, this is {self._origin}")
            return None
        if checkpoint.size != size:
            self._result.found("renumbered", key, f"was signed over {checkpoint.size} entries")
            return None
        return checkpoint

    def _key_of_log(self, first: Entry | None) -> list[Verifier] | None:
        if first is None or not isinstance(first.public_key, str):
            self._unchecked("it is not there, or names no public key")
            return None
        try:
            verifier = Verifier.from_vkey(first.public_key)
        except NoteError as error:
            self._unchecked(str(error))
            return None
        self._result.notes.append(
            f"signatures were checked with the key the log itself names ({first.public_key}); "
            f"compare it with the one your engineer gave you"
        )
        return [verifier]

    def _unchecked(self, why: str) -> None:
        self._result.found(
            "signature", keys.entry(0), f"the first entry gives no key to check signatures with: {why}"
        )
