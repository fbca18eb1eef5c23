"""The verifier against somebody who changes checkpoints and tiles, with and without the key."""

from collections.abc import Callable

import pytest

from tests.warehouse.archive.rig import (
    KEY,
    OTHER_KEY,
    SIZE,
    assert_clean,
    found,
    long_log,
    open_with_state,
    trusted,
)
from tests.warehouse.archive.stores import MemoryStore
from warehouse.archive import keys
from warehouse.archive.merkle import root_of
from warehouse.archive.note import Checkpoint, Signer, Verifier


@pytest.mark.parametrize("size", [1, 7, SIZE])
@pytest.mark.parametrize(
    "change",
    [
        lambda note: note[:-8] + (b"A" if note[-8:-7] != b"A" else b"B") + note[-7:],
        lambda note: note[:-1],
        lambda note: b"",
        lambda note: b"\xff" + note,
        lambda note: note.replace(b"\n\n", b"\nextension\n\n"),
        lambda note: note + b"\n",
    ],
    ids=["signature", "cut", "emptied", "bytes", "text", "longer"],
)
def test_a_checkpoint_with_other_bytes_has_no_signature(
    whole: MemoryStore, size: int, change: Callable[[bytes], bytes], signers: list[Verifier]
) -> None:
    key = keys.checkpoint(size)
    whole.alter(key, change(whole.get(key)))
    assert found(whole, trusted=signers) == {("signature", key)}


def test_a_checkpoint_with_a_signature_added_is_altered(whole: MemoryStore) -> None:
    key = keys.checkpoint(7)
    note = whole.get(key).decode()
    stranger = Signer("witness", OTHER_KEY).sign(note.partition("\n\n")[0] + "\n").rpartition("\n\n")[2]
    whole.alter(key, (note + stranger).encode())
    assert found(whole) == {("altered", key)}


@pytest.mark.parametrize("size", [1, 7, SIZE - 1])
def test_a_checkpoint_that_is_gone_is_missing(whole: MemoryStore, size: int) -> None:
    whole.delete(keys.checkpoint(size))
    assert found(whole) == {("missing", keys.checkpoint(size))}


def test_a_head_without_a_checkpoint_is_not_signed(whole: MemoryStore) -> None:
    whole.delete(keys.checkpoint(SIZE))
    assert found(whole) == {("signature", keys.checkpoint(SIZE))}


def test_checkpoints_in_each_others_place_are_renumbered(whole: MemoryStore) -> None:
    one, two = keys.checkpoint(5), keys.checkpoint(9)
    first, second = whole.get(one), whole.get(two)
    whole.alter(one, second)
    whole.alter(two, first)
    assert found(whole) == {("renumbered", one), ("renumbered", two)}


def test_a_checkpoint_over_more_entries_than_there_are_is_truncated_only_if_it_was_signed(
    whole: MemoryStore, signers: list[Verifier]
) -> None:
    origin = signers[0].name
    copied, junk, ours, foreign = (keys.checkpoint(size) for size in (50, 51, 52, 53))
    whole.overwrite(copied, whole.get(keys.checkpoint(5)))
    whole.overwrite(junk, b"?")
    whole.overwrite(ours, Signer(origin, KEY).sign(Checkpoint(origin, 52, bytes(32)).text).encode())
    whole.overwrite(foreign, Signer(origin, OTHER_KEY).sign(Checkpoint(origin, 53, bytes(32)).text).encode())
    assert found(whole, trusted=signers) == {
        ("renumbered", copied), ("signature", junk), ("truncated", ours), ("foreign_key", foreign),
    }  # fmt: skip


def test_a_checkpoint_of_another_key_is_foreign(whole: MemoryStore, signers: list[Verifier]) -> None:
    data = [whole.get(keys.entry(seq)) for seq in range(7)]
    note = Signer(signers[0].name, OTHER_KEY).sign(Checkpoint(signers[0].name, 7, root_of(data)).text)
    whole.alter(keys.checkpoint(7), note.encode())
    assert found(whole) == {("foreign_key", keys.checkpoint(7))}


