"""The verifier on an archive that nobody touched, on its objects, and at its bounds."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
import zstandard

from tests.warehouse.archive.rig import (
    BEGIN,
    SIZE,
    STREAM,
    TABLE,
    assert_clean,
    codes,
    fold,
    found,
    hour,
    open_with_state,
    page_of,
    pull,
    record,
    seal,
)
from tests.warehouse.archive.stores import Clock, MemoryStore, Wrapped
from warehouse.archive import keys
from warehouse.archive.archive import Archive
from warehouse.archive.entry import Draft, ObjectRef
from warehouse.archive.errors import StoreUnreachable
from warehouse.archive.findings import NAMED_PER_CODE
from warehouse.archive.note import Verifier
from warehouse.archive.store import ObjectInfo
from warehouse.archive.verify import verify


def test_an_untouched_archive_passes_and_everything_was_looked_at(
    whole: MemoryStore, signers: list[Verifier]
) -> None:
    result = assert_clean(whole, trusted=signers, deep=True)
    named = [key for prefix in keys.EXPLAINED for key in whole.names(prefix)]
    assert result.checked["entries"] == SIZE
    assert result.checked["objects"] == len(named)
    assert result.checked["bytes"] == sum(len(whole.get(key)) for key in named)
    assert result.checked["records"] == 14
    assert result.ok


def test_without_a_trusted_key_the_logs_own_is_used_and_named(whole: MemoryStore, signers: list[Verifier]) -> None:
    assert any(signers[0].vkey in note for note in assert_clean(whole).notes)
    assert not any(signers[0].vkey in note for note in assert_clean(whole, trusted=signers).notes)


def test_nothing_is_written(whole: MemoryStore) -> None:
    before = dict(whole.versions)
    verify(whole, deep=True)
    assert whole.versions == before


def test_progress_comes_in_phases_to_the_end(whole: MemoryStore) -> None:
    told: list[tuple[str, int, int]] = []
    verify(whole, on_progress=lambda *step: told.append(step))
    assert ("entries", SIZE, SIZE) in told
    phase, done, total = told[-1]
    assert phase == "objects"
    assert done == total > 0


def test_since_looks_at_later_objects_only_and_at_the_whole_log(whole: MemoryStore) -> None:
    since = BEGIN + timedelta(hours=1)
    assert assert_clean(whole, since=since).checked["objects"] == 1
    page = whole.names("pages/")[0]
    whole.alter(page, b"")
    assert_clean(whole, since=since)
    whole.alter(keys.entry(1), b"")
    assert ("altered", keys.entry(1)) in found(whole, since=since)


def test_an_empty_store_has_nothing_to_verify(memory: MemoryStore) -> None:
    result = assert_clean(memory)
    assert "empty" in " ".join(result.notes)


# -- objects --------------------------------------------------------------------------------------------------

# a page, a file of the recent tier that readers need, a sealed part, its marker
OBJECTS = ("pages/", "tables/recent/audit_events/dt=2026-11-18/", "tables/sealed/", "seals/")


@pytest.mark.parametrize("prefix", OBJECTS)
@pytest.mark.parametrize(
    "change",
    [
        lambda data: bytes([data[0] ^ 1]) + data[1:],
        lambda data: data[:-1] + bytes([data[-1] ^ 0x80]),
        lambda data: data[:-1],
        lambda data: b"",
        lambda data: data + b"\n",
        lambda data: zstandard.compress(b'{"data":[]}'),
    ],
    ids=["first bit", "last bit", "cut", "emptied", "longer", "replaced"],
)
def test_an_object_with_other_bytes_is_altered(
    whole: MemoryStore, prefix: str, change: Callable[[bytes], bytes]
) -> None:
    key = whole.names(prefix)[0]
    whole.alter(key, change(whole.get(key)))
    assert found(whole) == {("altered", key)}


@pytest.mark.parametrize("prefix", OBJECTS)
def test_an_object_that_is_gone_is_missing(whole: MemoryStore, prefix: str) -> None:
    key = whole.names(prefix)[0]
    whole.delete(key)
    assert found(whole) == {("missing", key)}


@pytest.mark.parametrize("prefix", OBJECTS)
def test_an_object_under_another_name_is_missing_here_and_added_there(whole: MemoryStore, prefix: str) -> None:
    key = whole.names(prefix)[0]
    whole.move(key, f"{key}x")
    assert found(whole) == {("missing", key), ("added", f"{key}x")}


@pytest.mark.parametrize("prefix", [*keys.EXPLAINED, *OBJECTS])
def test_an_object_that_no_entry_names_is_added_once_it_is_old(whole: MemoryStore, prefix: str) -> None:
    whole.overwrite(f"{prefix}new", b"slipped in")
    result = assert_clean(whole)
    assert any(
        f"1 object has no entry yet: work in progress, or left by a killed run: {prefix}new" in note
        for note in result.notes
    )
    whole.clock.now, now = BEGIN, whole.clock.now
    whole.overwrite(f"{prefix}old", b"slipped in")
    whole.clock.now = now
    assert found(whole) == {("added", f"{prefix}old")}


def test_a_seal_that_is_gone_has_one_step_to_write_it_again(whole: MemoryStore) -> None:
    whole.delete(whole.names("seals/")[0])
    (finding,) = verify(whole).findings
    assert "ledgerline pull" in finding.next_step
    assert "restore" not in f"{finding.detail} {finding.next_step}"


def test_an_object_from_the_future_that_no_entry_names_is_added_at_once(whole: MemoryStore) -> None:
    whole.clock.now, now = whole.clock.now.replace(year=2099), whole.clock.now
    whole.overwrite("pages/planted", b"slipped in")
    whole.clock.now = now
    result = verify(whole, clock=whole.clock)
    assert codes(result) == {("added", "pages/planted")}
    assert "2099" in result.findings[0].detail


def test_two_pages_in_each_others_place_are_both_altered(whole: MemoryStore) -> None:
    one, two = whole.names("pages/")[:2]
    first, second = whole.get(one), whole.get(two)
    whole.alter(one, second)
    whole.alter(two, first)
    assert found(whole) == {("altered", one), ("altered", two)}


def test_a_recent_file_whose_rows_a_seal_took_over_may_expire(whole: MemoryStore) -> None:
    for key in whole.names("tables/recent/audit_events/dt=2026-11-17/"):
        whole.delete(key)
    assert_clean(whole)


def test_a_recent_file_of_a_day_that_is_not_sealed_may_not_though_its_pull_is_in_a_sealed_day_too(
    archive: Archive,
) -> None:
    entry = pull(archive, 0)
    fold(archive, entry, "2026-11-17", "2026-11-18")
    seal(archive, "2026-11-17", entry.seq, [entry.seq])
    (key,) = (file.key for file in archive.state.table(TABLE).recent)
    archive.store.delete(key)  # type: ignore[attr-defined]
    assert codes(verify(archive.store)) == {("missing", key)}


def test_strangers_beside_our_prefixes_are_none_of_our_business(whole: MemoryStore) -> None:
    whole.clock.now, now = BEGIN, whole.clock.now
    for key in ("probes/20261120", "lost+found/x", "README.txt", "logs/x"):
        whole.overwrite(key, b"")
    whole.clock.now = now
    assert_clean(whole)


def test_deep_finds_a_page_that_does_not_hold_the_records_its_entry_counts(archive: Archive) -> None:
    lies: dict[str, dict[str, Any]] = {
        "root": {"records_root": "00" * 32},
        "count": {"records": 3},
        "body": {"body_sha256": "00" * 32},
        "size": {"body_bytes": 3},
    }
    subjects = set()
    for number, lie in enumerate(lies.values()):
        ref = archive.put_page(STREAM, hour(number), page_of(archive, [record(f"x{number}")]))
        fields = {name: getattr(ref, name) for name in ObjectRef.__struct_fields__}
        lying = ObjectRef(**{**fields, **lie})
        archive.commit(Draft(kind="pull", stream=STREAM, window=hour(number).as_text(), objects=[lying]))
        subjects.add(("altered", ref.key))
    assert_clean(archive.store)
    assert codes(verify(archive.store, deep=True)) == subjects


def test_deep_finds_what_is_no_page_at_all(archive: Archive) -> None:
    body = b"<html>"
    ref = archive.put_page(STREAM, hour(0), page_of(archive, [], body=body))
    archive.commit(Draft(kind="pull", stream=STREAM, objects=[ref]))
    assert codes(verify(archive.store, deep=True)) == {("altered", ref.key)}


@pytest.mark.parametrize(
    "key", ["../../etc/passwd", "/etc/passwd", "", "a\\b", "pages/a\nb", "pages/" + "x" * 2000]
)
def test_an_entry_that_names_an_impossible_object_is_a_finding(archive: Archive, key: str) -> None:
    archive.commit(Draft(kind="adopt", objects=[ObjectRef(key=key, version_id=None, sha256="aa", bytes=1)]))
    assert codes(verify(archive.store)) == {("altered", key)}


# -- bounds ---------------------------------------------------------------------------------------------------


def test_a_flood_of_one_kind_is_counted_and_not_listed(archive: Archive) -> None:
    while archive.state.size < NAMED_PER_CODE + 50:
        archive.commit(Draft(kind="pull", stream=STREAM))
    for size in range(1, archive.state.size + 1):
        archive.store.delete(keys.checkpoint(size))
    result = verify(archive.store)
    assert len([found for found in result.findings if found.code == "missing"]) == NAMED_PER_CODE + 1
    assert result.findings[-1].code == "missing"
    assert "49 more" in result.findings[-1].detail


def test_a_hole_in_coverage_is_a_gap_and_time_since_the_last_window_is_not(archive: Archive, clock: Clock) -> None:
    pull(archive, 0)
    pull(archive, 2)
    clock.advance(days=100)
    assert codes(verify(archive.store)) == {("gap", f"activities {hour(1)}")}
    pull(archive, 1)
    assert_clean(archive.store)


def test_a_store_that_cannot_be_read_raises(whole: MemoryStore) -> None:
    class Gone(Wrapped):
        def before(self, operation: str, key: str) -> None:
            if key.startswith(keys.CHECKPOINTS):
                raise StoreUnreachable("no answer")

    with pytest.raises(StoreUnreachable):
        verify(Gone(whole))


class Busy(Wrapped):
    """Another writer commits between any two questions of the verifier, and while it lists the log."""

    def __init__(self, store: MemoryStore) -> None:
        super().__init__(store)
        self.writer = open_with_state(store)
        self.number = 7  # the first hour that `whole` does not cover
        self.writing = False

    def before(self, operation: str, key: str) -> None:
        if not self.writing and self.number < 60:
            self.writing = True
            pull(self.writer, self.number)
            self.number += 1
            self.writing = False

    def list_versions(self, prefix: str) -> Iterator[ObjectInfo]:
        parts = (keys.CHECKPOINTS, keys.ENTRIES, keys.TILES) if prefix == "log/" else (prefix,)
        for part in parts:
            self.before("list", part)
            yield from list(self.inner.list_versions(part))


def test_a_writer_at_work_while_the_archive_is_read_is_no_finding(whole: MemoryStore) -> None:
    busy = Busy(whole)
    assert_clean(busy)
    assert busy.number > 20
