"""Makes proof files: one record under a signed checkpoint, or one checkpoint as the beginning of another.

Promise: what is handed out was checked by `verify_proof` first, the very program that others check it with; from
a damaged archive comes an error instead. Reads a few tiles, never the whole log. The format is in docs/proofs.md.
"""

import base64
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

from msgspec import UNSET

from warehouse.archive import keys, verify_proof
from warehouse.archive.archive import Archive
from warehouse.archive.derive import read
from warehouse.archive.entry import Entry
from warehouse.archive.errors import CheckpointMissing, KeyMissing, LogError, ObjectAltered
from warehouse.archive.merkle_paths import LeafTree, TileTree, TileUnusable, Tree, consistency_path, inclusion_path
from warehouse.archive.note import Checkpoint, NoteError, Verifier, open_note
from warehouse.wire.records import NotAPage, split_page

FORMAT = verify_proof.FORMAT
LOG_PROOF = "c2sp.org/tlog-proof@v1"

_LOOK = "run `ledgerline verify`"
_KEPT_PAGES = 4  # proofs of one pack often share a page


@dataclass(frozen=True)
class Place:
    """Where a record stands: the entry of its pull, its page (from 1) and its position there (from 0)."""

    seq: int
    page: int
    position: int


@dataclass(frozen=True)
class Made:
    """A proof file: its whole text, the log's keys that it names (C2SP vkeys), and what checking it showed."""

    text: str
    vkeys: list[str]
    checked: verify_proof.Proof

    @property
    def vkey(self) -> str:
        """The key that signed the newest checkpoint in it."""
        return self.vkeys[-1]


@dataclass(frozen=True)
class SignedHead:
    """A checkpoint and the signed note it was read from."""

    note: str
    checkpoint: Checkpoint


@dataclass(frozen=True)
class _Page:
    records: list[bytes]
    tree: LeafTree


