"""Writers that die and writers that race: nothing lost, nothing doubled, nothing left that verify would name."""

import random
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

import pytest

from tests.warehouse.archive.rig import (
    STREAM,
    TABLE,
    assert_clean,
    codes,
    fold,
    hour,
    open_archive,
    pull,
    seal,
    trusted,
)
from tests.warehouse.archive.stores import Clock, Counting, Dying, Killed, MemoryStore, Wrapped
from warehouse.archive import keys
from warehouse.archive.adopt import adopt_orphans
from warehouse.archive.archive import Archive
from warehouse.archive.entry import Draft
from warehouse.archive.errors import StoreUnreachable
from warehouse.archive.merkle import tiles_reached
from warehouse.archive.store import Store, open_store
from warehouse.archive.verify import verify
from warehouse.wire.times import system_clock

# -- writers that die ------------------------------------------------------------------------------------------


def work(store: Store, clock: Clock, first: int) -> None:
    """Two pulls with their folds and a snapshot, as a run makes them."""
    archive = open_archive(store, clock=clock)
    for number in (first, first + 1):
        fold(archive, pull(archive, number), "2026-11-17")
    archive.log.snapshot()
    archive.settle()


def operations(store: MemoryStore) -> int:
    counting = Counting(store.copy())
    work(counting, store.clock, 0)
    return counting.asked.total()


def pulls(archive: Archive, since: int = 0) -> list[list[str]]:
    entries = archive.entries(since)
    return [entry.window for entry in entries if entry.kind == "pull" and entry.window is not None]


def assert_all_signed(store: MemoryStore, size: int) -> None:
    """Each size has its checkpoint and its tiles: what a full verification of a long log would look for."""
    assert store.names(keys.CHECKPOINTS) == [keys.checkpoint(one) for one in range(1, size + 1)]
    tiles = {keys.tile(*tile) for one in range(1, size + 1) for tile in tiles_reached(one)}
    assert set(store.names(keys.TILES)) == tiles


def of_length(entries: int) -> MemoryStore:
    store = MemoryStore(Clock())
    archive = open_archive(store)
    while archive.state.size < entries:
        archive.commit(Draft(kind="pull", stream=STREAM))
        if archive.state.size == entries - 2:
            archive.log.snapshot()
    return store


@pytest.fixture(scope="module", params=[0, 7, 253], ids=["empty", "short", "tile"])
def before(request: pytest.FixtureRequest) -> MemoryStore:
    """An archive before the work: none yet, a short one, and one where the work fills the first tile."""
    return of_length(request.param) if request.param else MemoryStore(Clock())


@pytest.mark.fault(
    "A writer is killed at any operation on the log.",
    area="log",
    data="The log is whole.",
    user="The process is gone.",
    recovery="Nothing: the next writer goes on.",
)
def test_killed_at_any_step_the_next_writer_goes_on(before: MemoryStore) -> None:
    clock = before.clock
    since = len(before.names(keys.ENTRIES))
    for lives in range(operations(before)):
        store = before.copy()
        with pytest.raises(Killed):
            work(Dying(store, lives), clock, 0)
        survived = pulls(open_archive(store, key=None), since)
        clock.advance(minutes=20)
        archive = open_archive(store)
        for number in (0, 1, 2):
            if hour(number).as_text() not in survived:  # what coverage says is not there is pulled again
                pull(archive, number)
        adopt_orphans(archive)
        archive.settle()
        assert pulls(archive, since) == [hour(number).as_text() for number in (0, 1, 2)], lives
        assert_all_signed(store, archive.state.size)
        if archive.state.size < 200 or lives % 30 == 0:
            assert_clean(store, deep=True, trusted=trusted(archive))
        explained = {ref.key for entry in archive.entries(since) for ref in entry.objects}
        assert set(store.names("pages/")) | set(store.names("tables/")) == explained, lives


def test_killed_again_and_again_at_any_step_the_log_is_still_whole() -> None:
    store, lengths = of_length(250), random.Random(7)
    for _ in range(80):
        with suppress(Killed):
            work(Dying(store, lengths.randrange(25, 110)), store.clock, 0)
    archive = open_archive(store)
    archive.settle()
    assert archive.state.size > 270
    result = verify(store, trusted=trusted(archive))
    assert codes(result) == set()


def test_killed_while_settling_the_cache_misleads_nobody(tmp_path: Path) -> None:
    store = of_length(255)
    for lives in range(16):
        copy = store.copy()
        cache = tmp_path / str(lives)
        with suppress(Killed):
            archive = open_archive(Dying(copy, 20 + lives), clock=store.clock, cache=cache)
            pull(archive, 0)
            archive.settle()
        archive = open_archive(copy, cache=cache)
        pull(archive, 1)
        assert_all_signed(copy, archive.state.size)
    assert codes(verify(copy)) == set()


