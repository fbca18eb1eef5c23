"""RFC 6962 Merkle tree: hashes, root, and the growing edge from which checkpoints and C2SP tiles are written.

Promise: the edge holds at most 255 hashes a level, so appending and rooting cost the same at entry ten as at
entry ten million. Source: RFC 6962 section 2.1; C2SP tlog-tiles (tiles are 256 hashes wide).
"""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

TILE_WIDTH = 256
EMPTY_ROOT = hashlib.sha256(b"").digest()

_sha256 = hashlib.sha256


def leaf_hash(data: bytes) -> bytes:
    """SHA-256(0x00 || data), 32 bytes."""
    return _sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """SHA-256(0x01 || left || right), 32 bytes."""
    return _sha256(b"\x01" + left + right).digest()


def root_of(leaves: Iterable[bytes]) -> bytes:
    """The RFC 6962 root over the given leaf data, in order; the empty tree has SHA-256 of nothing."""
    return root_of_hashes([_sha256(b"\x00" + leaf).digest() for leaf in leaves])


def root_of_hashes(level: Sequence[bytes]) -> bytes:
    """The root over leaf hashes. An odd last node rises unchanged, which is what RFC 6962's split yields."""
    if not level:
        return EMPTY_ROOT
    sha256 = _sha256
    while len(level) > 1:
        pairs = zip(level[::2], level[1::2], strict=False)
        above = [sha256(b"\x01" + left + right).digest() for left, right in pairs]
        if len(level) % 2:
            above.append(level[-1])
        level = above
    return level[0]


@dataclass(frozen=True)
class Tile:
    """Hashes of one tile: `level` 0 are leaves; `width` is 256 for a full tile, else that of a partial one."""

    level: int
    index: int
    width: int
    data: bytes

    @property
    def path(self) -> str:
        return tile_path(self.level, self.index, self.width)


def tile_path(level: int, index: int, width: int) -> str:
    """C2SP tlog-tiles path below `tile/`: level, index in groups of three digits, `.p/<W>` if partial."""
    digits = f"{index % 1000:03d}"
    above = index // 1000
    while above:
        digits = f"x{above % 1000:03d}/{digits}"
        above //= 1000
    return f"{level}/{digits}" + ("" if width == TILE_WIDTH else f".p/{width}")


def tiles_reached(size: int) -> Iterator[tuple[int, int, int]]:
    """Level, index and width of each tile that the last leaf of a tree of this size widened, lowest level first.

    A level is reached when the tile below it is full.
    """
    level, hashes = 0, size
    while True:
        width = (hashes - 1) % TILE_WIDTH + 1
        yield level, (hashes - 1) // TILE_WIDTH, width
        if width < TILE_WIDTH:
            return
        level, hashes = level + 1, hashes // TILE_WIDTH


@dataclass
class Edge:
    """The right edge of a tree: per level the hashes of its unfinished tile. `size` is the leaves so far."""

    size: int = 0
    levels: list[list[bytes]] = field(default_factory=list)

    def append(self, leaf: bytes) -> list[Tile]:
        """Add one leaf hash; returns the tiles that the tree of this size has and the one before had not.

        They are those of `tiles_reached`, with their hashes.
        """
        self.size += 1
        tiles = []
        carry = leaf
        for level, index, width in tiles_reached(self.size):
            if level == len(self.levels):
                self.levels.append([])
            hashes = self.levels[level]
            hashes.append(carry)
            tiles.append(Tile(level, index, width, b"".join(hashes)))
            if width == TILE_WIDTH:
                carry = root_of_hashes(hashes)
                hashes.clear()
        return tiles

    def root(self) -> bytes:
        """The RFC 6962 root over all leaves appended so far."""
        return self.peaks().root()

    def peaks(self) -> "Peaks":
        """The same tree, as the roots of its largest whole subtrees."""
        peaks: list[bytes] = []
        for hashes in reversed(self.levels):
            position = 0
            for bit in range(7, -1, -1):
                if len(hashes) & (1 << bit):
                    peaks.append(root_of_hashes(hashes[position : position + (1 << bit)]))
                    position += 1 << bit
        return Peaks(self.size, peaks)


@dataclass
class Peaks:
    """The roots of the largest whole subtrees, left to right: enough to append and to root, in O(log n).

    For going over every size of a log, where an edge would hash its whole unfinished tile again each time.
    """

    size: int = 0
    hashes: list[bytes] = field(default_factory=list)

    def append(self, leaf: bytes) -> None:
        """Add one leaf hash."""
        whole = leaf
        for _ in range((~self.size & (self.size + 1)).bit_length() - 1):  # trailing ones: subtrees it completes
            whole = node_hash(self.hashes.pop(), whole)
        self.hashes.append(whole)
        self.size += 1

    def root_with(self, leaf: bytes) -> bytes:
        """The root that the tree would have with this leaf appended; nothing is changed."""
        trial = Peaks(self.size, list(self.hashes))
        trial.append(leaf)
        return trial.root()

    def root(self) -> bytes:
        """The RFC 6962 root over all leaves appended so far."""
        return _joined(list(self.hashes))


def _joined(peaks: list[bytes]) -> bytes:
    """The root over the roots of whole subtrees, given left to right."""
    if not peaks:
        return EMPTY_ROOT
    root = peaks.pop()
    while peaks:
        root = node_hash(peaks.pop(), root)
    return root
