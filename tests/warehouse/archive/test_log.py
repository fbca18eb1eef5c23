"""The log: numbers, chain, signatures, and where its end is."""

import json
from datetime import timedelta
from pathlib import Path

import pytest

from tests.warehouse.archive.rig import (
    BEGIN,
    OTHER_KEY,
    STREAM,
    assert_clean,
    long_log,
    open_archive,
    pull,
    trusted,
)
from tests.warehouse.archive.stores import Clock, Counting, Deaf, MemoryStore, Retrying
from warehouse.archive import keys
from warehouse.archive.archive import Archive
from warehouse.archive.entry import Draft, sha256_hex
from warehouse.archive.errors import (
    SigningKeyInvalid,
    SigningKeyMissing,
    StoreUnreachable,
)
from warehouse.archive.log import SNAPSHOT_EVERY
from warehouse.archive.merkle import root_of
from warehouse.archive.note import Checkpoint, open_note
from warehouse.wire.times import rfc3339


def entry_bytes(store: MemoryStore) -> list[bytes]:
    return [store.get(key) for key in store.names(keys.ENTRIES)]


# -- entries ---------------------------------------------------------------------------------------------------


def test_the_first_entry_names_the_log_and_its_key(archive: Archive, memory: MemoryStore) -> None:
    pull(archive, 0)
    first = archive.entry(0)
    assert (first.kind, first.seq, first.previous, first.snapshot) == ("snapshot", 0, None, None)
    assert first.origin is not None
    assert str(first.origin).startswith("ledgerline/")
    assert first.public_key == trusted(archive)[0].vkey


def test_entries_are_numbered_in_a_row_and_each_names_the_one_before(
    archive: Archive, memory: MemoryStore
) -> None:
    for number in range(5):
        pull(archive, number)
    entries = list(archive.entries())
    assert [entry.seq for entry in entries] == [0, 1, 2, 3, 4, 5]
    assert [entry.previous for entry in entries[1:]] == [sha256_hex(data) for data in entry_bytes(memory)[:-1]]


def test_each_entry_names_the_newest_snapshot_before_it(archive: Archive) -> None:
    pull(archive, 0)
    archive.log.snapshot()
    pull(archive, 1)
    archive.log.snapshot()
    assert [entry.snapshot for entry in archive.entries()] == [None, 0, 0, 2, 2]


def test_a_range_of_entries_has_its_end_outside(archive: Archive) -> None:
    for number in range(40):
        archive.commit(Draft(kind="pull", stream=STREAM, counts={"n": number}))
    assert [entry.seq for entry in archive.entries(3, 30)] == list(range(3, 30))
    assert [entry.seq for entry in archive.entries(38)] == [38, 39, 40]
    assert list(archive.entries(5, 5)) == list(archive.entries(9, 5)) == list(archive.entries(41)) == []


def test_nothing_to_commit_appends_nothing(archive: Archive, memory: MemoryStore) -> None:
    pull(archive, 0)
    before = dict(memory.versions)
    assert archive.append(lambda _state: None) is None
    assert memory.versions == before


def test_what_is_decided_is_decided_on_the_newest_state(archive: Archive, memory: MemoryStore) -> None:
    pull(archive, 0)
    other = open_archive(memory)
    sizes: list[int] = []

    def build(state: object) -> Draft:
        sizes.append(archive.state.size)
        if len(sizes) < 3:
            pull(other, len(sizes))  # another writer is faster, twice
        return Draft(kind="pull", stream=STREAM)

    entry = archive.append(build)
    assert entry is not None
    assert (sizes, entry.seq) == ([2, 3, 4], 4)
    assert_clean(memory)


def test_time_never_runs_backwards_in_the_log(archive: Archive, clock: Clock) -> None:
    pull(archive, 0)
    clock.now = BEGIN - timedelta(hours=3)
    assert pull(archive, 1).committed_at == rfc3339(BEGIN)
    clock.now = BEGIN + timedelta(microseconds=5)
    assert pull(archive, 2).committed_at == "2026-11-20T12:00:00.000005Z"
    clock.now = BEGIN + timedelta(seconds=1)
    assert pull(archive, 3).committed_at == "2026-11-20T12:00:01Z"
    assert_clean(archive.store)


