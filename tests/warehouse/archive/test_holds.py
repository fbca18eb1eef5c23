"""Legal holds and longer retention: what they reach, what a killed run leaves, and what two writers do at once."""

from datetime import datetime, timedelta
from pathlib import Path

import pytest

from tests.warehouse.archive.locking import DyingLocks, LockingStore
from tests.warehouse.archive.rig import (
    OTHER_KEY,
    TABLE,
    assert_clean,
    codes,
    fold,
    found,
    hour,
    open_archive,
    pull,
    seal,
)
from tests.warehouse.archive.stores import Clock, Counting, Killed
from warehouse.archive import keys
from warehouse.archive.archive import Archive
from warehouse.archive.entry import Draft, Entry
from warehouse.archive.errors import EntryUnreadable, HoldUnknown, StoreError
from warehouse.archive.holds import complete, extend, release_hold, set_hold
from warehouse.archive.rotate import rotate
from warehouse.archive.shape import check
from warehouse.archive.store import Store, open_store
from warehouse.archive.verify import verify
from warehouse.wire.windows import Window

DAY = "2026-11-17"  # of the first hours
ONE_DAY = Window.of_day(datetime.fromisoformat(DAY).date())
WINDOW = Window(hour(1).start, hour(3).end)  # hours 1 and 2 and 3


@pytest.fixture
def store() -> LockingStore:
    return LockingStore(Clock())


@pytest.fixture
def archive(store: LockingStore) -> Archive:
    """Six hours pulled, each folded into one file of its day."""
    archive = open_archive(store)
    for number in range(6):
        fold(archive, pull(archive, number), DAY)
        store.clock.advance(minutes=5)
    archive.settle()
    return archive


def held(store: LockingStore, prefix: str = "") -> set[str]:
    return {key for key, _ in store.held if key.startswith(prefix)}


def pages_of(*numbers: int) -> set[str]:
    return {hour(number).key for number in numbers}


def held_windows(store: LockingStore) -> set[str]:
    return {key.split("/")[3] for key in held(store, "pages/")}


# -- what a hold reaches -------------------------------------------------------------------------------------


def test_a_hold_is_on_the_pages_of_its_window_and_on_no_others(store: LockingStore, archive: Archive) -> None:
    done = set_hold(archive, "case-7", WINDOW, reason="litigation")
    assert held_windows(store) == pages_of(1, 2, 3)
    assert (done.enforced, done.gone) == (True, [])


def test_a_hold_is_on_every_table_file_of_its_days(store: LockingStore, archive: Archive) -> None:
    set_hold(archive, "case-7", WINDOW, reason="litigation")
    assert held(store, "tables/") == set(store.names("tables/"))
    set_hold(archive, "other", Window(hour(200).start, hour(201).end), reason="later days")
    assert {key for key, _ in store.held if key.startswith("pages/")} == held(store, "pages/")


def test_a_hold_is_on_the_entries_concerned_with_checkpoint_and_tile(
    store: LockingStore, archive: Archive
) -> None:
    set_hold(archive, "case-7", Window(hour(2).start, hour(2).end), reason="litigation")
    pulled = next(e for e in archive.entries() if e.kind == "pull" and e.window == hour(2).as_text())
    for key in (
        keys.entry(0),
        keys.entry(pulled.seq),
        keys.checkpoint(pulled.seq + 1),
        f"log/tile/0/000.p/{pulled.seq + 1}",
    ):
        assert key in held(store, "log/")
    elsewhere = next(e for e in archive.entries() if e.kind == "pull" and e.window == hour(4).as_text())
    assert keys.entry(elsewhere.seq) not in held(store, "log/")


def test_a_pull_that_found_nothing_is_evidence_too(store: LockingStore, archive: Archive) -> None:
    empty = archive.commit(Draft(kind="pull", stream="activities", window=hour(50).as_text(), complete=True))
    set_hold(archive, "case-7", hour(50), reason="nothing happened")
    assert keys.entry(empty.seq) in held(store, "log/")


