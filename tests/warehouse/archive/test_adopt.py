"""Adoption: what a crash left is named, what is at work is left alone, what is old is left to the verifier."""

from typing import Any

import pytest

from tests.warehouse.archive.rig import (
    BEGIN,
    STREAM,
    assert_clean,
    codes,
    fold,
    hour,
    open_archive,
    page_of,
    pull,
    pull_draft,
    record,
    table_file,
)
from tests.warehouse.archive.stores import Clock, Counting, MemoryStore
from warehouse.archive.adopt import adopt_orphans
from warehouse.archive.archive import Archive
from warehouse.archive.entry import Draft
from warehouse.archive.store import ObjectInfo
from warehouse.archive.verify import verify


def left_behind(archive: Archive, name: str, number: int = 0) -> str:
    """A page that was stored and never committed."""
    return archive.put_page(STREAM, hour(number), page_of(archive, [record(name)])).key


@pytest.fixture
def begun(archive: Archive, clock: Clock) -> Archive:
    pull(archive, 0)
    clock.advance(hours=1)
    return archive


@pytest.mark.fault(
    "A writer was killed and left pages that no entry names.",
    area="log",
    data="A later entry (`adopt`) signs them in. They make no window complete.",
    user="`verify` has a note.",
    recovery="Nothing: the next run does it.",
)
def test_a_page_without_an_entry_is_signed_in_once_its_writer_must_be_gone(begun: Archive, clock: Clock) -> None:
    orphan = left_behind(begun, "orphan")
    clock.advance(minutes=14)
    assert adopt_orphans(begun) == []
    clock.advance(minutes=1)
    assert adopt_orphans(begun) == [orphan]
    entry = begun.entry(begun.state.seq)
    assert (entry.kind, [ref.key for ref in entry.objects], entry.counts) == ("adopt", [orphan], {"objects": 1})
    assert begun.state.adopted == 1
    clock.advance(hours=5)
    pull(begun, 1)
    assert_clean(begun.store)


def test_what_is_adopted_makes_no_window_complete(begun: Archive, clock: Clock) -> None:
    left_behind(begun, "orphan", 5)
    clock.advance(hours=1)
    covered = begun.state.stream(STREAM).covered
    adopt_orphans(begun)
    assert begun.state.stream(STREAM).covered == covered
    assert begun.state.stream(STREAM).pulls == 1


def test_what_is_named_is_not_adopted_and_nothing_is_written(
    begun: Archive, clock: Clock, memory: MemoryStore
) -> None:
    fold(begun, begun.entry(1), "2026-11-17")
    clock.advance(hours=1)
    before = dict(memory.versions)
    assert adopt_orphans(begun) == []
    assert memory.versions == before


def test_once_is_enough(begun: Archive, clock: Clock) -> None:
    left_behind(begun, "orphan")
    clock.advance(hours=1)
    assert len(adopt_orphans(begun)) == 1
    clock.advance(hours=1)
    assert adopt_orphans(begun) == []


def test_table_files_of_a_fold_that_crashed_are_adopted_too(begun: Archive, clock: Clock) -> None:
    entry = pull(begun, 30)
    orphan = table_file(begun, "2026-11-18", entry.seq, "never named").key
    clock.advance(minutes=20)
    assert adopt_orphans(begun) == [orphan]


def test_something_slipped_in_long_before_is_left_to_the_verifier(begun: Archive, clock: Clock) -> None:
    clock.advance(days=-2)
    planted = left_behind(begun, "planted")
    clock.advance(days=2)
    pull(begun, 1)
    clock.advance(hours=2)
    pull(begun, 2)
    assert adopt_orphans(begun) == []
    assert codes(verify(begun.store)) == {("added", planted)}


def test_a_machine_that_was_off_for_a_month_still_adopts_what_it_left(begun: Archive, clock: Clock) -> None:
    orphan = left_behind(begun, "orphan")
    clock.advance(days=30)
    # the run that comes back has committed something already
    pull(begun, 1)
    assert adopt_orphans(begun) == [orphan]
    assert_clean(begun.store)


def test_a_long_run_after_the_crash_does_not_hide_it(begun: Archive, clock: Clock) -> None:
    orphan = left_behind(begun, "orphan")
    for number in range(1, 20):
        clock.advance(hours=1)
        pull(begun, number)
    clock.advance(hours=1)
    assert adopt_orphans(begun) == [orphan]


