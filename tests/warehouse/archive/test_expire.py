"""Expiry of the recent tier: what a seal replaced and whose lock has passed goes, and nothing else ever does."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from tests.warehouse.archive.locking import DyingLocks, LockingStore
from tests.warehouse.archive.rig import TABLE, assert_clean, codes, fold, found, hour, open_archive, pull, seal
from tests.warehouse.archive.stores import Clock, Killed
from warehouse.archive.archive import Archive, Retention
from warehouse.archive.expire import expire
from warehouse.archive.holds import extend, release_hold, set_hold
from warehouse.archive.store import open_store
from warehouse.archive.verify import verify
from warehouse.wire.windows import Window

SEALED, OPEN = "2026-11-17", "2026-11-18"


@pytest.fixture
def store() -> LockingStore:
    return LockingStore(Clock())


def filled(store: LockingStore) -> Archive:
    """Four pulls folded into two days; the first day is sealed through the third pull."""
    archive = open_archive(store)
    pulled = []
    for number in range(4):
        pulled.append(pull(archive, number))
        fold(archive, pulled[-1], SEALED, OPEN)
    seal(archive, SEALED, pulled[2].seq, [entry.seq for entry in pulled[:3]])
    archive.settle()
    return archive


@pytest.fixture
def archive(store: LockingStore) -> Archive:
    return filled(store)


def later(store: LockingStore, days: int = 31) -> None:
    store.clock.advance(days=days)


def recent(store: LockingStore, day: str) -> list[str]:
    return store.names(f"tables/recent/{TABLE}/dt={day}/")


@contextmanager
def nothing_else_changed(store: LockingStore) -> Iterator[None]:
    """No object is deleted but recent files of the sealed day."""
    before = set(store.names())
    yield
    gone = before - set(store.names())
    assert all(key.startswith(f"tables/recent/{TABLE}/dt={SEALED}/") for key in gone)


def test_what_a_seal_replaced_goes_once_its_lock_has_passed(store: LockingStore, archive: Archive) -> None:
    before = recent(store, SEALED)
    later(store)
    with nothing_else_changed(store):
        result = expire(archive)
    assert len(before) == 4
    assert result.deleted == before[:3]  # the fourth came after the seal
    assert recent(store, SEALED) == before[3:]
    assert len(recent(store, OPEN)) == 4
    assert result.kept == {"not replaced by a seal": 5}
    assert result.strange == []


def test_verify_accepts_what_expired_as_gone(store: LockingStore, archive: Archive) -> None:
    later(store)
    expire(archive)
    archive.settle()
    assert_clean(store)


def test_what_vanished_before_its_lock_date_without_a_record_is_missing(
    store: LockingStore, archive: Archive
) -> None:
    first = recent(store, SEALED)[0]
    del store.versions[first]
    result = verify(store, retention=Retention(), clock=store.clock)
    assert codes(result) == {("missing", first)}
    assert "no entry says that it was deleted" in result.findings[0].detail
    later(store, 31)  # from here on a lifecycle rule may have done it
    assert_clean(store, retention=Retention(), clock=store.clock)


def test_what_the_log_says_was_deleted_may_be_gone_whatever_the_retention_is_now(
    store: LockingStore, archive: Archive
) -> None:
    later(store)
    expire(archive)
    archive.settle()
    retention = Retention(recent=timedelta(days=3000))
    assert "missing" not in {code for code, _ in found(store, retention=retention, clock=store.clock)}


def test_an_extension_makes_the_early_loss_of_a_replaced_file_a_finding(
    store: LockingStore, archive: Archive
) -> None:
    extend(archive, Clock().now.replace(year=2030), window=Window.of_day(hour(0).start.date()))
    archive.settle()
    first = recent(store, SEALED)[0]
    del store.versions[first]
    later(store, 60)
    assert ("missing", first) in found(store, retention=Retention(), clock=store.clock)


def test_where_no_lock_date_is_known_a_note_counts_what_is_gone(store: LockingStore, archive: Archive) -> None:
    for key in recent(store, SEALED)[:2]:
        del store.versions[key]
    result = assert_clean(store)
    assert any(note.startswith("2 table files that a seal replaced are gone") for note in result.notes)


def test_nothing_goes_while_it_is_locked(store: LockingStore, archive: Archive) -> None:
    later(store, 29)
    result = expire(archive)
    assert result.deleted == []
    assert result.kept["locked still"] == 3


def test_a_dry_run_names_what_would_go_and_touches_nothing(store: LockingStore, archive: Archive) -> None:
    later(store)
    size, before = archive.state.size, store.names()
    result = expire(archive, dry_run=True)
    assert len(result.deleted) == 3
    assert (archive.state.size, store.names()) == (size, before)
    assert expire(archive).deleted == result.deleted


def test_the_log_names_what_was_deleted_before_it_was(store: LockingStore, archive: Archive) -> None:
    later(store)
    result = expire(archive)
    entry = archive.entry(archive.state.seq)
    assert entry.retention == {"action": "expire", "keys": result.deleted}
    assert entry.counts == {"bytes": result.bytes, "objects": 3}
    again = expire(archive)
    assert (again.deleted, archive.state.seq) == ([], entry.seq)


@pytest.mark.parametrize("lives", range(8, 40, 3))
def test_killed_at_any_step_the_next_run_finishes_it(lives: int) -> None:
    store = LockingStore(Clock())
    filled(store)
    later(store)
    with pytest.raises(Killed):
        expire(open_archive(DyingLocks(store, lives)))
    archive = open_archive(store, writer="next")
    expire(archive)
    archive.settle()
    assert len(recent(store, SEALED)) == 1
    assert_clean(store)


# -- holds and extensions ------------------------------------------------------------------------------------


def test_nothing_goes_under_a_hold_and_all_of_it_once_that_is_released(
    store: LockingStore, archive: Archive
) -> None:
    set_hold(archive, "case-7", hour(1), reason="litigation")
    later(store)
    result = expire(archive)
    assert result.deleted == []
    assert result.kept["under a legal hold"] == 3
    release_hold(archive, "case-7", reason="settled")
    assert len(expire(archive).deleted) == 3


def test_a_held_file_that_is_gone_is_a_finding(store: LockingStore, archive: Archive) -> None:
    set_hold(archive, "case-7", hour(1), reason="litigation")
    archive.settle()
    gone = recent(store, SEALED)[0]
    del store.versions[gone]
    assert found(store) == {("missing", gone)}


def test_what_expired_before_a_hold_was_set_is_no_finding(store: LockingStore, archive: Archive) -> None:
    by_a_rule = recent(store, SEALED)[0]
    del store.versions[by_a_rule]  # a lifecycle rule of the bucket did it
    later(store)
    expire(archive)
    done = set_hold(archive, "case-7", hour(1), reason="litigation")
    archive.settle()
    assert by_a_rule in done.gone
    assert_clean(store)


def test_an_extension_keeps_the_recent_files_too(store: LockingStore, archive: Archive) -> None:
    extend(archive, Clock().now.replace(year=2030), window=Window.of_day(hour(0).start.date()))
    later(store, 60)
    assert expire(archive).deleted == []


# -- what is not as it should be -----------------------------------------------------------------------------


def test_without_the_sealed_file_nothing_of_its_day_goes(store: LockingStore, archive: Archive) -> None:
    later(store)
    sealed = store.names("tables/sealed/")[0]
    data = store.get(sealed)
    store.alter(sealed, b"other bytes")
    result = expire(archive)
    assert (result.deleted, len(result.strange)) == ([], 3)
    store.alter(sealed, data)
    assert len(expire(archive).deleted) == 3


def test_without_the_marker_of_the_seal_nothing_goes(store: LockingStore) -> None:
    archive = open_archive(store)
    entry = pull(archive, 0)
    fold(archive, entry, SEALED)
    seal(archive, SEALED, entry.seq, [entry.seq], marker=False)
    later(store)
    assert expire(archive).deleted == []


def test_what_was_written_over_or_hidden_is_left_to_verify(store: LockingStore, archive: Archive) -> None:
    later(store)
    first, second, third = recent(store, SEALED)[:3]
    store.overwrite(first, b"theirs")
    store.delete(second)
    store.alter(third, b"forged")
    result = expire(archive)
    assert result.deleted == []
    assert sorted(result.strange) == sorted([first, third])


def test_a_stranger_in_the_recent_tier_is_not_touched(store: LockingStore, archive: Archive) -> None:
    store.overwrite(f"tables/recent/{TABLE}/dt={SEALED}/notes.txt", b"?")
    later(store)
    expire(archive)
    assert f"tables/recent/{TABLE}/dt={SEALED}/notes.txt" in store.names()


def test_a_folder_counts_from_the_writing_of_a_file(tmp_path: Path) -> None:
    clock = Clock()
    store = open_store(f"file:{tmp_path}/archive")
    archive = open_archive(store, clock=clock)
    entry = pull(archive, 0)
    fold(archive, entry, SEALED)
    seal(archive, SEALED, entry.seq, [entry.seq])
    written = next(iter(store.list("tables/recent/"))).modified
    clock.now = written + archive.retention.recent / 2
    assert expire(archive).kept == {"locked still": 1}
    clock.now = written + archive.retention.recent * 2
    assert len(expire(archive).deleted) == 1
    archive.settle()
    assert verify(store).findings == []
