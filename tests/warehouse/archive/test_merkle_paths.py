"""Inclusion and consistency proofs against the words of RFC 6962 and an implementation that is not ours.

Go's own packages are asked in tests/real.
"""

import base64
import hashlib

import pytest
from pymerkle import InmemoryTree

from warehouse.archive.merkle import Edge, leaf_hash, root_of_hashes
from warehouse.archive.merkle_paths import (
    LeafTree,
    TileTree,
    TileUnusable,
    consistency_path,
    inclusion_path,
    root,
    root_through,
)
from warehouse.archive.verify_proof import NotProven, _root, consistent

LEAVES = [b"leaf %d" % number for number in range(600)]
HASHES = [leaf_hash(leaf) for leaf in LEAVES]
SMALL = range(1, 71)


def head(hashes: list[bytes]) -> bytes:
    """MTH of RFC 6962, section 2.1."""
    if len(hashes) == 1:
        return hashes[0]
    k = split(len(hashes))
    return hashlib.sha256(b"\x01" + head(hashes[:k]) + head(hashes[k:])).digest()


def b64(value: bytes) -> str:
    return base64.b64encode(value).decode()


def split(count: int) -> int:
    k = 1
    while k * 2 < count:
        k *= 2
    return k


def audit_path(m: int, hashes: list[bytes]) -> list[bytes]:
    """PATH of RFC 6962, section 2.1.1."""
    if len(hashes) == 1:
        return []
    k = split(len(hashes))
    if m < k:
        return [*audit_path(m, hashes[:k]), head(hashes[k:])]
    return [*audit_path(m - k, hashes[k:]), head(hashes[:k])]


def subproof(m: int, hashes: list[bytes], whole: bool) -> list[bytes]:
    """SUBPROOF of RFC 6962, section 2.1.2."""
    if m == len(hashes):
        return [] if whole else [head(hashes)]
    k = split(len(hashes))
    if m <= k:
        return [*subproof(m, hashes[:k], whole), head(hashes[k:])]
    return [*subproof(m - k, hashes[k:], False), head(hashes[:k])]


def tiles_of(size: int) -> dict[tuple[int, int, int], bytes]:
    """The tiles that a log of this size leaves behind."""
    edge = Edge()
    return {
        (tile.level, tile.index, tile.width): tile.data
        for number in range(size)
        for tile in edge.append(leaf_hash(b"leaf %d" % number))
    }


@pytest.fixture(scope="module")
def stored() -> dict[tuple[int, int, int], bytes]:
    return tiles_of(600)


def test_inclusion_paths_are_those_of_the_definition() -> None:
    for size in SMALL:
        tree = LeafTree(HASHES[:size])
        assert [inclusion_path(tree, m) for m in range(size)] == [
            audit_path(m, HASHES[:size]) for m in range(size)
        ]


def test_consistency_paths_are_those_of_the_definition() -> None:
    for size in SMALL:
        tree = LeafTree(HASHES[:size])
        for old in range(1, size + 1):
            assert consistency_path(tree, old) == subproof(old, HASHES[:size], True)


def test_inclusion_paths_are_those_of_another_implementation() -> None:
    theirs = InmemoryTree(algorithm="sha256")
    for leaf in LEAVES[:70]:
        theirs.append_entry(leaf)
    for size in SMALL:
        tree = LeafTree(HASHES[:size])
        for index in range(size):
            # theirs begins with the leaf itself, and counts from one
            path = theirs.prove_inclusion(index + 1, size).serialize()["path"]
            assert [HASHES[index].hex(), *(value.hex() for value in inclusion_path(tree, index))] == path


def test_what_we_make_checks_against_the_roots_of_another_implementation() -> None:
    theirs = InmemoryTree(algorithm="sha256")
    for leaf in LEAVES[:70]:
        theirs.append_entry(leaf)
    for size in SMALL:
        tree, new = LeafTree(HASHES[:size]), theirs.get_root(size)
        assert root(tree) == new
        for old in range(1, size + 1):
            assert consistent(old, theirs.get_root(old), size, new, consistency_path(tree, old))


def test_a_consistency_path_checks_for_no_other_pair_of_trees() -> None:
    roots = [root_of_hashes(HASHES[:size]) for size in range(34)]
    for new in range(1, 34):
        for old in range(1, new + 1):
            path = consistency_path(LeafTree(HASHES[:new]), old)
            for other in range(1, 34):
                assert consistent(other, roots[other], new, roots[new], path) == (other == old)
                assert not consistent(old, roots[old], new, roots[other], path) or other == new


