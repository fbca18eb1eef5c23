"""The log against checkpoints kept elsewhere: what was cut off, rewritten or replaced since is named."""

import pytest

from tests.warehouse.archive.rig import KEY, OTHER_KEY, SIZE, assert_clean, codes, open_with_state, pull
from tests.warehouse.archive.stores import MemoryStore
from warehouse.archive import keys
from warehouse.archive.note import Checkpoint, Signer, Verifier
from warehouse.archive.pins import Pin, read_pins
from warehouse.archive.verify import verify


def pin(store: MemoryStore, size: int) -> list[Pin]:
    return read_pins(store.get(keys.checkpoint(size)), "noted.txt")


def cut_off(store: MemoryStore, size: int) -> None:
    """Leave `size` entries, and nothing that tells of more."""
    for key in store.names("log/"):
        beyond = (keys.entry_seq(key) or 0) >= size or (keys.checkpoint_size(key) or 0) > size
        if beyond or (keys.tile_size(key) or 0) > size:
            store.delete(key)


@pytest.mark.parametrize("size", [1, 7, SIZE])
def test_a_log_that_only_grew_agrees_with_every_earlier_checkpoint(whole: MemoryStore, size: int) -> None:
    assert_clean(whole, pins=pin(whole, size))


def test_a_tail_cut_off_without_a_trace_is_truncated(whole: MemoryStore) -> None:
    pins = [*pin(whole, 7), *pin(whole, SIZE)]
    cut_off(whole, SIZE - 1)
    told = codes(verify(whole, pins=pins))
    assert ("truncated", f"noted.txt (checkpoint over {SIZE} entries)") in told
    assert not any("over 7" in subject for _, subject in told)


def test_without_a_pin_the_output_says_that_the_tail_is_unpinned(whole: MemoryStore) -> None:
    assert any("unpinned" in note for note in assert_clean(whole).notes)


def test_with_an_old_pin_the_output_says_which_tail_is_unpinned(whole: MemoryStore) -> None:
    assert any(
        f"7 of {SIZE}" in note and "unpinned" in note for note in assert_clean(whole, pins=pin(whole, 7)).notes
    )
    assert not any("unpinned" in note for note in assert_clean(whole, pins=pin(whole, SIZE)).notes)


def test_a_log_cut_off_and_grown_again_is_forked(whole: MemoryStore) -> None:
    pins = pin(whole, SIZE)
    cut_off(whole, SIZE - 1)
    archive = open_with_state(whole)
    pull(archive, 30)
    pull(archive, 31)
    assert ("forked", pins[0].name) in codes(verify(whole, pins=pins))


def signed(whole: MemoryStore, size: int, **how: object) -> list[Pin]:
    name = str(how.get("name", open_with_state(whole).state.origin))
    root = how.get("root", bytes(32))
    assert isinstance(root, bytes)
    note = Signer(name, how.get("key", KEY)).sign(Checkpoint(str(how.get("origin", name)), size, root).text)  # type: ignore[arg-type]
    return read_pins(note.encode(), "noted.txt")


def test_a_checkpoint_over_other_entries_is_forked(whole: MemoryStore) -> None:
    assert {code for code, _ in codes(verify(whole, pins=signed(whole, 7)))} == {"forked"}


def test_a_checkpoint_of_another_key_is_foreign(whole: MemoryStore, signers: list[Verifier]) -> None:
    pins = signed(whole, 7, key=OTHER_KEY)
    assert {code for code, _ in codes(verify(whole, pins=pins, trusted=signers))} == {"foreign_key"}


def test_a_checkpoint_of_another_log_is_forked(whole: MemoryStore, signers: list[Verifier]) -> None:
    for pins in (signed(whole, 7, name="ledgerline/another"), signed(whole, 7, origin="ledgerline/another")):
        assert {code for code, _ in codes(verify(whole, pins=pins, trusted=signers))} == {"forked"}


def test_a_checkpoint_whose_signature_is_wrong_is_told(whole: MemoryStore) -> None:
    note = whole.get(keys.checkpoint(7)).decode().replace("\n7\n", "\n8\n")
    assert {code for code, _ in codes(verify(whole, pins=read_pins(note.encode(), "x")))} == {"signature"}


def test_a_pin_over_damaged_entries_is_compared_with_the_stored_checkpoint(whole: MemoryStore) -> None:
    pins = pin(whole, 9)
    whole.delete(keys.entry(3))
    whole.delete(keys.tile(0, 0, 4))
    assert {code for code, _ in codes(verify(whole, pins=pins))} <= {"missing", "added"}