def test_a_log_signed_by_somebody_else_altogether_is_foreign_from_end_to_end(whole: MemoryStore) -> None:
    archive = open_with_state(whole)
    wrong = trusted(archive, OTHER_KEY)
    assert found(whole, trusted=wrong) == {("foreign_key", keys.CHECKPOINTS)}


def test_a_checkpoint_of_another_log_is_forked_even_over_the_same_entries(
    whole: MemoryStore, signers: list[Verifier]
) -> None:
    other = Signer("ledgerline/other", KEY)
    root = root_of([whole.get(keys.entry(seq)) for seq in range(7)])
    whole.alter(keys.checkpoint(7), other.sign(Checkpoint("ledgerline/other", 7, root).text).encode())
    assert found(whole, trusted=[*signers, other.verifier]) == {("forked", keys.checkpoint(7))}


def test_a_checkpoint_signed_over_other_entries_is_forked(whole: MemoryStore, signers: list[Verifier]) -> None:
    origin = signers[0].name
    whole.alter(keys.checkpoint(7), Signer(origin, KEY).sign(Checkpoint(origin, 7, bytes(32)).text).encode())
    assert found(whole, trusted=signers) == {("forked", keys.checkpoint(7))}


# -- tiles ----------------------------------------------------------------------------------------------------

TILE = keys.tile(0, 0, 7)


@pytest.mark.parametrize(
    "change", [lambda d: bytes([d[0] ^ 1]) + d[1:], lambda d: d[:-1], lambda d: b"", lambda d: d + d]
)
def test_a_tile_with_other_bytes_is_altered(whole: MemoryStore, change: Callable[[bytes], bytes]) -> None:
    whole.alter(TILE, change(whole.get(TILE)))
    assert found(whole) == {("altered", TILE)}


def test_a_tile_that_is_gone_is_missing(whole: MemoryStore) -> None:
    whole.delete(TILE)
    assert found(whole) == {("missing", TILE)}


def test_tiles_in_each_others_place_are_both_altered(whole: MemoryStore) -> None:
    other = keys.tile(0, 0, 9)
    first, second = whole.get(TILE), whole.get(other)
    whole.alter(TILE, second)
    whole.alter(other, first)
    assert found(whole) == {("altered", TILE), ("altered", other)}


@pytest.mark.parametrize("place", [(0, 0, 99), (0, 1, 1), (1, 0, 1), (3, 1234, 256)])
def test_a_tile_of_a_longer_log_says_that_entries_were_cut_off(
    whole: MemoryStore, place: tuple[int, int, int]
) -> None:
    whole.overwrite(keys.tile(*place), b"?" * 32)
    assert found(whole) == {("truncated", keys.tile(*place))}


def test_an_altered_entry_and_its_tile_do_not_cover_for_each_other(whole: MemoryStore) -> None:
    whole.alter(keys.entry(6), whole.get(keys.entry(6)).replace(b"ledgerline-", b"ledgerlinf-"))
    for size in range(7, SIZE + 1):
        key = keys.tile(0, 0, size)
        whole.alter(key, whole.get(key)[:192] + bytes(32) + whole.get(key)[224:])
    result = found(whole)
    assert ("forked", keys.checkpoint(7)) in result
    assert ("altered", keys.entry(6)) in result


@pytest.mark.parametrize("entries", [255, 256, 257])
def test_a_log_across_the_edge_of_a_tile_is_judged_the_same(entries: int) -> None:
    store = long_log(entries)
    assert_clean(store)
    head, gone = keys.entry(entries - 1), keys.entry(100)
    tile = keys.tile(0, 0, 50)
    store.alter(head, b"")
    store.delete(gone)
    store.alter(tile, store.get(tile)[::-1])
    assert found(store) == {("altered", head), ("missing", gone), ("altered", tile)}


def test_the_tile_above_a_full_one_is_looked_at_too() -> None:
    store = long_log(257)
    above = keys.tile(1, 0, 1)
    store.alter(above, store.get(above)[::-1])
    assert found(store) == {("altered", above)}
    store.delete(above)
    assert found(store) == {("missing", above)}
