"""Restrictions in the log: what an entry says and does not say, two writers, and what is refused."""

import json
from pathlib import Path

import msgspec
import pytest

from tests.warehouse.archive.rig import assert_clean, open_archive, pull
from tests.warehouse.archive.stores import MemoryStore
from warehouse.archive import keys
from warehouse.archive.archive import Archive
from warehouse.archive.derive import apply
from warehouse.archive.entry import Draft, Entry, place
from warehouse.archive.errors import EntryUnreadable, RestrictionRefused
from warehouse.archive.log import Log
from warehouse.archive.restriction import (
    digest,
    lift_restriction,
    normal,
    record_reading,
    set_restriction,
)
from warehouse.archive.shape import check
from warehouse.archive.state import LogState

ANNA, ID = "Anna.Lee@Example.com", "user_01AnnaAbCdEfGhJkLmNpQr"


def restrict(
    archive: Archive, name: str = "dsr-7", *identifiers: str, reason: str = "request for erasure"
) -> Entry:
    return set_restriction(archive, name, identifiers or (ANNA, ID), reason)


# -- what stands in the log --------------------------------------------------------------------------------------


def test_an_entry_names_nobody(archive: Archive, memory: MemoryStore) -> None:
    pull(archive, 0)
    written = memory.get(keys.entry(restrict(archive).seq)).decode().lower()
    for part in ("anna", "lee", "example.com", ID.lower(), "01annaabcd"):
        assert part not in written


def test_an_entry_says_by_salted_hashes_whom_it_is_about(archive: Archive, memory: MemoryStore) -> None:
    said = json.loads(memory.get(keys.entry(restrict(archive).seq)))["restriction"]
    assert digest(said["salt"], "anna.lee@example.com") in said["digests"]
    assert digest(said["salt"], ID.lower()) in said["digests"]
    assert said["lengths"] == sorted({len(ANNA), len(ID)})
    assert (said["action"], said["name"], said["reason"]) == ("set", "dsr-7", "request for erasure")


def test_another_archive_has_other_hashes(archive: Archive) -> None:
    other = open_archive(MemoryStore(archive.store.clock))  # type: ignore[attr-defined]
    assert restrict(archive).restriction != restrict(other).restriction


def test_one_archive_has_one_salt_so_that_a_reader_hashes_once(archive: Archive) -> None:
    restrict(archive)
    restrict(archive, "dsr-8", "kim@example.com")
    assert len({one.salt for one in archive.state.restricted().values()}) == 1


def test_lifting_ends_it_and_keeps_it_in_the_list(archive: Archive) -> None:
    restrict(archive)
    lift_restriction(archive, "dsr-7", "request withdrawn")
    assert archive.state.restricted() == {}
    (one,) = (archive.state.restrictions or {}).values()
    assert (one.lifted_because, one.lifted_at) == ("request withdrawn", archive.state.committed_at)


def test_a_lifted_name_can_be_used_again(archive: Archive) -> None:
    restrict(archive)
    lift_restriction(archive, "dsr-7", "mistaken")
    assert restrict(archive).seq == archive.state.restricted()["dsr-7"].seq


def test_reading_unmasked_is_an_entry_and_changes_no_restriction(archive: Archive) -> None:
    restrict(archive)
    before = archive.state.restrictions
    entry = record_reading(archive, "external audit, question 12")
    assert msgspec.to_builtins(entry.restriction) == {"action": "read", "reason": "external audit, question 12"}
    assert archive.state.restrictions == before


def test_the_archive_verifies_with_all_of_them_and_after_a_snapshot(archive: Archive, memory: MemoryStore) -> None:
    pull(archive, 0)
    restrict(archive)
    archive.log.snapshot()
    record_reading(archive, "audit")
    lift_restriction(archive, "dsr-7", "withdrawn")
    archive.log.snapshot()
    assert_clean(memory)
    assert open_archive(memory).refresh().restrictions == archive.state.restrictions


# -- two writers -------------------------------------------------------------------------------------------------


def test_of_two_writers_one_sets_a_name_and_the_other_is_told(memory: MemoryStore) -> None:
    ours, theirs = open_archive(memory), open_archive(memory)
    pull(ours, 0)
    theirs.refresh()
    restrict(ours)
    with pytest.raises(RestrictionRefused, match="dsr-7 is on since"):
        restrict(theirs)
    assert len(theirs.state.restricted()) == 1