def test_a_path_with_a_hash_too_many_or_too_few_leads_nowhere() -> None:
    for size in (1, 2, 7, 8, 33):
        tree = LeafTree(HASHES[:size])
        for index in range(size):
            lines = [b64(value) for value in inclusion_path(tree, index)]
            assert _root(HASHES[index], index, size, lines) == root(tree)
            for wrong in ([*lines, b64(HASHES[0])], [b64(HASHES[0]), *lines], lines[1:], lines[:-1]):
                if wrong != lines:
                    with pytest.raises(NotProven, match="has not the length"):
                        _root(HASHES[index], index, size, wrong)
    for old, new in ((1, 2), (4, 7), (5, 8), (8, 8), (7, 33)):
        tree = LeafTree(HASHES[:new])
        path, before = consistency_path(tree, old), root(tree, old)
        for wrong in ([*path, HASHES[0]], [HASHES[0], *path], path[1:], path[:-1]):
            assert not consistent(old, before, new, root(tree), wrong) or wrong == path


@pytest.mark.parametrize("size", [1, 2, 255, 256, 257, 300, 511, 512, 513, 600])
def test_paths_from_tiles_are_those_from_leaves(stored: dict[tuple[int, int, int], bytes], size: int) -> None:
    tiles = TileTree(size, lambda *place: stored.get(place))
    leaves = LeafTree(HASHES[:size])
    assert root(tiles) == root(leaves)
    for index in {0, 1, size // 3, size // 2, size - 1} & set(range(size)):
        assert inclusion_path(tiles, index) == inclusion_path(leaves, index)
        assert consistency_path(tiles, index + 1) == consistency_path(leaves, index + 1)


def test_a_path_through_a_long_log_takes_a_handful_of_tiles() -> None:
    size = 70_000
    tiles = tiles_of(size)
    asked = []

    def read(level: int, index: int, width: int) -> bytes | None:
        asked.append((level, index, width))
        return tiles.get((level, index, width))

    tree = TileTree(size, read)
    assert len(inclusion_path(tree, 12_345)) == 17
    assert sorted(asked) == [(0, 48, 256), (0, 273, 112), (1, 0, 256), (1, 1, 17)]
    leaf = leaf_hash(b"leaf 12345")
    assert _root(leaf, 12_345, size, [b64(value) for value in inclusion_path(tree, 12_345)]) == root(tree)
    assert consistent(12_345, root(tree, 12_345), size, root(tree), consistency_path(tree, 12_345))


def test_a_full_tile_stands_in_for_a_partial_one_that_a_mirror_dropped(
    stored: dict[tuple[int, int, int], bytes],
) -> None:
    kept = {(level, at, width): data for (level, at, width), data in stored.items() if (level, at) != (0, 1)}
    kept[0, 1, 256] = stored[0, 1, 256]
    assert root(TileTree(300, lambda *place: kept.get(place))) == root(LeafTree(HASHES[:300]))


@pytest.mark.parametrize(
    ("tile", "said"), [(None, "0/001.p/44 is missing"), (b"x" * 33, "0/001.p/44 has 33 bytes instead of 1408")]
)
def test_a_tile_that_is_gone_or_of_a_wrong_length_is_named(
    stored: dict[tuple[int, int, int], bytes], tile: bytes | None, said: str
) -> None:
    tree = TileTree(300, lambda *place: tile if place[:2] == (0, 1) else stored.get(place))
    with pytest.raises(TileUnusable, match=said):
        inclusion_path(tree, 299)


def test_places_outside_of_a_tree_have_no_path() -> None:
    tree = LeafTree(HASHES[:5])
    for index in (-1, 5, 6):
        with pytest.raises(IndexError):
            inclusion_path(tree, index)
    for old in (-1, 0, 6):
        with pytest.raises(IndexError):
            consistency_path(tree, old)


def test_a_path_leads_to_the_root_from_its_own_leaf_and_place_only() -> None:
    for size in SMALL:
        tree, top = LeafTree(HASHES[:size]), root_of_hashes(HASHES[:size])
        for index in range(size):
            path = inclusion_path(tree, index)
            assert root_through(HASHES[index], index, size, path) == top, (index, size)
            assert root_through(HASHES[size], index, size, path) != top
            for other in {index ^ 1, size - 1 - index} - {index}:
                if other < size:
                    assert root_through(HASHES[index], other, size, path) != top
            assert root_through(HASHES[index], index, size, [*path, top]) is None
            if path:
                assert root_through(HASHES[index], index, size, path[:-1]) is None


def test_the_paths_of_pymerkle_lead_to_its_root() -> None:
    theirs = InmemoryTree(algorithm="sha256")
    for leaf in LEAVES[:70]:
        theirs.append_entry(leaf)
    for size in (1, 2, 3, 31, 64, 65, 70):
        for index in {0, size // 2, size - 1}:
            path = [bytes.fromhex(step) for step in theirs.prove_inclusion(index + 1, size).serialize()["path"]][
                1:
            ]
            assert root_through(HASHES[index], index, size, path) == theirs.get_root(size), (index, size)
