"""Anchoring: the newest checkpoint copied to where the archive's writer cannot rewrite it, and timestamped.

Promise: a place that fails stops nobody and is told as an outcome; so is one that keeps a copy which this log does
not continue, and nothing of its is replaced. Copies are of the signed note, byte for byte.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from warehouse.archive import keys
from warehouse.archive.archive import Archive
from warehouse.archive.copies import Place, checkpoint_copy, newest_copy, open_place
from warehouse.archive.entry import sha256_hex
from warehouse.archive.errors import ArchiveError
from warehouse.archive.note import NoteError, parse_note
from warehouse.archive.proof import Prover, SignedHead
from warehouse.archive.timestamp import TimestampUnusable, ask, read_roots

Outcome = Literal["written", "there", "failed", "differs"]


@dataclass(frozen=True)
class Anchors:
    """Where to. `clones`: a folder for clones of git repositories. `certificates`: a PEM file, for `authority`.

    `opening` is how the archive at `archive_url` is opened; stores of its kind are opened alike.
    """

    addresses: Sequence[str] = ()
    clones: Path = Path("copies")
    authority: str | None = None
    certificates: Path | None = None
    opening: Mapping[str, Any] = field(default_factory=dict)
    archive_url: str = ""

    def place(self, address: str) -> Place:
        """The place behind an address. Raises StoreError."""
        return open_place(address, clones=self.clones, opening=self.opening, like=self.archive_url)

    def __bool__(self) -> bool:
        return bool(self.addresses or self.authority)


@dataclass(frozen=True)
class Anchored:
    """What became of one place. `differs`: it keeps a checkpoint that this log does not continue."""

    place: str
    outcome: Outcome
    detail: str = ""


@dataclass(frozen=True)
class AnchorReport:
    """`size` is that of the checkpoint, 0 where the log has none yet."""

    size: int = 0
    anchored: list[Anchored] = field(default_factory=list)


def anchor(archive: Archive, anchors: Anchors) -> AnchorReport:
    """Copy the newest checkpoint to each place, and have it timestamped.

    Raises what reading the archive raises; of the places nothing.
    """
    if archive.refresh().size == 0:
        return AnchorReport()
    prover = Prover(archive)
    done = [_copy(prover, address, anchors) for address in anchors.addresses]
    if anchors.authority is not None:
        done.append(_stamp(archive, prover.head, anchors, anchors.authority))
    return AnchorReport(prover.head.checkpoint.size, done)


def _copy(prover: Prover, address: str, anchors: Anchors) -> Anchored:
    head = prover.head.checkpoint
    try:
        place = anchors.place(address)
        quarrel = _quarrel(prover, place)
        if quarrel:
            return Anchored(place.url, "differs", quarrel)
        name = checkpoint_copy(head.origin, head.size)
        return Anchored(place.url, place.add({name: prover.head.note.encode()})[name], f"{head.size} entries")
    except (ArchiveError, OSError) as error:
        return Anchored(address, "failed", str(error))


def _quarrel(prover: Prover, place: Place) -> str:
    """Why the longest copy in a place is no beginning of this log; empty where it is, or there is none."""
    head = prover.head.checkpoint
    kept = newest_copy(place, head.origin)
    if kept is None:
        return ""
    size, note = kept
    try:
        text, _ = parse_note(note.decode())
    except (NoteError, UnicodeDecodeError) as error:
        return f"its copy of {size} entries is no checkpoint any more ({error})"
    if size > head.size:
        return f"it keeps a checkpoint of {size} entries, this log has {head.size}: entries were removed"
    if prover.signed_head(size).checkpoint.text != text:
        return f"it keeps another checkpoint of {size} entries than this log has: one of the two was rewritten"
    if size < head.size:
        prover.consistency(size)  # raises where what lies between was altered
    return ""


def _stamp(archive: Archive, head: SignedHead, anchors: Anchors, authority: str) -> Anchored:
    size, note = head.checkpoint.size, head.note.encode()
    try:
        if any(archive.store.list(f"{keys.TIMESTAMPS}{size:012d}/")):
            return Anchored(authority, "there", f"{size} entries")
        answer = ask(authority, note, read_roots(anchors.certificates))
        archive.put_beside(keys.timestamp(size, sha256_hex(answer)), answer)
    except (ArchiveError, TimestampUnusable, OSError) as error:
        return Anchored(authority, "failed", str(error))
    return Anchored(authority, "written", f"{size} entries")