def test_a_snapshot_is_written_when_the_last_one_is_far_away() -> None:
    store = long_log(SNAPSHOT_EVERY + 20)
    kinds = [json.loads(data)["kind"] for data in entry_bytes(store)]
    assert [seq for seq, kind in enumerate(kinds) if kind == "snapshot"] == [0, SNAPSHOT_EVERY + 1]


# -- signatures ------------------------------------------------------------------------------------------------


def test_every_size_of_the_log_is_signed_over_its_root(archive: Archive, memory: MemoryStore) -> None:
    for number in range(6):
        pull(archive, number)
    data = entry_bytes(memory)
    assert memory.names(keys.CHECKPOINTS) == [keys.checkpoint(size) for size in range(1, 8)]
    for size in range(1, 8):
        note = memory.get(keys.checkpoint(size)).decode()
        text, _ = open_note(note, trusted(archive))
        assert Checkpoint.from_text(text) == Checkpoint(str(archive.state.origin), size, root_of(data[:size]))


def test_an_entry_is_not_built_upon_until_it_is_signed(archive: Archive, memory: MemoryStore) -> None:
    pull(archive, 0)
    pull(archive, 1)
    # another writer's entry, whose author died before signing it
    memory.delete(keys.checkpoint(3))
    pull(open_archive(memory), 2)
    assert memory.head(keys.checkpoint(3)) is not None
    assert_clean(memory)


def test_settling_signs_a_head_that_a_crash_left_unsigned(archive: Archive, memory: MemoryStore) -> None:
    pull(archive, 0)
    memory.delete(keys.checkpoint(2))
    open_archive(memory).settle()
    assert_clean(memory)


def test_settling_a_reader_signs_nothing(archive: Archive, memory: MemoryStore) -> None:
    pull(archive, 0)
    memory.delete(keys.checkpoint(2))
    open_archive(memory, key=None).settle()
    assert memory.head(keys.checkpoint(2)) is None


@pytest.mark.parametrize("size", [255, 256, 257, 512])
def test_a_tile_that_a_crash_left_out_is_written_with_the_signature(size: int) -> None:
    store = long_log(size)
    for key in [keys.checkpoint(size), *(k for k in store.names(keys.TILES) if keys.tile_size(k) == size)]:
        store.delete(key)
    pull(open_archive(store), 0)
    assert_clean(store)


def test_another_key_writes_nothing(archive: Archive, memory: MemoryStore) -> None:
    pull(archive, 0)
    before = dict(memory.versions)
    with pytest.raises(SigningKeyInvalid, match="original key"):
        open_archive(memory, key=OTHER_KEY).commit(Draft(kind="pull", stream=STREAM))
    assert memory.versions == before


def test_without_a_key_nothing_is_written(archive: Archive, memory: MemoryStore) -> None:
    with pytest.raises(SigningKeyMissing, match="signing_key"):
        open_archive(memory, key=None).commit(Draft(kind="pull", stream=STREAM))
    assert memory.versions == {}
    pull(archive, 0)
    before = dict(memory.versions)
    with pytest.raises(SigningKeyMissing, match="signing_key"):
        open_archive(memory, key=None).commit(Draft(kind="pull", stream=STREAM))
    assert memory.versions == before


def test_of_two_writers_who_begin_at_once_one_names_the_log(memory: MemoryStore) -> None:
    first, second = open_archive(memory), open_archive(memory)
    second.refresh()
    pull(first, 0)
    pull(second, 1)
    assert first.refresh().origin == second.state.origin
    assert first.state.size == 3
    assert_clean(memory)


