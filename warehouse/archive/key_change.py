"""The entry that names the log's next key: what it says, and how the key itself vouches for it.

Promise: the old key signs the checkpoint over this entry, the new one every later checkpoint, so that whoever
knows either of them can follow the log across the change. The new key's own signature is over this one place of
this one log, so nobody can name a key that he does not hold, or use the words again. Format: docs/formats.md.
"""

import base64

from msgspec import UNSET

from warehouse.archive import keys
from warehouse.archive.entry import Draft, Entry
from warehouse.archive.note import NoteError, Signer, Verifier
from warehouse.archive.state import LogState

FORMAT = "ledgerline-key/1"


def statement(vkey: str, seq: int, previous: str | None) -> str:
    """What the new key signs: itself, the number of the entry that names it, and the hash of the entry before."""
    return f"{FORMAT}\n{vkey}\n{seq}\n{previous}\n"


def key_draft(new: Signer, seq: int, previous: str | None) -> Draft:
    """The entry that hands the log over to `new`, for this place only."""
    vkey = new.verifier.vkey
    signature = new.private_key.sign(statement(vkey, seq, previous).encode())
    return Draft(kind="key", public_key=vkey, possession=base64.b64encode(signature).decode())


def named_key(entry: Entry) -> Verifier:
    """The key that a `key` entry names. Raises ValueError where it is none, or has not signed for itself."""
    if entry.public_key is UNSET or entry.possession is UNSET:
        raise ValueError("it names no key, or lacks that key's signature")
    try:
        key = Verifier.from_vkey(entry.public_key)
    except NoteError as error:
        raise ValueError(str(error)) from error
    text = statement(entry.public_key, entry.seq, entry.previous)
    if not key.verifies(text, base64.b64decode(entry.possession, validate=True)):
        raise ValueError(f"the key {entry.public_key} has not signed that it takes over at entry {entry.seq}")
    return key


def wrong_key(state: LogState, size: int, own: str) -> str:
    """Why the key `own` cannot sign the checkpoint of a size, which one can, and what to do."""
    wanted = state.key_at(size)
    since = next((key.size for key in state.signed_from if key.public_key == own), None)
    if since is None:
        return (
            f"the signing key is not the one of this log: the log says {wanted}, the key is {own}. Nothing was "
            f"written; set archive.signing_key to the original key"
        )
    if since > size:
        return (
            f"{keys.entry(size - 1)} hands the log to the key of this configuration and is not signed yet, which "
            f"only the old key can do: {wanted}. Set archive.signing_key back to the old key, run "
            f"`ledgerline key rotate` again, then set it to the new one"
        )
    change = max(key.size for key in state.signed_from if key.size <= size) - 2
    return (
        f"{keys.entry(change)} has handed the log to another key: it says {wanted}, the key of this configuration "
        f"is {own}. Nothing was written; set archive.signing_key to the new key"
    )