def test_a_seal_of_the_day_is_held_with_its_marker(store: LockingStore, archive: Archive) -> None:
    seal(archive, DAY, archive.state.table(TABLE).folded_through, [1])
    set_hold(archive, "case-7", WINDOW, reason="litigation")
    assert held(store, "tables/sealed/") == set(store.names("tables/sealed/")) != set()
    assert held(store, "seals/") == set(store.names("seals/")) != set()


def test_a_hold_of_one_stream_leaves_the_others(store: LockingStore, archive: Archive) -> None:
    set_hold(archive, "case-7", WINDOW, stream="audit_export", reason="litigation")
    assert held(store, "pages/") == set()


def test_an_imported_file_is_held_by_the_days_of_its_rows(store: LockingStore, archive: Archive) -> None:
    for day in ("2026-11-17", "2026-12-24"):
        ref = archive.put_file("audit_export", day.encode(), 1, "export.csv")
        entry = archive.commit(Draft(kind="pull", stream="audit_export", objects=[ref], complete=True))
        fold(archive, entry, day, stream="audit_export", window=None)
    set_hold(archive, "case-7", ONE_DAY, stream="audit_export", reason="litigation")
    first, second = (key for key in store.names("pages/audit_export/"))
    assert len(held(store, "pages/audit_export/")) == 1
    assert {first, second} > held(store, "pages/audit_export/")


def test_what_is_committed_later_for_the_window_is_held_at_once(store: LockingStore, archive: Archive) -> None:
    set_hold(archive, "case-7", WINDOW, reason="litigation")
    other = open_archive(store, writer="another writer")
    entry = pull(other, 2, complete=False)
    fold(other, entry, DAY)
    seal(other, DAY, entry.seq, [entry.seq])
    assert held(store, "tables/") == set(store.names("tables/"))
    assert held(store, "seals/") == set(store.names("seals/"))
    assert keys.entry(entry.seq) in held(store, "log/")
    assert_clean(store)


# -- what the log says ---------------------------------------------------------------------------------------


def test_an_entry_about_the_log_itself_is_held_whatever_the_hold_is_over(
    store: LockingStore, archive: Archive
) -> None:
    set_hold(archive, "case-7", WINDOW, reason="litigation")
    rotated = rotate(archive, OTHER_KEY)
    assert rotated is not None
    assert {keys.entry(rotated.seq), keys.checkpoint(rotated.seq + 1)} <= held(store, "log/")
    assert_clean(store)


def test_the_log_says_who_is_held_why_and_how_many(store: LockingStore, archive: Archive) -> None:
    done = set_hold(archive, "case-7", WINDOW, stream="activities", reason="litigation")
    begun, ended = [entry for entry in archive.entries() if entry.kind == "retention"]
    assert begun.seq == done.seq
    assert (begun.window, begun.stream) == (WINDOW.as_text(), "activities")
    assert begun.retention == {"action": "hold", "name": "case-7", "reason": "litigation"}
    assert ended.retention == {"action": "held", "name": "case-7"}
    assert ended.counts == {"objects": done.objects}
    assert archive.state.held()["case-7"].phase == "on"


def test_a_cold_start_knows_the_holds(store: LockingStore, archive: Archive, tmp_path: Path) -> None:
    set_hold(archive, "case-7", WINDOW, reason="litigation")
    archive.log.snapshot()
    pull(archive, 7)
    fresh = open_archive(store)
    fresh.refresh()
    assert fresh.state.to_builtins() == archive.state.to_builtins()
    assert "case-7" in fresh.state.held()


def test_a_log_without_holds_has_no_word_of_them_in_its_snapshots(archive: Archive) -> None:
    assert {"holds", "extensions"} & set(archive.state.to_builtins()) == set()


def test_setting_a_hold_again_writes_nothing_new_and_mends_what_is_missing(
    store: LockingStore, archive: Archive
) -> None:
    set_hold(archive, "case-7", WINDOW, reason="litigation")
    size, before = archive.state.size, set(store.held)
    store.held.clear()
    set_hold(archive, "case-7", WINDOW, reason="again")
    assert (archive.state.size, set(store.held)) == (size, before)


