"""RFC 6962 inclusion and consistency proofs, made from leaf hashes or from the tiles that a log has stored.

Promise: a proof needs O(log n) hashes and, from tiles, a handful of reads, however long the log is. They are
checked by `verify_proof`, which shares no code with this. Source: RFC 6962 sections 2.1.1, 2.1.2; C2SP tlog-tiles.
"""

from collections.abc import Callable, Sequence
from typing import Protocol

from warehouse.archive.merkle import EMPTY_ROOT, TILE_WIDTH, leaf_hash, node_hash, root_of_hashes, tile_path

HASH_BYTES = 32
_TILE_HEIGHT = TILE_WIDTH.bit_length() - 1

# The bytes of one tile, by level, index and width; None where there is no such tile.
ReadTile = Callable[[int, int, int], bytes | None]


class TileUnusable(ValueError):
    """A stored tile is not there, or does not hold as many hashes as its name says."""


class Tree(Protocol):
    """A Merkle tree of `size` leaves that can say the root of each whole subtree."""

    @property
    def size(self) -> int: ...

    def node(self, height: int, index: int) -> bytes:
        """The root over leaves `index << height` up to (not including) `(index + 1) << height`."""


class LeafTree:
    """A tree whose leaf hashes are all at hand: a page and its records."""

    def __init__(self, hashes: Sequence[bytes]) -> None:
        self._levels: list[Sequence[bytes]] = [hashes]

    @classmethod
    def of(cls, leaves: Sequence[bytes]) -> "LeafTree":
        """The tree over leaf data."""
        return cls([leaf_hash(leaf) for leaf in leaves])

    @property
    def size(self) -> int:
        return len(self._levels[0])

    def node(self, height: int, index: int) -> bytes:
        while len(self._levels) <= height:
            below = self._levels[-1]
            pairs = zip(below[::2], below[1::2], strict=False)
            self._levels.append([node_hash(left, right) for left, right in pairs])
        return self._levels[height][index]


class TileTree:
    """A log's tree of one size, read from its tiles as far as a question needs them."""

    def __init__(self, size: int, read: ReadTile) -> None:
        self._size = size
        self._read = read
        self._tiles: dict[tuple[int, int], bytes] = {}

    @property
    def size(self) -> int:
        return self._size

    def node(self, height: int, index: int) -> bytes:
        """Raises TileUnusable when the tile that holds it is absent or has a wrong length."""
        level, rise = divmod(height, _TILE_HEIGHT)
        tile, first = divmod(index << rise, TILE_WIDTH)
        data = self._tile(level, tile)
        wanted = range(first * HASH_BYTES, (first + (1 << rise)) * HASH_BYTES, HASH_BYTES)
        return root_of_hashes([data[at : at + HASH_BYTES] for at in wanted])

    def _tile(self, level: int, index: int) -> bytes:
        known = self._tiles.get((level, index))
        if known is None:
            width = min(TILE_WIDTH, (self._size >> (_TILE_HEIGHT * level)) - index * TILE_WIDTH)
            known = self._tiles[level, index] = self._fetch(level, index, width)
        return known

    def _fetch(self, level: int, index: int, width: int) -> bytes:
        # Whoever mirrors a log may drop its partial tiles once the full one is there.
        for stored in dict.fromkeys((width, TILE_WIDTH)):
            data = self._read(level, index, stored)
            if data is None:
                continue
            if len(data) != stored * HASH_BYTES:
                raise TileUnusable(
                    f"{tile_path(level, index, stored)} has {len(data)} bytes instead of {stored * HASH_BYTES}"
                )
            return data[: width * HASH_BYTES]
        raise TileUnusable(f"{tile_path(level, index, width)} is missing")


def root(tree: Tree, size: int | None = None) -> bytes:
    """The root over the first `size` leaves (default: all)."""
    size = tree.size if size is None else size
    return _range_root(tree, 0, size) if size else EMPTY_ROOT


def inclusion_path(tree: Tree, index: int) -> list[bytes]:
    """The hashes that lead from leaf `index` to the root, from its sibling upwards. Raises IndexError."""
    if not 0 <= index < tree.size:
        raise IndexError(f"there is no leaf {index} in a tree of {tree.size}")
    path: list[bytes] = []
    start, end = 0, tree.size
    while end - start > 1:
        middle = start + _split(end - start)
        if index < middle:
            path.append(_range_root(tree, middle, end))
            end = middle
        else:
            path.append(_range_root(tree, start, middle))
            start = middle
    return path[::-1]


def root_through(leaf: bytes, index: int, size: int, path: Sequence[bytes]) -> bytes | None:
    """The root that a leaf hash and its path lead to; None where the path has another length than it must."""
    last, hashes, node = size - 1, list(path), leaf
    while last:
        if index % 2 or index < last:
            if not hashes:
                return None
            other = hashes.pop(0)
            node = node_hash(other, node) if index % 2 else node_hash(node, other)
        index, last = index // 2, last // 2
    return None if hashes else node


def consistency_path(tree: Tree, old: int) -> list[bytes]:
    """The hashes which show that the tree of `old` leaves is the beginning of this one. Raises IndexError.

    Empty for a tree and itself. There is no proof from the empty tree: it is the beginning of everything.
    """
    if not 0 < old <= tree.size:
        raise IndexError(f"a tree of {tree.size} has no beginning of {old} leaves to speak of")
    path: list[bytes] = []
    start, end = 0, tree.size
    while old != end:
        middle = start + _split(end - start)
        if old <= middle:
            path.append(_range_root(tree, middle, end))
            end = middle
        else:
            path.append(_range_root(tree, start, middle))
            start = middle
    if start:  # else this is the whole old tree, whose root the reader has
        path.append(_range_root(tree, start, end))
    return path[::-1]


def _split(count: int) -> int:
    """The largest power of two below `count` (at least 2)."""
    return 1 << (count - 1).bit_length() - 1


def _range_root(tree: Tree, start: int, end: int) -> bytes:
    """The root over leaves `start` to `end`, as the definition splits them: whole subtrees, highest first."""
    peaks = []
    while start < end:
        # `start` is a multiple of every power of two that fits into what is left
        height = (end - start).bit_length() - 1
        peaks.append(tree.node(height, start >> height))
        start += 1 << height
    joined = peaks.pop()
    while peaks:
        joined = node_hash(peaks.pop(), joined)
    return joined
