"""Proof files written by hand, from whatever entries a test wants: also such as no archive of ours would hold."""

import base64
import json
from collections.abc import Sequence
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tests.warehouse.archive.rig import KEY
from warehouse.archive.merkle import leaf_hash, root_of
from warehouse.archive.merkle_paths import LeafTree, consistency_path, inclusion_path
from warehouse.archive.note import Checkpoint, Signer, Verifier

ORIGIN = "ledgerline/0123456789abcdef"
RECORDS = [
    b'{"id":"activity_%d","created_at":"2026-11-20T10:0%d:00.5Z","type":"claude_chat_created"}' % (number, number)
    for number in range(5)
]


def b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def block(*lines: str) -> str:
    return "".join(f"{line}\n" for line in lines)


def wrapped(data: bytes) -> list[str]:
    text = b64(data)
    return [text[at : at + 76] for at in range(0, len(text), 76)]


def pull_entry(seq: int, records: Sequence[bytes] = RECORDS, **more: Any) -> dict[str, Any]:
    """A pull of one page, as far as a proof looks at it."""
    page = {"key": f"pages/activities/{seq}", "sha256": "ab" * 32, "status": 200, "request_id": "req_1"}
    page |= {
        "records": len(records),
        "records_root": root_of(records).hex(),
        "requested_at": "2026-11-20T11:00:00Z",
    }
    return {
        "format": "ledgerline-entry/1", "seq": seq, "kind": "pull", "stream": "activities", "complete": True,
        "window": ["2026-11-20T10:00:00Z", "2026-11-20T11:00:00Z"], "objects": [page],
        "committed_at": "2026-11-20T11:00:01Z", "writer": "w",
    } | more  # fmt: skip


def to_bytes(entry: Any) -> bytes:
    return entry if isinstance(entry, bytes) else json.dumps(entry, sort_keys=True).encode()


class HandMadeLog:
    """Entries in a row under one key. `entries` by number; the others are a byte each."""

    def __init__(
        self, entries: dict[int, Any], size: int = 9, key: Ed25519PrivateKey = KEY, origin: str = ORIGIN
    ) -> None:
        self.entries = [to_bytes(entries.get(seq, b"-%d" % seq)) for seq in range(size)]
        self.tree = LeafTree([leaf_hash(entry) for entry in self.entries])
        self.signer = Signer(origin, key)

    @property
    def vkey(self) -> str:
        return self.signer.verifier.vkey

    def note(self, size: int | None = None) -> str:
        size = len(self.entries) if size is None else size
        return self.signer.sign(Checkpoint(self.signer.name, size, root_of(self.entries[:size])).text)

    def path(self, seq: int) -> list[str]:
        return [b64(value) for value in inclusion_path(self.tree, seq)]

    def event(
        self,
        seq: int = 3,
        position: int = 2,
        *,
        page: int = 1,
        records: Sequence[bytes] = RECORDS,
        later: int | None = None,
        note: str | None = None,
        vkey: str | None = None,
    ) -> bytes:
        """The proof of a record of the page that entry `seq` has."""
        parts = [
            block("ledgerline-proof/1 event", f"key {vkey or self.vkey}"),
            block(f"record {page} {position}", *wrapped(records[position])),
            block("path", *map(b64, inclusion_path(LeafTree.of(records), position))),
            block("entry", *wrapped(self.entries[seq])),
        ]
        if later is not None:
            parts += [
                block(f"later {later}", *wrapped(self.entries[later])),
                block("later-path", *self.path(later)),
            ]
        parts += [block("c2sp.org/tlog-proof@v1", f"index {seq}", *self.path(seq)), note or self.note()]
        return "\n".join(parts).encode()

    def consistency(self, old: int = 5, *, notes: tuple[str, str] | None = None) -> bytes:
        """The proof that the first `old` entries are the beginning of all."""
        path = map(b64, consistency_path(self.tree, old))
        parts = [block("ledgerline-proof/1 consistency", f"key {self.vkey}"), block("path", *path)]
        return "\n".join([*parts, *(notes or (self.note(old), self.note()))]).encode()


def other_name(vkey: str, name: str) -> str:
    """The same public key under another name."""
    return Verifier(name, Verifier.from_vkey(vkey).public_key).vkey