def test_an_empty_archive_has_nothing_to_hold(store: LockingStore) -> None:
    archive = open_archive(store)
    with pytest.raises(HoldUnknown, match="is empty"):
        set_hold(archive, "case-7", WINDOW, reason="litigation")
    assert store.names() == []


def test_a_marker_that_is_written_after_a_hold_came_in_between_is_held(
    store: LockingStore, archive: Archive
) -> None:
    entry = seal(archive, DAY, archive.state.table(TABLE).folded_through, [1], marker=False)
    set_hold(open_archive(store, writer="other"), "case-7", WINDOW, reason="litigation")
    marker = entry.objects[1].key
    part = store.get(entry.objects[0].key)
    archive.put(marker, b"PAR1 marker " + entry.objects[0].key.encode())
    assert marker in held(store, "seals/")
    assert part
    archive.settle()
    assert_clean(store)


def test_another_hold_of_the_same_name_is_refused(archive: Archive) -> None:
    set_hold(archive, "case-7", WINDOW, reason="litigation")
    with pytest.raises(HoldUnknown, match="give this one another name"):
        set_hold(archive, "case-7", hour(5), reason="another")


@pytest.mark.parametrize(
    "retention",
    [
        {"action": "hold", "name": "x"},
        {"action": "hold", "name": "../x", "reason": "y"},
        {"action": "extend", "until": "tomorrow"},
        {"action": "expire", "keys": []},
        {"action": "forget", "name": "x"},
        {},
    ],
    ids=str,
)
def test_an_entry_that_says_nonsense_of_retention_is_none(archive: Archive, retention: dict[str, object]) -> None:
    with pytest.raises(EntryUnreadable):
        archive.commit(Draft(kind="retention", retention=retention, window=WINDOW.as_text()))
    assert_clean(archive.store)


def test_a_retention_entry_without_its_field_is_none() -> None:
    entry = Entry(
        kind="retention", format="ledgerline-entry/1", seq=1, writer="w", committed_at="2026-11-20T12:00:00Z",
        snapshot=0, previous="",
    )  # fmt: skip
    with pytest.raises(EntryUnreadable, match="says nothing of retention"):
        check(entry, "log/entry/1")


# -- release -------------------------------------------------------------------------------------------------


def test_a_release_lets_go_what_no_other_hold_keeps(store: LockingStore, archive: Archive) -> None:
    set_hold(archive, "first", Window(hour(1).start, hour(3).end), reason="a")
    set_hold(archive, "second", Window(hour(3).start, hour(4).end), reason="b")
    release_hold(archive, "first", reason="settled")
    assert held_windows(store) == pages_of(3, 4)
    assert set(archive.state.held()) == {"second"}
    assert_clean(store)
    release_hold(archive, "second", reason="settled")
    assert held(store, "pages/") == held(store, "tables/") == set()
    assert archive.state.holds == {}


def test_a_released_name_can_be_used_again(store: LockingStore, archive: Archive) -> None:
    set_hold(archive, "case", WINDOW, reason="a")
    release_hold(archive, "case", reason="b")
    set_hold(archive, "case", hour(5), reason="c")
    assert held_windows(store) == pages_of(5)


def test_releasing_what_is_not_held_names_what_is(archive: Archive) -> None:
    set_hold(archive, "case-7", WINDOW, reason="a")
    with pytest.raises(HoldUnknown, match="case-7"):
        release_hold(archive, "case-8", reason="b")


# -- crashes and races ---------------------------------------------------------------------------------------


def lives_of(archive: Archive, store: LockingStore) -> int:
    """How many operations setting a hold takes."""
    counting = DyingLocks(store, 10**9)
    set_hold(open_archive(counting), "case-7", WINDOW, reason="a")
    return 10**9 - counting.lives


