"""Incremental verification goes on where a clean one ended, costs what was added, and says what it left out."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tests.warehouse.archive.rig import (
    OTHER_KEY,
    STREAM,
    assert_clean,
    codes,
    filled,
    open_archive,
    open_with_state,
    pull,
    trusted,
)
from tests.warehouse.archive.stores import BEGIN, Clock, Counting, MemoryStore
from warehouse.archive import keys
from warehouse.archive.cosignature import Cosigner
from warehouse.archive.entry import Draft
from warehouse.archive.rotate import rotate
from warehouse.archive.store import open_store
from warehouse.archive.verify import verify
from warehouse.archive.verify_pins import kept_pin
from warehouse.archive.verify_start import Position, PositionFile

AT = datetime(2026, 11, 20, tzinfo=UTC)


def verified(store: MemoryStore) -> Position:
    note = assert_clean(store).reached
    assert note is not None
    return Position(note, AT)


def grow(store: MemoryStore, *hours: int) -> None:
    archive = open_with_state(store)
    for number in hours:
        pull(archive, number)
    archive.settle()


def test_only_what_was_added_is_read_and_the_notes_say_so(whole: MemoryStore) -> None:
    position = verified(whole)
    grow(whole, 7, 8)
    result = assert_clean(whole, position=position)
    assert result.checked["objects"] == 2
    assert any("not looked at: entries before 14" in note for note in result.notes)
    assert result.reached == whole.get(keys.checkpoint(18)).decode()


def test_what_is_altered_among_the_additions_is_found(whole: MemoryStore) -> None:
    position = verified(whole)
    grow(whole, 7, 8)
    page = whole.names("pages/")[-1]
    whole.alter(page, b"x")
    whole.alter(keys.entry(17), whole.get(keys.entry(17)).replace(b'"counts":{}', b'"counts":{"a":1}'))
    told = codes(verify(whole, position=position))
    assert ("altered", keys.entry(17)) in told
    whole.clock.advance(hours=5)
    assert verify(whole, position=position).reached is None


def test_one_that_ends_clean_goes_on_from_there_the_next_time(whole: MemoryStore) -> None:
    position = verified(whole)
    for number in range(7, 12):
        grow(whole, number)
        result = assert_clean(whole, position=position)
        assert result.checked["objects"] == 1
        assert result.reached is not None
        position = Position(result.reached, AT)


def test_strangers_among_what_was_written_since_are_found(whole: MemoryStore) -> None:
    position = verified(whole)
    grow(whole, 7)
    stranger = whole.names("pages/")[-1] + "x"
    whole.overwrite(stranger, b"slipped in")
    whole.clock.advance(hours=3)
    grow(whole, 8)
    assert ("added", stranger) in codes(verify(whole, position=position))


def test_a_stranger_that_was_young_the_last_time_is_found_the_next(whole: MemoryStore) -> None:
    stranger = whole.names("pages/")[-1] + "x"
    whole.overwrite(stranger, b"slipped in")
    position = verified(whole)
    whole.clock.advance(hours=3)
    grow(whole, 7)
    assert ("added", stranger) in codes(verify(whole, position=position))


def test_delete_markers_over_what_was_added_are_found(clock: Clock) -> None:
    store = MemoryStore(clock, versioned=True)
    filled(store)
    position = verified(store)
    grow(store, 7, 8)
    for key in (keys.entry(17), keys.checkpoint(18), store.names("pages/")[-1]):
        hidden = store.copy()
        hidden.delete(key)
        assert ("delete_marker", key) in codes(verify(hidden, position=position))


def test_a_log_that_is_shorter_than_what_was_verified_is_rolled_back(whole: MemoryStore) -> None:
    older = whole.copy()
    grow(whole, 7)
    position = verified(whole)
    for options in ({"position": position, "pins": [kept_pin(position)]}, {"pins": [kept_pin(position)]}):
        assert "rolled_back" in {code for code, _ in codes(verify(older, **options))}  # type: ignore[arg-type]


@pytest.mark.parametrize("hours", [1, 200])
def test_a_position_of_another_or_a_forged_log_hides_nothing(whole: MemoryStore, hours: int) -> None:
    other = MemoryStore(Clock())
    archive = open_archive(other)
    for number in range(hours % 7 + 1):
        pull(archive, number)
    archive.settle()
    position = verified(other)
    whole.alter(whole.names("pages/")[0], b"x")
    result = verify(whole, position=position)
    assert "altered" in {finding.code for finding in result.findings}
    assert any("is no checkpoint of this archive" in note for note in result.notes)


def test_a_forged_checkpoint_in_store_and_file_alike_is_judged_by_its_signature(whole: MemoryStore) -> None:
    size = 16
    note = whole.get(keys.checkpoint(size))
    # A character of base64: a file in bad form would not be read at all.
    other = b"A" if note[-9:-8] != b"A" else b"B"
    forged = note[:-9] + other + note[-8:]
    whole.alter(keys.checkpoint(size), forged)
    told = codes(verify(whole, position=Position(forged.decode(), AT)))
    assert ("signature", keys.checkpoint(size)) in told


def test_since_a_time_before_the_position_looks_at_what_was_committed_from_then_on(whole: MemoryStore) -> None:
    position = verified(whole)
    grow(whole, 7)
    result = assert_clean(whole, position=position, since=BEGIN + timedelta(hours=1))
    assert result.checked["objects"] == 2
    assert result.reached is not None
    everything = assert_clean(whole, position=position, since=BEGIN - timedelta(days=1))
    assert everything.checked["objects"] == assert_clean(whole).checked["objects"]


def test_since_a_time_after_the_position_leaves_something_out_and_is_not_gone_on_from(whole: MemoryStore) -> None:
    position = verified(whole)
    whole.clock.advance(hours=1)
    grow(whole, 7)
    whole.clock.advance(hours=1)
    grow(whole, 8)
    result = assert_clean(whole, position=position, since=whole.clock.now - timedelta(minutes=1))
    assert result.checked["objects"] == 1
    assert result.reached is None


def test_what_it_asks_of_the_store_does_not_grow_with_the_archive() -> None:
    asked = []
    for entries in (600, 1800):
        store = MemoryStore(Clock())
        archive = open_archive(store)
        while archive.state.size < entries:
            store.clock.advance(minutes=5)
            archive.commit(Draft(kind="pull", stream=STREAM))
        archive.log.snapshot()
        archive.settle()
        position = verified(store)
        for _ in range(20):
            store.clock.advance(minutes=5)
            archive.commit(Draft(kind="pull", stream=STREAM))
        archive.settle()
        counting = Counting(store)
        assert_clean(counting, position=position)
        asked.append(counting.reads)
    assert asked[1] <= asked[0] * 1.2


def test_a_folder_is_gone_on_in_like_a_bucket(tmp_path: Path) -> None:
    store = open_store(f"file:{tmp_path}/archive")
    clock = Clock(datetime.now(UTC))
    archive = filled(store, clock=clock)
    position = Position(str(assert_clean(store).reached), AT)
    pull(archive, 7)
    archive.settle()
    assert assert_clean(store, position=position).checked["objects"] == 1
    (tmp_path / "archive" / keys.entry(16)).unlink()
    assert "truncated" in {code for code, _ in codes(verify(store, position=position))}


# -- the file ---------------------------------------------------------------------------------------------------


def test_the_file_is_read_as_it_was_written(tmp_path: Path, whole: MemoryStore) -> None:
    file = PositionFile.beside(tmp_path / "cache" / "state.cache")
    assert file.load() is None
    position = verified(whole)
    file.save(position)
    assert file.load() == position


@pytest.mark.parametrize("data", [b"", b"{}", b"[]", b"\xff", b'{"format":"ledgerline-verified/9"}', b"{" * 5000])
def test_a_file_that_is_none_is_passed_over(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "verified").write_bytes(data)
    assert PositionFile(tmp_path / "verified").load() is None


def test_a_file_that_cannot_be_written_is_no_reason_to_fail(tmp_path: Path, whole: MemoryStore) -> None:
    (tmp_path / "verified").mkdir()
    PositionFile(tmp_path / "verified").save(verified(whole))
    assert list(tmp_path.iterdir()) == [tmp_path / "verified"]


def test_it_goes_on_over_a_change_of_the_key(memory: MemoryStore) -> None:
    first = open_archive(memory)
    for number in range(3):
        pull(first, number)
    first.log.snapshot()
    pull(first, 3)
    first.settle()
    old = trusted(first)
    position = verified(memory)
    rotate(first, OTHER_KEY)
    new = trusted(first, OTHER_KEY)
    pull(open_archive(memory, key=OTHER_KEY), 4)
    for known in (old, new, [*old, *new], None):
        result = assert_clean(memory, trusted=known, position=position)
        assert result.checked["entries"] < 8
    # and from a position behind the change, where only the state names the keys
    later = verified(memory)
    pull(open_archive(memory, key=OTHER_KEY), 5)
    for known in (old, new, None):
        assert_clean(memory, trusted=known, position=later)
    stranger = trusted(first, Ed25519PrivateKey.from_private_bytes(b"\x09" * 32))
    assert {code for code, _ in codes(verify(memory, trusted=stranger, position=later))} == {"foreign_key"}


def test_what_witnesses_say_is_heard_from_there_on(memory: MemoryStore) -> None:
    alex = Cosigner("witness.example.com/alex", OTHER_KEY)
    archive = open_archive(memory)
    for number in range(3):
        pull(archive, number)
    archive.log.snapshot()
    pull(archive, 3)
    archive.settle()
    position = verified(memory)
    grow(memory, 4, 5)
    note = memory.get(keys.checkpoint(7)).decode()
    name = keys.cosignature(7, alex.key.key_hash)
    memory.overwrite(name, (note + alex.line(note.partition("\n\n")[0] + "\n", AT)).encode())
    assert_clean(memory, position=position, witnesses=[alex.key])
    memory.alter(name, note.encode())
    result = verify(memory, position=position, witnesses=[alex.key])
    assert codes(result) == {("signature", name)}
    assert result.reached is None
