"""C2SP signed notes and tlog checkpoints, with Ed25519.

Promise: what is written here verifies with any implementation of signed notes, and nothing that any of them
would refuse is accepted. Source: C2SP signed-note and tlog-checkpoint specifications.
"""

import base64
import binascii
import hashlib
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

_ED25519 = b"\x01"
_DASH = "\u2014"


class NoteError(ValueError):
    """A note, a checkpoint or a verifier key that does not have the form of one, or does not verify."""


@dataclass(frozen=True)
class Verifier:
    """A public key with its name. Text form `<name>+<hash>+<key>` is the C2SP verifier key (vkey)."""

    name: str
    public_key: bytes

    @property
    def key_hash(self) -> bytes:
        """First four bytes of SHA-256(name || LF || 0x01 || key): tells keys of one name apart."""
        return hashlib.sha256(self.name.encode() + b"\n" + _ED25519 + self.public_key).digest()[:4]

    @property
    def vkey(self) -> str:
        return f"{self.name}+{self.key_hash.hex()}+{base64.b64encode(_ED25519 + self.public_key).decode()}"

    @classmethod
    def from_vkey(cls, vkey: str) -> "Verifier":
        """Read a verifier key; raises NoteError when it is malformed or of another algorithm."""
        try:
            name, key_hash, encoded = vkey.strip().rsplit("+", 2)[-3:]
            blob = base64.b64decode(encoded, validate=True)
        except (ValueError, binascii.Error) as error:
            raise NoteError(f"not a verifier key (expected name+hash+key): {vkey!r}") from error
        if blob[:1] != _ED25519 or len(blob) != 33:
            raise NoteError("the verifier key is not an Ed25519 key")
        verifier = cls(name, blob[1:])
        if verifier.key_hash.hex() != key_hash:
            raise NoteError("the verifier key's hash does not fit its name and key")
        return verifier

    def verifies(self, text: str, signature: bytes) -> bool:
        try:
            Ed25519PublicKey.from_public_bytes(self.public_key).verify(signature, text.encode())
        except InvalidSignature:
            return False
        return True


@dataclass(frozen=True)
class Signer:
    """A private key with the name it signs under; its repr shows no key."""

    name: str
    private_key: Ed25519PrivateKey

    @property
    def verifier(self) -> Verifier:
        raw = self.private_key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        return Verifier(self.name, raw)

    def sign(self, text: str) -> str:
        """The signed note for a text that ends in a line feed."""
        if not text.endswith("\n"):
            raise NoteError("a note's text ends with a line feed")
        blob = self.verifier.key_hash + self.private_key.sign(text.encode())
        return f"{text}\n{_DASH} {self.name} {base64.b64encode(blob).decode()}\n"

    def __repr__(self) -> str:
        return f"Signer({self.verifier.vkey})"


@dataclass(frozen=True)
class Signature:
    name: str
    key_hash: bytes
    signature: bytes


def parse_note(note: str) -> tuple[str, list[Signature]]:
    """Split a signed note into its text and its signatures, none of them checked yet. Raises NoteError."""
    text, found, tail = note.rpartition(f"\n\n{_DASH} ")
    if not found or not tail.endswith("\n"):
        raise NoteError("the note has no signature lines")
    signatures = []
    for line in f"{_DASH} {tail}".splitlines():
        parts = line.split(" ")
        if len(parts) != 3 or parts[0] != _DASH or not parts[1] or "+" in parts[1]:
            raise NoteError(f"a signature line is malformed: {line!r}")
        try:
            blob = base64.b64decode(parts[2], validate=True)
        except binascii.Error as error:
            raise NoteError(f"a signature is not base64: {line!r}") from error
        if len(blob) < 5:
            raise NoteError(f"a signature is too short: {line!r}")
        signatures.append(Signature(parts[1], blob[:4], blob[4:]))
    return text + "\n", signatures


def open_note(note: str, verifiers: list[Verifier]) -> tuple[str, list[Verifier]]:
    """The text of a note and which of the known keys signed it.

    Raises NoteError when a known key's signature is bad, or when no known key signed at all; signatures of
    unknown keys (witnesses) are passed over, as the specification asks.
    """
    text, signatures = parse_note(note)
    signed_by = []
    for signature in signatures:
        for verifier in verifiers:
            if (verifier.name, verifier.key_hash) == (signature.name, signature.key_hash):
                if not verifier.verifies(text, signature.signature):
                    raise NoteError(f"the signature of {verifier.name} does not verify")
                signed_by.append(verifier)
    if not signed_by:
        names = ", ".join(f"{s.name}+{s.key_hash.hex()}" for s in signatures)
        raise NoteError(f"signed by no key that is trusted here (signed by {names})")
    return text, signed_by


@dataclass(frozen=True)
class Checkpoint:
    """A tree head: the log's origin, its size in entries, and the 32-byte root over them."""

    origin: str
    size: int
    root: bytes

    @property
    def text(self) -> str:
        return f"{self.origin}\n{self.size}\n{base64.b64encode(self.root).decode()}\n"

    @classmethod
    def from_text(cls, text: str) -> "Checkpoint":
        """Read a checkpoint's body; extension lines after the third are allowed. Raises NoteError."""
        lines = text.split("\n")
        if len(lines) < 4 or not lines[0] or lines[-1]:
            raise NoteError("a checkpoint has at least three lines: origin, size, root")
        if not lines[1].isascii() or not lines[1].isdigit() or (lines[1] != "0" and lines[1][0] == "0"):
            raise NoteError(f"a checkpoint's size is a plain decimal number, not {lines[1]!r}")
        try:
            root = base64.b64decode(lines[2], validate=True)
        except binascii.Error as error:
            raise NoteError("a checkpoint's root is base64") from error
        if len(root) != 32:
            raise NoteError("a checkpoint's root is 32 bytes")
        return cls(lines[0], int(lines[1]), root)
