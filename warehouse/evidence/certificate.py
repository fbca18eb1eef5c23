"""The completeness certificate: what is known of a period of the feed, and what is not, signed under a checkpoint.

Promise: format `ledgerline-certificate/1` is canonical JSON, so the SHA-256 of the file is that of the document;
the signature is a C2SP signed note, a checkpoint of the log with one more line, which names that hash.
"""

import json
from dataclasses import dataclass
from typing import Any, Final

from warehouse.archive.entry import sha256_hex
from warehouse.archive.note import Checkpoint, NoteError, Signer, Verifier, open_note
from warehouse.archive.state import LogState
from warehouse.evidence.statement import Signed, line, sign

FORMAT: Final = "ledgerline-certificate/1"


class CertificateNotOurs(ValueError):
    """A certificate whose bytes, note and key do not belong together; the text says which."""


@dataclass(frozen=True)
class Certificate:
    """A certificate: its document, and its signature where it was signed."""

    document: dict[str, Any]
    signed: Signed | None = None

    @property
    def data(self) -> bytes:
        """The file's bytes: sorted keys, no spaces, UTF-8, no line end."""
        text = json.dumps(
            self.document, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
        )
        return text.encode("utf-8", "backslashreplace")

    @property
    def sha256(self) -> str:
        return sha256_hex(self.data)

    @property
    def findings(self) -> list[dict[str, str]]:
        """What somebody must explain: code, subject, detail."""
        found: list[dict[str, str]] = self.document["findings"]
        return found

    def sign(self, signer: Signer, state: LogState) -> "Certificate":
        """The same, signed by the log's key under the checkpoint of the state that it was made from."""
        checkpoint = Checkpoint(signer.name, state.size, state.edge().root())
        return Certificate(self.document, sign(signer, checkpoint, FORMAT, self.sha256))


def check(data: bytes, note: str, vkey: str) -> Checkpoint:
    """The checkpoint under which a certificate's bytes were signed. Raises CertificateNotOurs."""
    try:
        text, _ = open_note(note, [Verifier.from_vkey(vkey)])
        checkpoint = Checkpoint.from_text(text)
    except NoteError as error:
        raise CertificateNotOurs(f"the note is not signed by this key: {error}") from error
    if text != f"{checkpoint.text}{line(FORMAT, sha256_hex(data))}\n":
        raise CertificateNotOurs("the note is over another certificate than these bytes")
    return checkpoint