def test_the_loser_of_such_a_race_with_another_key_writes_nothing_more(memory: MemoryStore) -> None:
    first, second = open_archive(memory), open_archive(memory, key=OTHER_KEY)
    second.refresh()
    pull(first, 0)
    with pytest.raises(SigningKeyInvalid):
        second.commit(Draft(kind="pull", stream=STREAM))
    assert_clean(memory)


# -- puts whose answer was lost --------------------------------------------------------------------------------


def test_a_put_that_succeeded_unheard_is_recognised_as_ours(memory: MemoryStore) -> None:
    archive = open_archive(Retrying(memory), clock=memory.clock)
    entries = [pull(archive, number) for number in range(3)]
    assert [entry.seq for entry in entries] == [1, 2, 3]
    assert len(memory.names(keys.ENTRIES)) == 4
    assert_clean(memory)


@pytest.mark.parametrize("prefix", ["log/entry/000000000002", "log/checkpoint/000000000003", "log/tile/0/000.p/3"])
def test_after_a_lost_answer_the_same_writer_goes_on(memory: MemoryStore, prefix: str) -> None:
    archive = open_archive(Deaf(memory, prefix), clock=memory.clock)
    pull(archive, 0)
    with pytest.raises(StoreUnreachable):
        pull(archive, 1)
    pull(archive, 2)
    windows = [entry.window for entry in archive.entries() if entry.kind == "pull"]
    assert len(windows) == len({str(window) for window in windows}) == 3
    assert_clean(memory)


def test_somebody_elses_entry_is_never_taken_for_ours(archive: Archive, memory: MemoryStore) -> None:
    pull(archive, 0)
    one, two = open_archive(memory), open_archive(memory)
    one.refresh(), two.refresh()
    draft = Draft(kind="pull", stream=STREAM)
    assert [one.commit(draft).seq, two.commit(draft).seq] == [2, 3]


# -- a cold start ----------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def short() -> MemoryStore:
    return long_log(600)


@pytest.fixture(scope="module")
def longer() -> MemoryStore:
    return long_log(3000)


def cold_start(store: MemoryStore, **options: object) -> Counting:
    counting = Counting(store)
    open_archive(counting, key=None, clock=store.clock, **options).refresh()  # type: ignore[arg-type]
    return counting


def test_a_cold_start_reads_no_more_of_a_longer_log(short: MemoryStore, longer: MemoryStore) -> None:
    few, many = cold_start(short), cold_start(longer)
    # the search for the head asks twice for each doubling of the log
    assert many.reads <= few.reads + SNAPSHOT_EVERY
    assert many.asked["head"] <= few.asked["head"] + 6
    assert few.asked["list"] == many.asked["list"] == 1
    assert many.asked["get"] <= SNAPSHOT_EVERY + 40


def test_right_after_a_snapshot_a_cold_start_reads_next_to_nothing(longer: MemoryStore) -> None:
    store = longer.copy()
    open_archive(store).log.snapshot()
    assert cold_start(store).reads < 45


def test_a_start_from_the_cache_reads_only_what_is_new(longer: MemoryStore, tmp_path: Path) -> None:
    store = longer.copy()
    open_archive(store, cache=tmp_path / "state").settle()
    assert cold_start(store, cache=tmp_path / "state").asked == {"get": 2, "head": 1}


def test_an_append_asks_the_same_of_a_longer_log(short: MemoryStore, longer: MemoryStore) -> None:
    asked = []
    for store in (short.copy(), longer.copy()):
        counting = Counting(store)
        archive = open_archive(counting, clock=store.clock)
        archive.commit(Draft(kind="pull", stream=STREAM))
        counting.asked.clear()
        archive.commit(Draft(kind="pull", stream=STREAM))
        asked.append(dict(counting.asked))
    # one look for others' entries; entry, tile, checkpoint
    assert asked == [{"get": 1, "put": 3}, {"get": 1, "put": 3}]


@pytest.mark.parametrize("entries", [0, 2, 3, 4, 5, 8, 9, 16, 17, 33])
def test_the_head_is_found_at_any_length(entries: int) -> None:
    store = long_log(entries)
    assert open_archive(store, key=None).refresh().size == entries
