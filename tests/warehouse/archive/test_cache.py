"""The local copy of the state: a shortcut, and nothing else."""

import hashlib
import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.warehouse.archive.rig import assert_clean, filled, open_archive, pull
from tests.warehouse.archive.stores import Clock, MemoryStore
from warehouse.archive import keys
from warehouse.archive.cache import StateCache
from warehouse.archive.state import LogState


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "cache" / "state"


def cached(path: Path, store: MemoryStore) -> LogState:
    """Fill an archive, leave its state in the cache, and let others go on."""
    filled(store)
    archive = open_archive(store, cache=path)
    archive.settle()
    pull(open_archive(store), 7)
    pull(open_archive(store), 8)
    return open_archive(store, key=None).refresh()


def signed(data: bytes) -> bytes:
    return hashlib.sha256(data).hexdigest().encode() + b"\n" + data


def body(path: Path) -> dict[str, object]:
    document: dict[str, object] = json.loads(path.read_bytes().partition(b"\n")[2])
    return document


HARM: dict[str, Callable[[Path], object]] = {
    "deleted": lambda path: path.unlink(),
    "emptied": lambda path: path.write_bytes(b""),
    "cut": lambda path: path.write_bytes(path.read_bytes()[:-20]),
    "flipped": lambda path: path.write_bytes(path.read_bytes()[:500] + b"~" + path.read_bytes()[501:]),
    "miscounted": lambda path: path.write_bytes(path.read_bytes().replace(b'"kinds":{', b'"kinds":{"other":1,')),
    "junk": lambda path: path.write_bytes(b"\xff" * 100),
    "no state": lambda path: path.write_bytes(signed(b'{"seq":"x"}')),
    "no JSON": lambda path: path.write_bytes(signed(b"[" * 100_000)),
    "newer": lambda path: path.write_bytes(signed(b'{"format":"ledgerline-state/999","seq":3}')),
    "ahead of the log": lambda path: path.write_bytes(signed(json.dumps({**body(path), "seq": 900}).encode())),
    "of another entry": lambda path: path.write_bytes(signed(json.dumps({**body(path), "seq": 3}).encode())),
    "of nothing": lambda path: path.write_bytes(signed(json.dumps({**body(path), "seq": -1}).encode())),
    "a folder": lambda path: (path.unlink(), path.mkdir()),
    "unreadable": lambda path: path.chmod(0),
}


@pytest.mark.parametrize("harm", HARM.values(), ids=HARM.keys())
def test_a_cache_that_is_gone_or_damaged_changes_nothing(
    path: Path, memory: MemoryStore, harm: Callable[[Path], object]
) -> None:
    truth = cached(path, memory)
    harm(path)
    archive = open_archive(memory, cache=path)
    assert archive.refresh() == truth
    pull(archive, 9)
    archive.settle()
    assert_clean(memory)


def test_the_cache_of_another_archive_changes_nothing(path: Path, memory: MemoryStore) -> None:
    truth = cached(path, memory)
    other = MemoryStore(Clock())
    filled(other)
    pull(open_archive(other), 7)
    open_archive(other, cache=path).settle()
    assert open_archive(memory, cache=path).refresh() == truth


def test_a_good_cache_changes_nothing_either(path: Path, memory: MemoryStore) -> None:
    truth = cached(path, memory)
    assert open_archive(memory, cache=path).refresh() == truth


def test_what_was_saved_is_loaded(path: Path, memory: MemoryStore) -> None:
    state = filled(memory).state
    StateCache(path).save(state)
    assert StateCache(path).load() == state
    assert os.listdir(path.parent) == ["state"]


@pytest.mark.parametrize("place", ["file/below/state", "missing/\0/state"])
def test_a_place_that_takes_no_file_is_no_reason_to_fail(tmp_path: Path, memory: MemoryStore, place: str) -> None:
    (tmp_path / "file").write_text("")
    archive = open_archive(memory, cache=tmp_path / place)
    pull(archive, 0)
    archive.settle()
    assert_clean(memory)


def test_a_folder_in_its_place_is_no_reason_to_fail_and_nothing_is_left_beside_it(
    tmp_path: Path, memory: MemoryStore
) -> None:
    (tmp_path / "state" / "full").mkdir(parents=True)
    StateCache(tmp_path / "state").save(filled(memory).state)
    assert os.listdir(tmp_path) == ["state"]


def test_a_start_from_the_cache_still_writes_the_tiles_of_a_head_whose_signature_is_gone(
    path: Path, clock: Clock
) -> None:
    memory = MemoryStore(clock)
    archive = open_archive(memory, cache=path)
    for number in range(255):
        pull(archive, number)
    archive.settle()
    for key in (keys.checkpoint(256), keys.tile(0, 0, 256), keys.tile(1, 0, 1)):
        memory.delete(key)
    pull(open_archive(memory, cache=path), 255)
    assert_clean(memory)


def test_a_head_that_is_not_signed_is_not_cached(path: Path, memory: MemoryStore) -> None:
    pull(open_archive(memory), 0)
    memory.delete(keys.checkpoint(2))
    open_archive(memory, key=None, cache=path).settle()
    assert not path.exists()
