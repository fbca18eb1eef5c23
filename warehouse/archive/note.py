"""C2SP signed notes and tlog checkpoints, with Ed25519.

Promise: what is written here verifies with any implementation of signed notes, and nothing that any of them
would refuse is accepted. Source: C2SP signed-note and tlog-checkpoint specifications.
"""

import base64
import binascii
import hashlib
import re
from dataclasses import dataclass
from typing import ClassVar, Self

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

_DASH = "\u2014"
_MOST_SIGNATURES = 100  # as Go's implementation; the specification asks for a limit of at least 16
_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f]")
_MOST_DIGITS = 20  # of a tree size: 2^64 has that many


class NoteError(ValueError):
    """A note, a checkpoint or a verifier key that does not have the form of one, or does not verify."""


class NoteUntrusted(NoteError):
    """A note in good form that none of the known keys signed."""


@dataclass(frozen=True)
class Verifier:
    """A public key with its name. Text form `<name>+<hash>+<key>` is the C2SP verifier key (vkey)."""

    what: ClassVar[str] = "an Ed25519 key"
    kind: ClassVar[bytes] = b"\x01"  # the byte that tells an Ed25519 key from keys that sign otherwise

    name: str
    public_key: bytes

    @property
    def key_hash(self) -> bytes:
        """First four bytes of SHA-256(name || LF || kind || key): tells keys of one name apart."""
        return hashlib.sha256(self.name.encode() + b"\n" + self.kind + self.public_key).digest()[:4]

    @property
    def vkey(self) -> str:
        return f"{self.name}+{self.key_hash.hex()}+{base64.b64encode(self.kind + self.public_key).decode()}"

    @classmethod
    def from_vkey(cls, vkey: str) -> Self:
        """Read a verifier key; raises NoteError when it is malformed or of another algorithm."""
        # From the left: a name has no plus, but base64 may.
        name, _, rest = vkey.strip().partition("+")
        key_hash, plus, encoded = rest.partition("+")
        if not plus or not _is_name(name):
            raise NoteError(f"not a verifier key (expected name+hash+key): {vkey!r}")
        blob = _from_base64(encoded, "a verifier key")
        if blob[:1] != cls.kind or len(blob) != 33:
            raise NoteError(f"the verifier key is not {cls.what}")
        verifier = cls(name, blob[1:])
        if verifier.key_hash.hex() != key_hash:
            raise NoteError("the verifier key's hash does not fit its name and key")
        return verifier

    def verifies(self, text: str, signature: bytes) -> bool:
        try:
            Ed25519PublicKey.from_public_bytes(self.public_key).verify(signature, text.encode())
        except (InvalidSignature, ValueError):
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
        """The signed note for a text that ends in a line feed. Raises NoteError for one that nobody would read."""
        _demand_note_text(text)
        if not text.endswith("\n"):
            raise NoteError("a note's text ends with a line feed")
        if not _is_name(self.name):
            raise NoteError(f"a key name has no space, no plus and no control character, unlike {self.name!r}")
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
    _demand_note_text(note)
    text, found, tail = note.rpartition("\n\n")
    if not found or not tail.endswith("\n"):
        raise NoteError("the note has no signature lines")
    lines = tail[:-1].split("\n")
    if len(lines) > _MOST_SIGNATURES:
        raise NoteError(f"the note has {len(lines)} signatures; {_MOST_SIGNATURES} is the most")
    return text + "\n", [_parse_signature(line) for line in lines]


def _parse_signature(line: str) -> Signature:
    dash, _, rest = line.partition(" ")
    name, _, encoded = rest.partition(" ")
    if dash != _DASH or not _is_name(name):
        raise NoteError(f"a signature line is malformed: {line!r}")
    blob = _from_base64(encoded, "a signature")
    if len(blob) < 5:
        raise NoteError(f"a signature is too short: {line!r}")
    return Signature(name, blob[:4], blob[4:])


def open_note(note: str, verifiers: list[Verifier]) -> tuple[str, list[Verifier]]:
    """The text of a note and which of the known keys signed it. Raises NoteError, as `signers_of` does."""
    text, signatures = parse_note(note)
    return text, signers_of(text, signatures, verifiers)


def signers_of(text: str, signatures: list[Signature], verifiers: list[Verifier]) -> list[Verifier]:
    """Which of the known keys signed a text.

    Raises NoteError when a known key's signature is bad, and NoteUntrusted when no known key signed at all;
    signatures of unknown keys (witnesses) are passed over, as the specification asks.
    """
    signed_by = []
    for signature in signatures:
        for verifier in verifiers:
            if (verifier.name, verifier.key_hash) == (signature.name, signature.key_hash):
                if not verifier.verifies(text, signature.signature):
                    raise NoteError(f"the signature of {verifier.name} does not verify")
                signed_by.append(verifier)
    if not signed_by:
        names = ", ".join(f"{s.name}+{s.key_hash.hex()}" for s in signatures)
        raise NoteUntrusted(f"signed by no key that is trusted here (signed by {names})")
    return signed_by


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
        *lines, end = text.split("\n")
        if len(lines) < 3 or end or not all(lines):
            raise NoteError("a checkpoint has at least three lines, none of them empty: origin, size, root")
        size = lines[1]
        plain = size.isascii() and size.isdigit() and (size == "0" or size[0] != "0")
        if not plain or len(size) > _MOST_DIGITS:
            raise NoteError(f"a checkpoint's size is a plain decimal number, not {size[:40]!r}")
        root = _from_base64(lines[2], "a checkpoint's root")
        if len(root) != 32:
            raise NoteError("a checkpoint's root is 32 bytes")
        return cls(lines[0], int(size), root)


def _is_name(name: str) -> bool:
    """Key names are not empty and hold no plus and no Unicode space."""
    return bool(name) and "+" not in name and not any(c.isspace() or c < " " for c in name)


def _demand_note_text(text: str) -> None:
    """Notes hold no control character but the line feed. Raises NoteError."""
    if _CONTROL.search(text):
        raise NoteError("a note holds no control characters")
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise NoteError("a note is valid UTF-8") from error


def _from_base64(text: str, what: str) -> bytes:
    """Decode standard base64, and only the one spelling of it: decoders that ignore the spare bits of the last
    character would let a byte of a signed note change without anybody noticing. Raises NoteError."""
    try:
        blob = base64.b64decode(text, validate=True)
    except (ValueError, binascii.Error) as error:
        raise NoteError(f"{what} is not base64: {text[:100]!r}") from error
    if base64.b64encode(blob).decode() != text:
        raise NoteError(f"{what} is not in the canonical form of base64: {text[:100]!r}")
    return blob
