"""Handing the log over to a new signing key.

Promise: killed at any step, a second run completes it; of two runs that race, one wins and the other is told. The
old key must be at hand: without it there is no handing over (docs/operations.md says what to do then).
"""

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from warehouse.archive.archive import Archive
from warehouse.archive.entry import Draft, Entry
from warehouse.archive.errors import LogError, SigningKeyInvalid
from warehouse.archive.key_change import key_draft
from warehouse.archive.note import Signer
from warehouse.archive.state import LogState


def rotate(archive: Archive, key: Ed25519PrivateKey) -> Entry | None:
    """Let `key` sign from the next entry on; returns the entry that says so, None where the log has it already.

    `archive` is open with the old key. A snapshot follows that the new key signs, which shows that it can.
    Raises LogError for an empty log, SigningKeyInvalid for a key that was the log's before or where the old key
    is not at hand, and what appending raises.
    """
    state = archive.refresh()
    if state.origin is None:
        raise LogError("the archive is empty: there is no key to change yet; set archive.signing_key and pull")
    new = Signer(state.origin, key)
    archive.log.hand_over_to(new)

    def build(state: LogState) -> Draft | None:
        if state.public_key == new.verifier.vkey:
            return None
        if any(old.public_key == new.verifier.vkey for old in state.signed_from):
            raise SigningKeyInvalid(
                f"{new.verifier.vkey} was this log's key before; a key that was given up may be known to others. "
                f"Nothing was written; name a new one"
            )
        return key_draft(new, state.size, state.head_sha256)

    entry = archive.log.append(build)
    if archive.state.signed_from[-1].size > archive.state.size:  # the new key has signed nothing yet
        archive.log.snapshot()
    archive.settle()
    return entry
