"""A damaged log: whoever would write or read on is stopped, by the name of the object."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.warehouse.archive.rig import (
    KEY,
    STREAM,
    assert_clean,
    canonical_bytes,
    fold,
    long_log,
    open_archive,
    open_with_state,
    pull,
    pull_draft,
    resign,
)
from tests.warehouse.archive.stores import Clock, MemoryStore
from warehouse.archive import keys
from warehouse.archive.archive import Archive
from warehouse.archive.entry import Draft, sha256_hex
from warehouse.archive.errors import (
    EntryUnreadable,
    LogForked,
    LogHole,
)
from warehouse.archive.state import FORMAT


def damaged(entries: int, harm: Callable[[MemoryStore], None]) -> Archive:
    store = long_log(entries)
    harm(store)
    return open_archive(store)


@pytest.mark.parametrize("missing", [0, 1, 5, 11, 18, 19])
def test_an_entry_that_is_gone_stops_the_writer(missing: int) -> None:
    archive = damaged(20, lambda store: store.delete(keys.entry(missing)))
    with pytest.raises(LogHole, match=keys.entry(missing)):
        archive.commit(Draft(kind="pull", stream=STREAM))
    assert archive.store.head(keys.entry(missing)) is None


@pytest.mark.parametrize("missing", [1, 10, 15, 18])
def test_an_entry_that_is_gone_with_its_signature_stops_the_writer_too(missing: int) -> None:
    def remove(store: MemoryStore) -> None:
        store.delete(keys.entry(missing))
        store.delete(keys.checkpoint(missing + 1))

    with pytest.raises(LogHole, match=keys.entry(missing)):
        damaged(20, remove).commit(Draft(kind="pull", stream=STREAM))


def test_entries_cut_off_the_end_stop_the_writer_as_long_as_a_signature_tells() -> None:
    archive = damaged(20, lambda store: [store.delete(keys.entry(seq)) for seq in range(15, 20)])
    with pytest.raises(LogHole, match=keys.entry(15)):
        archive.refresh()


def test_an_entry_that_is_gone_stops_a_writer_with_a_cache_too(tmp_path: Path) -> None:
    store = long_log(20)
    open_archive(store, cache=tmp_path / "state").settle()
    pull(open_archive(store), 0)
    pull(open_archive(store), 1)
    store.delete(keys.entry(20))
    with pytest.raises(LogHole, match=keys.entry(20)):
        pull(open_archive(store, cache=tmp_path / "state"), 2)


def test_an_entry_that_a_delete_marker_hides_stops_the_writer(clock: Clock) -> None:
    store = MemoryStore(clock, versioned=True)
    pull(open_archive(store), 0)
    store.delete(keys.entry(1))
    with pytest.raises(LogHole, match="delete marker"):
        pull(open_archive(store), 1)


def test_a_stray_file_among_the_entries_stops_nobody() -> None:
    def litter(store: MemoryStore) -> None:
        for name in ("Thumbs.db", "000000000005.json.bak", "0000000000099.json", "٠٠٠٠٠٠٠٠٠٠٠٩.json"):
            store.overwrite(f"{keys.ENTRIES}{name}", b"")

    assert damaged(6, litter).commit(Draft(kind="pull", stream=STREAM)).seq == 6


def test_an_altered_entry_is_noticed_by_the_one_after_it(archive: Archive, memory: MemoryStore) -> None:
    for number in range(4):
        pull(archive, number)
    memory.alter(keys.entry(2), memory.get(keys.entry(2)).replace(b"activities", b"activitiez"))
    with pytest.raises(LogForked, match=keys.entry(3)):
        open_archive(memory).refresh()


@pytest.mark.parametrize(
    ("change", "error"),
    [
        (lambda data: b"", EntryUnreadable),
        (lambda data: data[:-5], EntryUnreadable),
        (lambda data: data.replace(b'"seq":2', b'"seq":7'), LogForked),
        (lambda data: data.replace(b'"snapshot":0', b'"snapshot":1'), LogForked),
        (lambda data: data.replace(b'"snapshot":0', b'"snapshot":null'), LogForked),
        (lambda data: data.replace(b'"snapshot":0', b'"snapshot":-1'), EntryUnreadable),
        (lambda data: data.replace(b'"stream":"activities"', b'"stream":null'), EntryUnreadable),
    ],
)
def test_a_head_that_is_none_is_refused_by_name(change: Callable[[bytes], bytes], error: type[Exception]) -> None:
    archive = damaged(3, lambda store: store.alter(keys.entry(2), change(store.get(keys.entry(2)))))
    with pytest.raises(error, match=keys.ENTRIES):
        archive.refresh()


@pytest.mark.parametrize("state", [None, [], {"format": FORMAT, "seq": "x"}, {"format": FORMAT, "seq": 5}])
def test_a_snapshot_that_holds_no_state_is_refused_by_name(
    archive: Archive, memory: MemoryStore, state: object
) -> None:
    pull(archive, 0)
    archive.log.snapshot()
    document = json.loads(memory.get(keys.entry(2)))
    document["state"] = state
    memory.alter(keys.entry(2), json.dumps(document).encode())
    with pytest.raises((EntryUnreadable, LogForked), match=keys.ENTRIES):
        open_archive(memory).refresh()


def test_a_snapshot_of_another_version_is_no_shortcut_and_no_obstacle(whole: MemoryStore) -> None:
    archive = open_with_state(whole)
    documents = [json.loads(whole.get(keys.entry(seq))) for seq in range(archive.state.size)]
    documents[-2]["state"] = {"format": "ledgerline-state/0", "something": "else"}
    data = [canonical_bytes(document) for document in documents]
    documents[-1]["previous"] = sha256_hex(data[-2])
    resign(whole, [*data[:-1], canonical_bytes(documents[-1])], str(archive.state.origin))
    restarted = open_with_state(whole)
    assert restarted.state.streams == archive.state.streams
    pull(restarted, 7)
    assert_clean(whole)


def test_a_refused_entry_leaves_the_reader_where_it_was(archive: Archive, memory: MemoryStore) -> None:
    pull(archive, 0)
    before = archive.state.to_builtins()
    memory.put_if_absent(keys.entry(2), b'{"format":"ledgerline-entry/1"}', None)
    for _ in range(2):
        with pytest.raises(EntryUnreadable, match=keys.entry(2)):
            archive.refresh()
    assert archive.state.to_builtins() == before
    memory.delete(keys.entry(2))
    fold(archive, pull(archive, 1), "2026-11-17")
    assert_clean(memory)


def test_a_key_in_use_never_shows_in_what_is_stored(archive: Archive, memory: MemoryStore) -> None:
    archive.commit(pull_draft(archive, 0))
    secret = KEY.private_bytes_raw()
    assert not any(secret in memory.get(key) or secret.hex().encode() in memory.get(key) for key in memory.names())