@pytest.mark.parametrize("share", [0.02, 0.2, 0.4, 0.6, 0.8, 0.97])
def test_a_killed_hold_is_finished_by_running_it_again(share: float) -> None:
    def fresh() -> LockingStore:
        store = LockingStore(Clock())
        archive = open_archive(store)
        for number in range(4):
            fold(archive, pull(archive, number), DAY)
        archive.settle()
        return store

    whole = fresh()
    lives = lives_of(open_archive(whole), whole)
    store = fresh()
    with pytest.raises(Killed):
        set_hold(open_archive(DyingLocks(store, int(lives * share))), "case-7", WINDOW, reason="a")
    archive = open_archive(store, writer="the next")
    set_hold(archive, "case-7", WINDOW, reason="a")
    assert held(store, "pages/") == held(whole, "pages/")
    assert held(store, "tables/") == held(whole, "tables/")
    assert [e.retention["action"] for e in archive.entries() if isinstance(e.retention, dict)] == ["hold", "held"]
    archive.settle()
    assert_clean(store)


def test_a_writer_that_is_killed_at_any_step_leaves_nothing_free_that_the_next_one_builds_upon() -> None:
    """Also not what only the next one writes, as the checkpoint over an entry that was left unsigned."""

    def begun() -> LockingStore:
        store = LockingStore(Clock())
        with open_archive(store) as archive:
            fold(archive, pull(archive, 1), DAY)
            set_hold(archive, "case-7", WINDOW, reason="a")
            archive.settle()
        return store

    def work(store: Store) -> None:
        with open_archive(store) as archive:
            fold(archive, pull(archive, 2), DAY)

    counting = DyingLocks(begun(), 10**9)
    work(counting)
    for lives in range(10**9 - counting.lives):
        store = begun()
        with pytest.raises(Killed):
            work(DyingLocks(store, lives))
        with open_archive(store, writer="the next") as archive:
            archive.settle()
        free = [key for code, key in found(store) if code == "not_held"]
        assert not free, f"killed before operation {lives}"


def test_a_hold_whose_announcement_was_left_unsigned_holds_its_checkpoint_too(
    store: LockingStore, archive: Archive
) -> None:
    announced = keys.entry(archive.state.size)
    for lives in range(10**9):
        with pytest.raises(Killed):
            set_hold(open_archive(DyingLocks(store, lives)), "case-7", WINDOW, reason="a")
        if announced in store.names("log/entry/"):
            break
    unsigned = keys.checkpoint(archive.state.size + 1)
    assert unsigned not in store.names("log/checkpoint/")
    done = set_hold(open_archive(store, writer="the next"), "case-7", WINDOW, reason="a")
    assert unsigned in held(store, "log/")
    assert done.gone == []
    assert_clean(store)


def test_upkeep_finishes_what_killed_runs_began(store: LockingStore, archive: Archive) -> None:
    set_hold(archive, "old", Window(hour(4).start, hour(5).end), reason="a")
    for action in (
        lambda one: set_hold(one, "case-7", WINDOW, reason="a"),
        lambda one: release_hold(one, "old", reason="b"),
        lambda one: extend(one, store.clock() + timedelta(days=9000)),
    ):
        with pytest.raises(Killed):
            action(open_archive(DyingLocks(store, 40)))
    fresh = open_archive(store, writer="upkeep")
    assert len(complete(fresh)) == 3
    assert complete(fresh) == []
    assert set(fresh.state.held()) == {"case-7"}
    assert held_windows(store) == pages_of(1, 2, 3)
    assert all(
        until > store.clock() + timedelta(days=8999) for (key, _), until in store.until.items() if "pages/" in key
    )


def test_a_hold_that_is_set_while_another_is_released_keeps_what_both_reach(
    store: LockingStore, archive: Archive
) -> None:
    set_hold(archive, "first", WINDOW, reason="a")

    class Meanwhile(DyingLocks):
        """Another writer sets a hold just as the first is being let go."""

        def before(self, operation: str, key: str) -> None:
            if operation == "hold" and not self.done:
                self.done = True
                set_hold(
                    open_archive(store, writer="other"), "second", Window(hour(2).start, hour(4).end), reason="b"
                )

        done = False

    release_hold(open_archive(Meanwhile(store, 0)), "first", reason="settled")
    assert held_windows(store) == pages_of(2, 3, 4)
    assert_clean(store)