def test_an_archive_without_a_log_adopts_nothing_until_it_has_one(archive: Archive, clock: Clock) -> None:
    orphan = left_behind(archive, "orphan")
    clock.advance(hours=1)
    assert adopt_orphans(archive) == []
    pull(archive, 1)
    clock.advance(minutes=20)
    assert adopt_orphans(archive) == [orphan]


def test_two_that_adopt_at_once_name_an_object_once(begun: Archive, clock: Clock, memory: MemoryStore) -> None:
    orphan = left_behind(begun, "orphan")
    clock.advance(hours=1)

    class Racing(MemoryStore):
        """Another writer adopts while this one looks at the object."""

        def head(self, key: str, version_id: str | None = None) -> ObjectInfo | None:
            if key == orphan and self.versions is memory.versions and not raced:
                raced.append(True)
                assert adopt_orphans(open_archive(memory)) == [orphan]
            return super().head(key, version_id)

    raced: list[bool] = []
    racing = Racing(clock)
    racing.versions = memory.versions
    late = open_archive(racing)
    assert adopt_orphans(late) == []
    assert (raced, late.state.adopted) == ([True], 1)


def test_a_bucket_tells_its_version_and_that_is_what_is_named(clock: Clock) -> None:
    store = MemoryStore(clock, versioned=True)
    archive = open_archive(store)
    pull(archive, 0)
    orphan = left_behind(archive, "orphan")
    clock.advance(hours=1)
    adopt_orphans(archive)
    (ref,) = archive.entry(archive.state.seq).objects
    found = store.head(orphan)
    assert found is not None
    assert ref.version_id == found.version_id is not None


@pytest.mark.parametrize(
    "stray",
    [
        "pages/loose.txt",
        "pages/Strange Name/dt=2026-11-20/x",
        "pages/a\\b/dt=2026-11-20/x",
        "pages/activities/dt=2026-11-20/a\nb",
        "tables/recent/loose",
        "tables/recent/bad\x7fname/dt=2026-11-20/x",
    ],
)
def test_a_strangers_file_does_not_stop_the_work(
    begun: Archive, clock: Clock, memory: MemoryStore, stray: str
) -> None:
    memory.overwrite(stray, b"?")
    orphan = left_behind(begun, "orphan")
    clock.advance(hours=1)
    assert orphan in adopt_orphans(begun)
    clock.advance(hours=2)
    pull(begun, 1)
    assert {subject for _, subject in codes(verify(memory))} <= {stray}


def test_looking_costs_the_same_in_an_archive_of_a_year(clock: Clock) -> None:
    """A tail of one commit every five minutes: a day of it is looked at, however many there are."""
    asked: list[dict[str, Any]] = []
    for days in (2, 4):
        clock.now = BEGIN
        store = MemoryStore(clock)
        archive = open_archive(store)
        for number in range(days * 288):
            archive.commit(pull_draft(archive, number // 12))
            clock.advance(minutes=5)
        counting = Counting(store)
        looking = open_archive(counting, clock=clock)
        looking.refresh()
        counting.asked.clear()
        assert adopt_orphans(looking) == []
        asked.append(dict(counting.asked))
    assert asked[1]["list"] == asked[0]["list"]
    assert max(one["get"] for one in asked) < 3 * 128 + 10


def test_objects_by_the_thousand_are_adopted_in_entries_of_a_size_that_can_be_read(
    begun: Archive, clock: Clock
) -> None:
    for number in range(1100):
        begun.put(f"pages/activities/dt=2026-11-20/w/{number:04d}.json.zst", b"%d" % number)
    clock.advance(hours=1)
    assert len(adopt_orphans(begun)) == 1100
    assert [len(entry.objects) for entry in begun.entries() if entry.kind == "adopt"] == [500, 500, 100]


def test_a_writer_that_was_only_slow_commits_its_pages_all_the_same(begun: Archive, clock: Clock) -> None:
    draft: Draft = pull_draft(begun, 1)
    clock.advance(minutes=30)
    adopt_orphans(open_archive(begun.store, clock=clock))
    begun.commit(draft)
    assert begun.state.stream(STREAM).covered[-1].end == hour(1).end
    assert_clean(begun.store, deep=True)