class Prover:
    """Makes any number of proofs from one archive, all of them under one checkpoint: `head`."""

    def __init__(self, archive: Archive, size: int | None = None) -> None:
        """`size`: that of the checkpoint, in entries; the newest without it.

        Raises CheckpointMissing, LogError where the log's own key did not sign it, and what the store raises.
        """
        self._archive = archive
        state = archive.refresh()
        if state.public_key is None:
            raise LogError(f"{keys.entry(0)} names no key of the log, so nothing can be proven; {_LOOK}")
        self.head = self._newest() if size is None else self.signed_head(size)
        self._tree = TileTree(self.head.checkpoint.size, self._tile)
        self._page = lru_cache(_KEPT_PAGES)(self._read_page)

    @property
    def vkey(self) -> str:
        """The log's key that signed `head`, as C2SP writes it."""
        return self._key_at(self.head.checkpoint.size).vkey

    def _key_at(self, size: int) -> Verifier:
        return Verifier.from_vkey(self._archive.state.key_at(size) or "")

    def signed_head(self, size: int) -> SignedHead:
        """The checkpoint of one size. Raises CheckpointMissing, LogError, StoreError."""
        key = keys.checkpoint(size)
        try:
            note = self._archive.store.get(key).decode()
            verifier = self._key_at(size)
            checkpoint = Checkpoint.from_text(open_note(note, [verifier])[0])
        except KeyMissing as error:
            raise CheckpointMissing(
                f"there is no checkpoint of {size} entries; the log has {self._archive.state.size}. Checkpoints "
                f"exist for each size from 1 on, and for the newest as soon as its writer is done"
            ) from error
        except (NoteError, UnicodeDecodeError) as error:
            raise LogError(f"{key} is no checkpoint signed by the log's key ({error}); {_LOOK}") from error
        if (checkpoint.origin, checkpoint.size) != (verifier.name, size):
            raise LogError(f"{key} is of log {checkpoint.origin} and size {checkpoint.size}; {_LOOK}")
        return SignedHead(note, checkpoint)

    def _newest(self) -> SignedHead:
        """The head's, or that of one entry less: a writer signs after it has written, and may have been killed."""
        size = self._archive.state.size
        try:
            return self.signed_head(size)
        except CheckpointMissing:
            if size < 2:
                raise
            return self.signed_head(size - 1)

    def event(self, place: Place, *, withdrawn_by: int | None = None) -> Made:
        """Prove a record's bytes. `withdrawn_by`: the entry of the later pull that did not serve it any more.

        Raises CheckpointMissing (an entry is newer than the checkpoint), ObjectAltered, LogError, StoreError.
        """
        page = self._page(place.seq, place.page)
        if not 0 <= place.position < len(page.records):
            raise ObjectAltered(
                f"page {place.page} of {keys.entry(place.seq)} has {len(page.records)} records, none of them at "
                f"position {place.position}; {_LOOK}"
            )
        later = []
        if withdrawn_by is not None:
            later = [
                [f"later {withdrawn_by}", *_wrapped(self._entry_bytes(withdrawn_by))],
                ["later-path", *self._log_path(withdrawn_by)],
            ]
        return self._made(
            "event",
            [
                [f"record {place.page} {place.position}", *_wrapped(page.records[place.position])],
                ["path", *_lines(inclusion_path(page.tree, place.position))],
                ["entry", *_wrapped(self._entry_bytes(place.seq))],
                *later,
                [LOG_PROOF, f"index {place.seq}", *self._log_path(place.seq)],
            ],
            [self.head],
        )

    def consistency(self, old: int) -> Made:
        """Prove that the log of `old` entries is the beginning of the log under `head`.

        Raises CheckpointMissing, ObjectAltered, LogError, StoreError; IndexError unless 0 < old <= its size.
        """
        before = self.signed_head(old)
        path = self._through_log(lambda tree: consistency_path(tree, old))
        return self._made("consistency", [["path", *path]], [before, self.head])

    def _made(self, kind: str, blocks: list[list[str]], heads: list[SignedHead]) -> Made:
        """The file, once it has been checked."""
        vkeys = list(dict.fromkeys(self._key_at(head.checkpoint.size).vkey for head in heads))
        named = [f"key {vkey}" for vkey in vkeys]
        parts = ["\n".join(lines) + "\n" for lines in [[f"{FORMAT} {kind}", *named], *blocks]]
        text = "\n".join([*parts, *(head.note for head in heads)])  # an empty line between two
        try:
            return Made(text, vkeys, verify_proof.check(text.encode()))
        except verify_proof.NotProven as error:
            raise ObjectAltered(f"what the archive holds does not prove it: {error}; {_LOOK}") from error

    # -- what the archive holds ------------------------------------------------------------------------------

    def _entry_bytes(self, seq: int) -> bytes:
        size = self.head.checkpoint.size
        if seq >= size:
            raise CheckpointMissing(
                f"{keys.entry(seq)} is newer than the checkpoint of {size} entries; where a run was killed before "
                f"it could sign, the next `ledgerline pull` does"
            )
        return self._archive.store.get(keys.entry(seq))

    def _read_page(self, seq: int, number: int) -> _Page:
        key = keys.entry(seq)
        entry: Entry = read(self._entry_bytes(seq), key)
        ref = entry.objects[number - 1] if 0 < number <= len(entry.objects) else None
        if entry.kind != "pull" or ref is None or ref.records_root is UNSET:
            raise ObjectAltered(f"{key} is not a pull with a page {number} of records; {_LOOK}")
        try:
            records = split_page(self._archive.read_page(ref)).records
        except NotAPage as error:
            raise ObjectAltered(f"{ref.key} is not a page of records ({error}); {_LOOK}") from error
        return _Page(records, LeafTree.of(records))

    def _tile(self, level: int, index: int, width: int) -> bytes | None:
        try:
            return self._archive.store.get(keys.tile(level, index, width))
        except KeyMissing:
            return None

    def _log_path(self, seq: int) -> list[str]:
        return self._through_log(lambda tree: inclusion_path(tree, seq))

    def _through_log(self, path: Callable[[Tree], list[bytes]]) -> list[str]:
        try:
            return _lines(path(self._tree))
        except TileUnusable as error:
            raise LogError(
                f"there is no way through the log: {keys.TILES}{error}; restore it from a copy (its hashes follow "
                f"from the entries), and {_LOOK}"
            ) from error


def _lines(hashes: list[bytes]) -> list[str]:
    """Hashes as lines of base64."""
    return [base64.b64encode(value).decode() for value in hashes]


def _wrapped(data: bytes) -> list[str]:
    """Data as lines of base64, 76 characters long."""
    return base64.encodebytes(data).decode().splitlines()