def test_a_seal_whose_writer_died_before_the_marker_is_named_until_the_marker_is_written(archive: Archive) -> None:
    entry = pull(archive, 0)
    fold(archive, entry, "2026-11-17")
    sealed = seal(archive, "2026-11-17", entry.seq, [entry.seq], marker=False)
    (finding,) = verify(archive.store).findings
    assert (finding.code, finding.subject) == ("missing", sealed.objects[1].key)
    assert "ledgerline pull" in finding.step
    archive.put(sealed.objects[1].key, f"PAR1 marker {sealed.objects[0].key}".encode())
    assert_clean(archive.store)


class Moody(Wrapped):
    """A store that does not answer one time in seven; sometimes it has done what it was asked."""

    def __init__(self, store: MemoryStore, seed: int) -> None:
        super().__init__(store)
        self._random = random.Random(seed)

    def before(self, operation: str, key: str) -> None:
        if self._random.random() < 1 / 14:
            raise StoreUnreachable("no answer")

    def after(self, operation: str, key: str) -> None:
        self.before(operation, key)


@pytest.mark.fault(
    "The store fails now and then.",
    area="log",
    data="Nothing is lost and nothing doubled.",
    user="An error names what could not be written.",
    recovery="Run it again.",
)
@pytest.mark.parametrize("seed", range(5))
def test_a_store_that_fails_now_and_then_costs_repeats_and_nothing_else(seed: int) -> None:
    store = MemoryStore(Clock())
    archive = open_archive(Moody(store, seed), clock=store.clock)
    for number in range(40):
        while hour(number).end != archive.state.covered_until(STREAM):
            try:
                archive.refresh()
                if hour(number).end != archive.state.covered_until(STREAM):
                    pull(archive, number)
            except StoreUnreachable:
                continue
    while True:
        try:
            archive.settle()
            break
        except StoreUnreachable:
            continue
    assert pulls(open_archive(store, key=None)) == [hour(number).as_text() for number in range(40)]
    assert_clean(store, deep=True)


# -- writers that race -----------------------------------------------------------------------------------------


def started(folder: Path, name: str, count: int) -> "subprocess.Popen[str]":
    command = [sys.executable, "-m", "tests.warehouse.archive.writer_process", str(folder), name, str(count)]
    root = Path(__file__).parents[3]
    return subprocess.Popen(command, cwd=root, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


@pytest.mark.fault(
    "Several processes append to one log at once.",
    area="log",
    data="Each entry is there once, in one order.",
    user="Nothing unusual.",
    recovery="Nothing.",
)
@pytest.mark.parametrize("writers", [2, 4])
def test_processes_that_write_at_once_each_commit_everything_once(tmp_path: Path, writers: int) -> None:
    running = [started(tmp_path, f"writer{number}", 50) for number in range(writers)]
    told: dict[str, list[int]] = {}
    for number, process in enumerate(running):
        out, error = process.communicate(timeout=120)
        assert process.returncode == 0, error
        told[f"writer{number}"] = [int(line) for line in out.split()]
    store = open_store(f"file:{tmp_path}/archive")
    archive = open_archive(store)
    archive.refresh()
    committed: dict[str, int] = {}
    for entry in archive.entries():
        for draft in entry.counts:
            assert draft not in committed
            committed[draft] = entry.seq
    expected = {f"{name}-{number}": seq for name, seqs in told.items() for number, seq in enumerate(seqs)}
    assert committed == expected
    assert len(expected) == 50 * writers
    assert archive.state.size == 1 + 50 * writers
    assert_clean(store, deep=True, trusted=trusted(archive))


def test_a_process_that_is_killed_leaves_nothing_that_another_cannot_finish(tmp_path: Path) -> None:
    lengths = random.Random(3)
    seen = 0
    for round_ in range(4):
        process = started(tmp_path, f"victim{round_}", 500)
        assert process.stdout is not None
        for line in _lines(process, lengths.randrange(1, 12)):
            seen = max(seen, int(line))
        time.sleep(lengths.random() / 100)
        process.kill()
        process.communicate()
    store = open_store(f"file:{tmp_path}/archive")
    # the crash is an hour ago for the one who cleans up after it
    archive = open_archive(store, clock=lambda: system_clock() + timedelta(hours=1))
    archive.commit(Draft(kind="pull", stream=STREAM))
    adopt_orphans(archive)
    archive.settle()
    assert archive.state.size > seen
    names = [name for entry in archive.entries() for name in entry.counts if entry.kind == "pull"]
    assert len(names) == len(set(names))
    assert_clean(store, deep=True, trusted=trusted(archive))


def _lines(process: "subprocess.Popen[str]", count: int) -> Iterator[str]:
    assert process.stdout is not None
    for _ in range(count):
        yield process.stdout.readline()


def test_two_snapshots_at_once_are_no_harm(memory: MemoryStore) -> None:
    one, two = open_archive(memory), open_archive(memory)
    pull(one, 0)
    two.refresh()
    assert one.log.snapshot() is not None
    assert two.log.snapshot() is None
    fold(two, one.entry(1), "2026-11-17")
    assert one.refresh() == two.refresh()
    assert one.state.table(TABLE).folded_through == 1
    assert_clean(memory)
