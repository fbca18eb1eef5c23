"""Cosignatures: a second person's signature, with the time, on a checkpoint whose growth that person has checked.

Promise: what is written here is a C2SP tlog-cosignature of the kind Ed25519 (0x04), and any tool that knows those
reads it. Source: c2sp.org/tlog-cosignature.
"""

import base64
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import ClassVar

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from warehouse.archive.note import NoteError, Signature, Verifier

_SIGNED_BYTES = 8 + 64  # the time in seconds, big-endian, and the signature
_LAST = datetime(9999, 12, 31, tzinfo=UTC)


@dataclass(frozen=True)
class WitnessKey(Verifier):
    """The public key of a witness. Its signatures are over a time and the text."""

    what: ClassVar[str] = "the key of a witness (kind 4, as `ledgerline witness --init` prints it)"
    kind: ClassVar[bytes] = b"\x04"

    def verifies(self, text: str, signature: bytes) -> bool:
        seconds = int.from_bytes(signature[:8], "big")
        in_time = len(signature) == _SIGNED_BYTES and seconds <= _LAST.timestamp()
        return in_time and super().verifies(_message(seconds, text), signature[8:])

    @staticmethod
    def time_of(signature: bytes) -> datetime:
        """When a signature that verifies was made, by the witness's clock."""
        return datetime.fromtimestamp(int.from_bytes(signature[:8], "big"), UTC)


@dataclass(frozen=True)
class Cosigner:
    """A witness's private key with its name; its repr shows no key."""

    name: str
    private_key: Ed25519PrivateKey

    @property
    def key(self) -> WitnessKey:
        raw = self.private_key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        return WitnessKey(self.name, raw)

    def line(self, text: str, at: datetime) -> str:
        """The signature line, with its line feed, to be put under a checkpoint's own; `at` in whole seconds."""
        seconds = int(at.timestamp())
        signature = self.private_key.sign(_message(seconds, text).encode())
        blob = self.key.key_hash + seconds.to_bytes(8, "big") + signature
        return f"\u2014 {self.name} {base64.b64encode(blob).decode()}\n"

    def __repr__(self) -> str:
        return f"Cosigner({self.key.vkey})"


def cosigned_at(text: str, signatures: list[Signature], key: WitnessKey) -> datetime | None:
    """When a witness cosigned a text, the latest time of several; None where it did not.

    Raises NoteError where a line bears its name and digest and does not verify.
    """
    times = []
    for one in signatures:
        if (one.name, one.key_hash) == (key.name, key.key_hash):
            if not key.verifies(text, one.signature):
                raise NoteError(f"the cosignature of {key.name} does not verify")
            times.append(key.time_of(one.signature))
    return max(times, default=None)


def _message(seconds: int, text: str) -> str:
    return f"cosignature/v1\ntime {seconds}\n{text}"
