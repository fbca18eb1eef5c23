"""A hash that the log's key vouches for: a checkpoint of the log with one more line, `FORMAT sha256:HASH`.

Promise: the same signature is given as a C2SP signed note and as a proof file; the proof file was checked with
`verify_proof.py`, which says the line, before anybody gets it.
"""

from dataclasses import dataclass

from warehouse.archive import verify_proof
from warehouse.archive.note import Checkpoint, Signer


@dataclass(frozen=True)
class Signed:
    """The signature: the note, and the same as a proof file for `verify_proof.py`."""

    note: str
    proof: str
    vkey: str


def line(form: str, sha256: str) -> str:
    """The line that is signed with the checkpoint; `form` says what is hashed, `sha256` is in hex."""
    return f"{form} sha256:{sha256}"


def sign(signer: Signer, checkpoint: Checkpoint, form: str, sha256: str) -> Signed:
    """Sign a hash under a checkpoint of the log whose key it is."""
    note = signer.sign(f"{checkpoint.text}{line(form, sha256)}\n")
    vkey = signer.verifier.vkey
    # A log is the beginning of itself: that way the one-file checker checks this signature as well.
    proof = f"{verify_proof.FORMAT} consistency\nkey {vkey}\n\npath\n\n{note}\n{signer.sign(checkpoint.text)}"
    verify_proof.check(proof.encode(), [vkey])
    return Signed(note, proof, vkey)