def test_two_writers_with_two_names_share_the_salt_of_the_first(
    memory: MemoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours, theirs = open_archive(memory), open_archive(memory)
    pull(ours, 0)
    put = Log._put

    def slow(self: Log, entry: Entry) -> bool:
        if self is theirs.log and entry.kind == "restriction" and not ours.state.restricted():
            restrict(ours)  # the other writer is faster, between our decision and our entry
        return put(self, entry)

    monkeypatch.setattr(Log, "_put", slow)
    restrict(theirs, "dsr-8", "kim@example.com")
    assert sorted(theirs.state.restricted()) == ["dsr-7", "dsr-8"]
    assert len({one.salt for one in theirs.state.restricted().values()}) == 1


# -- what is refused ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "reason",
    [
        "Anna asked for it",
        "erasure of LEE",
        "about anna.lee@example.com",
        "see kim@example.com",
        f"for {ID.lower()}",
    ],
)
def test_a_reason_that_names_the_person_is_refused(archive: Archive, reason: str) -> None:
    pull(archive, 0)
    with pytest.raises(RestrictionRefused):
        restrict(archive, reason=reason)
    assert archive.state.size == 2


@pytest.mark.parametrize("name", ["anna", "dsr-lee", "Upper", "a b", "", "x" * 65, "../up", "dsr-7\n"])
def test_a_name_that_is_none_or_names_the_person_is_refused(archive: Archive, name: str) -> None:
    with pytest.raises(RestrictionRefused):
        restrict(archive, name)


@pytest.mark.parametrize("identifier", ["", "     ", "short", "line\nbreak", "x" * 321, "tab\tbed"])
def test_what_identifies_nobody_is_refused(archive: Archive, identifier: str) -> None:
    with pytest.raises(RestrictionRefused, match="cannot identify"):
        restrict(archive, "dsr-7", identifier)


@pytest.mark.parametrize("reason", ["", "  ", "two\nlines", "x" * 301, "bell\a"])
def test_a_reason_that_is_none_is_refused(archive: Archive, reason: str) -> None:
    with pytest.raises(RestrictionRefused, match="one line"):
        restrict(archive, reason=reason)


def test_nobody_and_far_too_many_are_refused(archive: Archive) -> None:
    for identifiers in ([], [f"user{number}@example.com" for number in range(101)]):
        with pytest.raises(RestrictionRefused):
            set_restriction(archive, "dsr-7", identifiers, "erasure")


def test_lifting_what_is_not_on_is_refused_with_what_is(archive: Archive) -> None:
    restrict(archive)
    with pytest.raises(RestrictionRefused, match="On are: dsr-7"):
        lift_restriction(archive, "dsr-8", "withdrawn")


GOOD = {"action": "set", "name": "n", "reason": "r", "salt": "a" * 32, "digests": ["b" * 64], "lengths": [9]}


def slipped_in(said: object) -> Entry:
    draft = Draft(kind="restriction", restriction=said)  # type: ignore[arg-type]
    return place(draft, seq=3, writer="w", committed_at="2026-11-20T08:00:00Z", snapshot=0, previous="p")


@pytest.mark.parametrize(
    "wrong",
    [
        {"action": "forget"},
        {"reason": ""},
        {"name": "No Name"},
        {"salt": "' or true --"},
        {"digests": []},
        {"digests": ["b" * 64, "') or ('"]},
        {"lengths": []},
        {"lengths": [0]},
        {"lengths": ["1) or (1=1"]},
    ],
)
def test_an_entry_that_says_nonsense_is_not_taken_in(wrong: dict[str, object]) -> None:
    check(slipped_in(GOOD), "key")
    with pytest.raises(EntryUnreadable):
        check(slipped_in(GOOD | wrong), "key")


def test_a_second_one_of_a_name_slipped_in_hides_neither() -> None:
    state = LogState()
    apply(state, slipped_in(GOOD))
    apply(state, slipped_in(GOOD | {"digests": ["c" * 64]}))
    assert sorted(state.restricted()) == ["n", "n.2"]


@pytest.mark.parametrize(("given", "kept"), [(" A@B.example ", "a@b.example"), ("\u0130\u03a3", "i\u03c3")])
def test_case_and_outer_blanks_do_not_matter(given: str, kept: str) -> None:
    assert normal(given) == kept


def test_the_restriction_of_a_folder_archive_survives_a_restart(tmp_path: Path) -> None:
    from warehouse.archive.signing import create_key, load_key
    from warehouse.archive.store import open_store

    create_key(tmp_path / "key")
    for _ in range(2):
        store = open_store(f"file:{tmp_path}/archive")
        with Archive(store, key=lambda: load_key(tmp_path / "key"), cache=tmp_path / "cache") as archive:
            archive.refresh()
            if not archive.state.restricted():
                restrict(archive)
                archive.settle()
            else:
                assert list(archive.state.restricted()) == ["dsr-7"]
                return
    raise AssertionError("the second start knew of no restriction")
