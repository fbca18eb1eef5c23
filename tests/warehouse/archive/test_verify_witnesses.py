"""Cosignatures in the archive, as the verifier reads them."""

from datetime import timedelta

import pytest

from tests.warehouse.archive.rig import KEY, OTHER_KEY, assert_clean, codes, found, open_with_state
from tests.warehouse.archive.stores import MemoryStore
from tests.warehouse.archive.test_rotate import THIRD_KEY
from tests.warehouse.archive.test_witness import cut_off, grown, rewritten
from warehouse.archive import keys
from warehouse.archive.archive import Archive
from warehouse.archive.cosignature import Cosigner
from warehouse.archive.note import Checkpoint, Signer
from warehouse.archive.verify import verify

ALEX = Cosigner("witness.example.com/alex", THIRD_KEY)
KIM = Cosigner("witness.example.com/kim", OTHER_KEY)


def cosign(store: MemoryStore, size: int, by: Cosigner = ALEX) -> str:
    """The witness's note beside the log, as `ledgerline witness --into-archive` puts it there."""
    note = store.get(keys.checkpoint(size)).decode()
    text = note.partition("\n\n")[0] + "\n"
    name = keys.cosignature(size, by.key.key_hash)
    Archive(store, clock=store.clock).put_beside(name, (note + by.line(text, store.clock())).encode())
    return name


@pytest.fixture
def witnessed(memory: MemoryStore) -> MemoryStore:
    """Six entries; Alex has cosigned four and six of them."""
    grown(memory, 5)
    for size in (4, 6):
        cosign(memory, size)
    return memory


def test_cosignatures_that_fit_are_no_finding_and_the_newest_is_told(witnessed: MemoryStore) -> None:
    witnessed.clock.advance(hours=30)
    grown(witnessed, 2, first=5)
    result = assert_clean(witnessed, witnesses=[ALEX.key])
    told = (
        f"{ALEX.name} has cosigned up to 6 entries, 2 fewer than the log has, 30.0 hours before the newest entry"
    )
    assert told in result.notes


def test_a_known_witness_who_has_cosigned_nothing_is_told(witnessed: MemoryStore) -> None:
    assert f"no checkpoint is cosigned by {KIM.name} here" in assert_clean(witnessed, witnesses=[KIM.key]).notes


def test_strangers_are_noted_and_not_believed(witnessed: MemoryStore) -> None:
    name = cosign(witnessed, 5, KIM)
    witnessed.alter(name, witnessed.get(name)[:-9] + b"AAAAAAA=\n")
    notes = " ".join(assert_clean(witnessed, witnesses=[ALEX.key]).notes)
    assert f"archive.witnesses does not name: {KIM.name}+{KIM.key.key_hash.hex()}" in notes


@pytest.mark.parametrize(
    "change",
    [
        lambda note: note[:-9] + b"AAAAAAA=\n",
        lambda note: note[:-1],
        lambda note: b"",
        lambda note: b"\xff" + note,
        lambda note: note[: note.rindex("\u2014".encode())],
        lambda note: note.replace(b"\n4\n", b"\n5\n", 1),
    ],
    ids=["signature", "cut", "empty", "bytes", "without", "size"],
)
def test_a_cosignature_of_a_known_witness_with_other_bytes_is_a_finding(witnessed: MemoryStore, change) -> None:  # type: ignore[no-untyped-def]
    name = keys.cosignature(4, ALEX.key.key_hash)
    witnessed.alter(name, change(witnessed.get(name)))
    assert found(witnessed, witnesses=[ALEX.key]) == {("signature", name)}


def test_a_log_cut_off_behind_a_cosignature_is_truncated_without_any_pin(witnessed: MemoryStore) -> None:
    cut_off(witnessed)
    name = keys.cosignature(6, ALEX.key.key_hash)
    assert found(witnessed, witnesses=[ALEX.key]) == {("truncated", name)}
    assert found(witnessed) == set()  # who names no witness sees nothing of it


def test_a_rewritten_log_is_forked_by_what_the_witness_cosigned(witnessed: MemoryStore) -> None:
    kept = {name: list(witnessed.versions[name]) for name in witnessed.names(keys.COSIGNATURES)}
    rewritten(witnessed, keep=4)
    witnessed.versions |= kept
    assert found(witnessed, witnesses=[ALEX.key]) == {("forked", keys.cosignature(6, ALEX.key.key_hash))}


def test_a_cosignature_under_another_size_is_renumbered(witnessed: MemoryStore) -> None:
    moved = keys.cosignature(3, ALEX.key.key_hash)
    witnessed.move(keys.cosignature(4, ALEX.key.key_hash), moved)
    assert found(witnessed, witnesses=[ALEX.key]) == {("renumbered", moved)}


def test_a_cosignature_of_another_log_is_forked(witnessed: MemoryStore) -> None:
    text = Checkpoint("ledgerline/other", 5, bytes(32)).text
    name = keys.cosignature(5, ALEX.key.key_hash)
    note = Signer("ledgerline/other", KEY).sign(text) + ALEX.line(text, witnessed.clock())
    witnessed.overwrite(name, note.encode())
    assert found(witnessed, witnesses=[ALEX.key]) == {("forked", name)}


@pytest.mark.parametrize("name", ["log/witness/x", "log/witness/000000000004/xyz", "log/witness/4/00000000"])
def test_what_is_no_cosignature_by_its_name_is_added(witnessed: MemoryStore, name: str) -> None:
    witnessed.overwrite(name, b"?")
    assert found(witnessed, witnesses=[ALEX.key]) == {("added", name)}


def test_what_else_is_written_into_a_cosignature_is_altered(witnessed: MemoryStore) -> None:
    name = keys.cosignature(4, ALEX.key.key_hash)
    whole = witnessed.get(name).decode()
    text, _, lines = whole.partition("\n\n")
    log, own = lines.splitlines(keepends=True)
    middle = len(log) - 40
    other = log[:middle] + ("A" if log[middle] != "A" else "B") + log[middle + 1 :]
    stranger = KIM.line(text + "\n", witnessed.clock())
    for notes in (other + own, own + log, own, log + stranger + own, log + own + stranger, log + own + own):
        witnessed.alter(name, f"{text}\n\n{notes}".encode())
        assert found(witnessed, witnesses=[ALEX.key]) in ({("altered", name)}, {("signature", name)}), notes


def test_junk_under_the_name_of_a_stranger_is_added(witnessed: MemoryStore) -> None:
    name = keys.cosignature(4, b"\0\0\0\0")
    witnessed.overwrite(name, b"?")
    assert found(witnessed, witnesses=[ALEX.key]) == {("added", name)}


def test_cosignatures_hide_no_finding_of_the_log(witnessed: MemoryStore) -> None:
    witnessed.alter(keys.entry(2), b"{}")
    assert codes(verify(witnessed, witnesses=[ALEX.key])) == {("altered", keys.entry(2))}


def test_writers_go_on_beside_cosignatures(witnessed: MemoryStore) -> None:
    witnessed.clock.now += timedelta(hours=3)
    grown(witnessed, 3, first=5)
    assert open_with_state(witnessed).state.size == 9
    assert_clean(witnessed, witnesses=[ALEX.key])
