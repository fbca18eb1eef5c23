"""The Merkle tree against RFC 6962 and an implementation that is not ours."""

import hashlib
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pymerkle import InmemoryTree

from warehouse.archive import keys
from warehouse.archive.merkle import (
    EMPTY_ROOT,
    Edge,
    Peaks,
    leaf_hash,
    node_hash,
    root_of,
    root_of_hashes,
    tile_path,
    tiles_reached,
)

LEAVES = [b"entry %d" % number for number in range(601)]
HASHES = [leaf_hash(leaf) for leaf in LEAVES]
SIZES = range(len(LEAVES))


def definition(hashes: list[bytes]) -> bytes:
    """RFC 6962, section 2.1, word for word."""
    if not hashes:
        return hashlib.sha256(b"").digest()
    if len(hashes) == 1:
        return hashes[0]
    split = 1
    while split * 2 < len(hashes):
        split *= 2
    return hashlib.sha256(b"\x01" + definition(hashes[:split]) + definition(hashes[split:])).digest()


ROOTS = [definition(HASHES[:size]) for size in SIZES]


def test_roots_of_all_sizes_are_those_of_the_definition() -> None:
    assert [root_of(LEAVES[:size]) for size in SIZES] == ROOTS


def test_roots_of_all_sizes_are_those_of_another_implementation() -> None:
    tree = InmemoryTree(algorithm="sha256")
    for leaf in LEAVES:
        tree.append_entry(leaf)
    # pymerkle has no root for the empty tree
    assert [root_of(LEAVES[:size]) for size in SIZES[1:]] == [tree.get_root(size) for size in SIZES[1:]]


def test_an_edge_that_grows_has_the_same_roots() -> None:
    edge = Edge()
    roots = [edge.root()]
    for leaf in HASHES[:600]:
        edge.append(leaf)
        roots.append(edge.root())
    assert roots == ROOTS


def test_peaks_that_grow_have_the_same_roots() -> None:
    peaks = Peaks()
    roots = [peaks.root()]
    for leaf in HASHES[:600]:
        assert peaks.root_with(leaf) == ROOTS[peaks.size + 1]
        peaks.append(leaf)
        roots.append(peaks.root())
    assert roots == ROOTS


def test_the_published_hashes_come_out() -> None:
    # RFC 6962 test vectors as certificate-transparency's merkle_tree_test has them
    leaves = [bytes.fromhex(x) for x in ("", "00", "10", "2021", "3031", "40414243", "5051525354555657")]
    leaves.append(bytes.fromhex("606162636465666768696a6b6c6d6e6f"))
    assert EMPTY_ROOT.hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert root_of(leaves[:1]).hex() == "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"
    assert root_of(leaves).hex() == "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"


def test_an_edge_stays_small_however_long_the_log() -> None:
    edge = Edge(256**3 - 1, [list(HASHES[:255]), list(HASHES[:255]), list(HASHES[:255])])
    assert [tile.width for tile in edge.append(HASHES[0])] == [256, 256, 256, 1]
    assert [len(level) for level in edge.levels] == [0, 0, 0, 1]


# -- tiles -----------------------------------------------------------------------------------------------------


def widths(size: int) -> Iterator[tuple[int, int, int]]:
    """Level, index and width of each tile of a tree, as C2SP tlog-tiles counts them."""
    level = 0
    while size >> (8 * level):
        hashes = size >> (8 * level)
        yield from ((level, index, 256) for index in range(hashes // 256))
        if hashes % 256:
            yield level, hashes // 256, hashes % 256
        level += 1


@pytest.fixture(scope="module")
def stored() -> dict[str, bytes]:
    """The tiles that a log of 600 entries leaves behind."""
    edge = Edge()
    return {tile.path: tile.data for leaf in HASHES[:600] for tile in edge.append(leaf)}


@pytest.mark.parametrize("size", [1, 2, 3, 255, 256, 257, 300, 511, 512, 513, 600])
def test_the_root_follows_from_the_tiles_that_the_specification_names(stored: dict[str, bytes], size: int) -> None:
    hashes: list[bytes] = []
    for level, index, width in widths(size):
        data = stored[tile_path(level, index, width)]
        assert len(data) == 32 * width
        if level == 0:
            hashes += [data[start : start + 32] for start in range(0, len(data), 32)]
        else:
            below = [definition(HASHES[n * 256 : n * 256 + 256]) for n in range(index * 256, index * 256 + width)]
            assert data == b"".join(below)
    assert definition(hashes) == ROOTS[size]


def test_every_size_needs_only_tiles_that_were_written_by_then(stored: dict[str, bytes]) -> None:
    written: set[tuple[int, int, int]] = set()
    for size in range(1, 70_001):
        written.update(tiles_reached(size))
        if size <= 600 or size % 4096 < 2 or size in (65_535, 65_536, 65_537, 70_000):
            assert set(widths(size)) <= written, size


def test_the_example_of_the_specification_comes_out() -> None:
    tiles = list(widths(70_000))
    assert [t for t in tiles if t[0] == 0 and t[2] < 256] == [(0, 273, 112)]
    assert [t for t in tiles if t[0] > 0] == [(1, 0, 256), (1, 1, 17), (2, 0, 1)]


@pytest.mark.parametrize(
    ("level", "index", "width", "path"),
    [
        (0, 0, 256, "0/000"),
        (0, 0, 1, "0/000.p/1"),
        (0, 999, 255, "0/999.p/255"),
        (0, 1000, 256, "0/x001/000"),
        (1, 1234067, 256, "1/x001/x234/067"),
        (2, 1234067, 17, "2/x001/x234/067.p/17"),
        (63, 1_000_000_000, 256, "63/x001/x000/x000/000"),
    ],
)
def test_paths_of_tiles_are_those_of_the_specification(level: int, index: int, width: int, path: str) -> None:
    assert tile_path(level, index, width) == path
    assert keys.tile(level, index, width) == f"log/tile/{path}"


@given(st.integers(0, 5), st.integers(0, 10**10), st.integers(1, 256))
def test_a_tile_of_any_place_is_known_by_its_name(level: int, index: int, width: int) -> None:
    size = keys.tile_size(keys.tile(level, index, width))
    assert size == (index * 256 + width) << (8 * level)
    assert (level, index, width) in set(tiles_reached(size))


@pytest.mark.parametrize(
    "name",
    ["0/0", "0/000.p/0", "0/000.p/256", "0/000.p/01", "0/x000/000", "00/000", "64/000", "0/x001/x000", "0/٠٠٠",
     "0/000/001", "0/000.P/1", "junk", "0/", "0/1000", "-1/000"],
)  # fmt: skip
def test_what_is_no_tile_is_not_taken_for_one(name: str) -> None:
    assert keys.tile_size(f"log/tile/{name}") is None


def test_a_node_is_not_a_leaf() -> None:
    assert node_hash(HASHES[0], HASHES[1]) != leaf_hash(HASHES[0] + HASHES[1])
    assert root_of_hashes([HASHES[0]]) == HASHES[0]