# -- longer retention ----------------------------------------------------------------------------------------


def test_an_extension_reaches_what_concerns_its_window_and_was_committed_before(
    store: LockingStore, archive: Archive
) -> None:
    until = store.clock() + timedelta(days=9000)
    done = extend(archive, until, window=WINDOW, reason="new law")
    longer = {key for (key, _), at in store.until.items() if at == until}
    assert {key.split("/")[3] for key in longer if key.startswith("pages/")} == pages_of(1, 2, 3)
    assert done.objects == len(longer)
    begun, ended = [e.retention for e in archive.entries() if e.kind == "retention"]
    assert begun == {"action": "extend", "until": "2051-07-12T12:30:00Z", "reason": "new law"}
    assert ended == {"action": "extended", "of": done.seq}


def test_an_extension_without_a_window_reaches_everything_that_entries_name(
    store: LockingStore, archive: Archive
) -> None:
    until = store.clock() + timedelta(days=9000)
    extend(archive, until)
    named = {ref.key for entry in archive.entries() for ref in entry.objects}
    assert named <= {key for (key, _), at in store.until.items() if at == until}


def test_an_extension_shortens_nothing(store: LockingStore, archive: Archive) -> None:
    before = dict(store.until)
    extend(archive, store.clock() + timedelta(days=5))
    assert all(store.until[at] >= until for at, until in before.items())


# -- verify --------------------------------------------------------------------------------------------------


def test_verify_names_what_is_not_held_though_a_hold_concerns_it(store: LockingStore, archive: Archive) -> None:
    set_hold(archive, "case-7", WINDOW, reason="litigation")
    assert_clean(store)
    page = next(at for at in store.held if at[0].startswith("pages/"))
    store.held.remove(page)
    assert found(store) == {("not_held", page[0])}
    set_hold(archive, "case-7", WINDOW, reason="litigation")
    assert_clean(store)


def test_verify_names_what_is_locked_shorter_than_an_extension_says(store: LockingStore, archive: Archive) -> None:
    set_long = archive.retention
    until = store.clock() + timedelta(days=9000)
    extend(archive, until, window=WINDOW)
    archive.settle()
    assert_clean(store, retention=set_long)
    page = next(at for at, end in store.until.items() if end == until and at[0].startswith("pages/"))
    store.until[page] -= timedelta(days=400)
    assert found(store, retention=set_long) == {("lock_too_short", page[0])}


def test_verify_asks_for_no_hold_where_there_is_none(store: LockingStore, archive: Archive) -> None:
    counting = Counting(store)
    verify(counting)
    asked = counting.asked["head"]
    set_hold(archive, "case-7", WINDOW, reason="a")
    release_hold(archive, "case-7", reason="b")
    again = Counting(store)
    verify(again)
    assert again.asked["head"] == asked


def test_a_folder_keeps_no_hold_and_everybody_is_told(tmp_path: Path) -> None:
    store = open_store(f"file:{tmp_path}/archive")
    archive = open_archive(store)
    fold(archive, pull(archive, 1), DAY)
    done = set_hold(archive, "case-7", WINDOW, reason="litigation")
    assert not done.enforced
    archive.settle()
    result = verify(store)
    assert codes(result) == set()
    assert any("1 legal hold" in note for note in result.notes)


def test_a_store_that_knows_no_holds_refuses_before_anything_is_recorded(original: object) -> None:
    from tests.warehouse.archive.stores import MemoryStore

    archive = open_archive(MemoryStore(Clock()))
    pull(archive, 1)
    size = archive.state.size
    with pytest.raises(StoreError, match="knows no holds"):
        set_hold(archive, "case-7", WINDOW, reason="litigation")
    assert archive.state.size == size
