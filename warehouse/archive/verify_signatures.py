"""Checkpoints as a verifier reads them: whose signature, over how many entries, also across changes of the key.

Promise: a checkpoint that comes back was signed by the one key that was in force at its size; anything else is a
finding with the code of what is wrong. A log of which no key is trusted is foreign from end to end.
"""

from collections.abc import Sequence

from warehouse.archive import keys
from warehouse.archive.entry import Entry
from warehouse.archive.findings import Verification
from warehouse.archive.note import (
    Checkpoint,
    NoteError,
    NoteUntrusted,
    Signature,
    Verifier,
    parse_note,
    signers_of,
)
from warehouse.archive.state import SignedFrom

_CONVINCED = 2  # signatures of another key than the first entry names, until that entry is thought the altered one


class CheckpointReader:
    """Reads checkpoints of one log in the order of their sizes.

    `trusted`: keys of the log that somebody vouches for. One of them is enough: a later key vouches for the log up
    to where it took over, which it signed, and an earlier key has signed the handing over. `first` is the log's
    first entry (None if unreadable), which names origin and key. `so_far`: the log's keys up to where the reading
    begins, if that is a snapshot; it stands for the entries before it, with the keys that they name.
    """

    def __init__(
        self,
        result: Verification,
        trusted: list[Verifier] | None,
        first: Entry | None,
        so_far: Sequence[SignedFrom] = (),
    ) -> None:
        self._result = result
        self._origin = first.origin if first is not None and isinstance(first.origin, str) else None
        self._trusted = trusted or []
        named = self._key_of_log(first, alone=trusted is None)
        self._known = [named] if named is not None else []  # keys that were ever in force or offered themselves
        # Who may sign the next checkpoint; None: nothing to check it with. The first that did goes on alone.
        self._in_force: list[Verifier] | None = None
        if named is not None or trusted is not None:
            self._in_force = list(dict.fromkeys([*self._known, *self._trusted]))
        self._named = named
        self._settled = False
        self._instead: list[int] = []  # first sizes that a trusted key signed although the log names another
        self.first_stands = False  # set when the first entry turns out to be the one that was signed
        self._vouched = trusted is None
        self._unvouched: list[int] = []  # sizes read before a trusted key was met
        self._begin_later(so_far)

    def _begin_later(self, so_far: Sequence[SignedFrom]) -> None:
        """Begin with the newest of some keys in force."""
        try:
            before = [Verifier.from_vkey(key.public_key) for key in so_far]
        except NoteError:
            return  # a snapshot that names no keys is not the one that was written, which the replay sees
        if before and self._in_force is not None:
            self._known, self._in_force, self._settled = before, [before[-1]], True
            self._vouched = self._vouched or any(key in self._trusted for key in before)

    def met(self) -> set[str]:
        """The keys of the log that were met, as vkeys."""
        return {key.vkey for key in self._known}

    def read(self, size: int, note: bytes | None, *, expected: bool = True) -> Checkpoint | None:
        """The checkpoint stored under a size, if it is one; `expected` makes a missing one a finding."""
        key = keys.checkpoint(size)
        if note is None:
            if expected:
                self._result.found("missing", key, "the checkpoint is gone although later entries exist")
            return None
        try:
            text, signatures = parse_note(note.decode())
            signer = self._signer_of(text, signatures)
            checkpoint = Checkpoint.from_text(text)
        except NoteUntrusted as error:
            self._result.found("foreign_key", key, self._foreign(signatures) or str(error))
            return None
        except (NoteError, UnicodeDecodeError) as error:
            no_text = isinstance(error, UnicodeDecodeError)
            self._result.found(
                "signature", key, "is no checkpoint: its bytes are no text" if no_text else str(error)
            )
            return None
        if len(signatures) != 1:
            self._result.found("altered", key, f"has {len(signatures)} signatures; one was written")
        if self._origin is not None and checkpoint.origin != self._origin:
            self._result.found("forked", key, f"is of the log {checkpoint.origin}, this is {self._origin}")
            return None
        if checkpoint.size != size:
            self._result.found("renumbered", key, f"was signed over {checkpoint.size} entries")
            return None
        if signer is not None:
            self._signed(size, signer)
        if not self._vouched:
            self._unvouched.append(size)
        return checkpoint

    def hand_over(self, seq: int, vkey: str, *, sure: bool) -> None:
        """Entry `seq` names the key of the sizes from `seq + 2` on; not `sure`: if it really stood there."""
        new = Verifier.from_vkey(vkey)
        if self._origin is not None and new.name != self._origin:
            self._result.found("foreign_key", keys.entry(seq), f"hands the log to a key of another log: {vkey}")
        elif sure and self._in_force is not None:
            self._known.append(new)
            self._take_for_granted(new)
        else:
            self.doubt(new)

    def doubt(self, *also: Verifier) -> None:
        """An entry that may have named another key is not to be believed: the next signature will tell."""
        if self._in_force is not None:
            self._known += also
            self._in_force = list(dict.fromkeys([*self._in_force, *also, *self._trusted]))

    def close(self, *, whole: bool = True) -> None:
        """To be called once, at the end. Of a `whole` log it is said that no key of it is trusted; a part may well
        have none, where another part has."""
        if self._instead and self.first_stands:
            self._result.found(
                "foreign_key", keys.entry(0), "names another key than the one that signed from there on"
            )
        if whole and not self._vouched and self._unvouched:
            named, trusted = (", ".join(key.vkey for key in some) for some in (self._known, self._trusted))
            self._result.found(
                "foreign_key",
                keys.CHECKPOINTS,
                f"the trusted key is not this archive's: none of its {len(self._unvouched)} checkpoints is "
                f"vouched for by {trusted}; they are signed by {named}",
            )

    def _signer_of(self, text: str, signatures: list[Signature]) -> Verifier | None:
        """Who of those in force signed. Raises NoteError and NoteUntrusted."""
        if self._in_force is None:
            return None
        other_logs = [key for key in self._trusted if key.name != self._origin]
        return signers_of(text, signatures, list(dict.fromkeys([*self._in_force, *other_logs])))[0]

    def _signed(self, size: int, signer: Verifier) -> None:
        """Who signed now goes on. At the beginning the log's own word counts more than one signature."""
        if self._named is not None and not self._settled and signer != self._named:
            self._instead.append(size)
            if len(self._instead) < _CONVINCED:
                return
        elif not self._settled:
            for wrong in self._instead:
                self._result.found(
                    "foreign_key", keys.checkpoint(wrong), "was signed by a key that was not in force there"
                )
            self._instead = []
        self._settled = True
        self._take_for_granted(signer)

    def _take_for_granted(self, signer: Verifier) -> None:
        self._in_force = [signer]
        self._vouched = self._vouched or signer in self._trusted

    def _foreign(self, signatures: list[Signature]) -> str:
        known = {(key.name, key.key_hash): key.vkey for key in self._known}
        signed = [known[s.name, s.key_hash] for s in signatures if (s.name, s.key_hash) in known]
        if not signed:
            return ""
        return f"was signed by {signed[0]}, a key of this log, where another of its keys was in force"

    def _key_of_log(self, first: Entry | None, *, alone: bool) -> Verifier | None:
        """The key that the first entry names; a finding if there is none and nothing else to check with."""
        why = "it is not there, or names no public key"
        if first is not None and isinstance(first.public_key, str):
            try:
                verifier = Verifier.from_vkey(first.public_key)
            except NoteError as error:
                why = str(error)
            else:
                if alone:
                    self._result.notes.append(
                        f"signatures were checked with the key the log itself names ({first.public_key}); "
                        f"compare it with the one your engineer gave you"
                    )
                return verifier
        if alone:
            self._result.found(
                "signature", keys.entry(0), f"the first entry gives no key to check signatures with: {why}"
            )
        return None
