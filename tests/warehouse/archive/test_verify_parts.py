"""The log gone over in parts by several processes: the same result as in one piece, whatever was done to it."""

import os
import shutil
from functools import partial
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tests.warehouse.archive.hands import FolderHands
from tests.warehouse.archive.rig import KEY, OTHER_KEY, STREAM, codes, open_archive, open_with_state, pull, trusted
from tests.warehouse.archive.stores import Clock
from warehouse.archive import crew, keys, verify_parts
from warehouse.archive import verify as verifying
from warehouse.archive.crew import Processes, Threads
from warehouse.archive.entry import Draft
from warehouse.archive.errors import StoreDenied
from warehouse.archive.note import Signer, Verifier
from warehouse.archive.rotate import rotate
from warehouse.archive.store import Store, open_store
from warehouse.archive.verify import verify
from warehouse.archive.verify_parts import parts_of


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """700 entries, with a snapshot after every 60."""
    folder = tmp_path_factory.mktemp("parts")
    archive = open_archive(open_store(f"file:{folder}"), clock=Clock())
    for number in range(600):
        if number % 60 == 59:
            archive.log.snapshot()
        archive.commit(Draft(kind="pull", stream=STREAM)) if number % 10 else pull(archive, number // 10)
    archive.settle()
    return folder


@pytest.fixture
def hands(built: Path, tmp_path: Path) -> FolderHands:
    shutil.copytree(built, tmp_path / "a", copy_function=os.link)
    return FolderHands(open_store(f"file:{tmp_path}/a", writable=False), tmp_path / "a")


@pytest.fixture(autouse=True)
def worth_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also for a log as short as this one."""
    monkeypatch.setattr(verifying, "_WORTH_PROCESSES", 100)


def in_processes(hands: FolderHands) -> verifying.Verification:
    return verify(hands.store, reopen=partial(open_store, hands.store.url, writable=False), deep=True)


def replace(hands: FolderHands, key: str, data: bytes) -> None:
    hands.remove(key)  # other names for the same file must keep their bytes
    hands.write(key, data)


def test_an_untouched_archive_is_as_clean_in_processes_as_in_one(hands: FolderHands) -> None:
    parts, one = in_processes(hands), verify(hands.store, deep=True)
    assert parts.findings == one.findings == []
    assert parts.checked == one.checked
    assert parts.notes == one.notes
    assert parts.reached == one.reached


def test_the_parts_begin_at_snapshots_and_leave_nothing_out(hands: FolderHands) -> None:
    size = len(hands.names(keys.ENTRIES))
    parts = parts_of(hands.store, size)
    assert len(parts) >= 4
    assert [part.first for part in parts[1:]] == [part.stop for part in parts[:-1]]
    assert (parts[0].first, parts[-1].stop, [part.last for part in parts].count(True)) == (0, size, 1)
    for part in parts[1:]:
        assert b'"kind":"snapshot"' in hands.read(keys.entry(part.first))


@pytest.mark.parametrize("seq", [0, 1, 60, 61, 183, 305, 610])
def test_an_altered_entry_is_named_the_same(hands: FolderHands, seq: int) -> None:
    replace(hands, keys.entry(seq), hands.read(keys.entry(seq)) + b" ")
    told = codes(in_processes(hands))
    assert ("altered", keys.entry(seq)) in told
    assert told == codes(verify(hands.store, deep=True))


@pytest.mark.parametrize(
    "key", [keys.checkpoint(61), keys.checkpoint(200), keys.tile(0, 0, 61), keys.tile(1, 0, 1)]
)
def test_an_altered_checkpoint_or_tile_is_named_the_same(hands: FolderHands, key: str) -> None:
    data = hands.read(key)
    replace(hands, key, data[:-10] + bytes([data[-10] ^ 1]) + data[-9:])
    told = codes(in_processes(hands))
    assert key in {subject for _, subject in told}
    assert told == codes(verify(hands.store, deep=True))


def test_objects_of_every_part_are_looked_at(hands: FolderHands) -> None:
    pages = hands.names("pages/")[::9]
    for page in pages:
        replace(hands, page, b"x")
    assert codes(in_processes(hands)) == {("altered", page) for page in pages}


def fail(store: Store, piece: int) -> int:
    if piece == 3:
        raise StoreDenied("no")
    return piece * len(store.url)


@pytest.mark.parametrize("apart", [True, False])
def test_results_come_in_order_and_an_error_where_its_result_would(hands: FolderHands, apart: bool) -> None:
    reopen = partial(open_store, hands.store.url, writable=False)
    workers: crew.Crew = Processes(reopen, 2) if apart else Threads(hands.store)
    try:
        each, length = workers.each(fail, range(9)), len(hands.store.url)
        assert [next(each) for _ in range(3)] == [0, length, 2 * length]
        with pytest.raises(StoreDenied):
            next(each)
    finally:
        workers.close()


def test_a_part_that_cannot_begin_is_not_clean(hands: FolderHands) -> None:
    part = verify_parts.Part(1, 5, False)  # entry 1 is no snapshot
    assert not verify_parts.replay(hands.store, part, None).clean  # type: ignore[arg-type]


# -- a log that changed its key -------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def built_with_two_keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """900 entries; entry 406 hands the log over."""
    folder = tmp_path_factory.mktemp("rotated")
    store = open_store(f"file:{folder}")
    for key, pulls in ((KEY, 400), (OTHER_KEY, 480)):
        archive = open_archive(store, clock=Clock(), key=key)
        for number in range(pulls):
            if number % 70 == 69:
                archive.log.snapshot()
            archive.commit(Draft(kind="pull", stream=STREAM))
        archive.settle()
        if key is KEY:
            rotate(archive, OTHER_KEY)
    return folder


@pytest.fixture
def two_keys(built_with_two_keys: Path, tmp_path: Path) -> FolderHands:
    shutil.copytree(built_with_two_keys, tmp_path / "b", copy_function=os.link)
    return FolderHands(open_store(f"file:{tmp_path}/b", writable=False), tmp_path / "b")


def apart(hands: FolderHands, trusted: list[Verifier] | None) -> tuple[verifying.Verification, bool]:
    """The result, and whether the parts sufficed for it."""
    asked: list[bool] = []
    in_parts = verifying._Work._in_parts

    def watched(work: verifying._Work, size: int, crew: crew.Crew) -> bool:
        asked.append(in_parts(work, size, crew))
        return asked[-1]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(verifying._Work, "_in_parts", watched)
        result = verify(hands.store, trusted=trusted, reopen=partial(open_store, hands.store.url, writable=False))
    return result, asked == [True]


@pytest.mark.parametrize("known", [[KEY], [OTHER_KEY], [KEY, OTHER_KEY], None])
def test_parts_under_two_keys_are_vouched_for_by_either(two_keys: FolderHands, known: list | None) -> None:  # type: ignore[type-arg]
    archive = open_with_state(two_keys.store)
    keys_known = None if known is None else [trusted(archive, key)[0] for key in known]
    result, sufficed = apart(two_keys, keys_known)
    assert (result.findings, sufficed) == ([], True)
    assert result.checked["entries"] == archive.state.size


def test_parts_of_which_no_key_is_trusted_are_foreign(two_keys: FolderHands) -> None:
    archive = open_with_state(two_keys.store)
    stranger = trusted(archive, Ed25519PrivateKey.from_private_bytes(b"\x09" * 32))
    result, sufficed = apart(two_keys, stranger)
    assert (sufficed, result.per_code["foreign_key"]) == (False, 1)


def test_the_old_key_after_the_change_is_foreign_in_parts_too(two_keys: FolderHands) -> None:
    archive = open_with_state(two_keys.store)
    assert archive.state.origin is not None
    name = keys.checkpoint(700)
    text = two_keys.store.get(name).decode().partition("\n\n")[0] + "\n"
    replace(two_keys, name, Signer(archive.state.origin, KEY).sign(text).encode())
    result, sufficed = apart(two_keys, trusted(archive, OTHER_KEY))
    assert (codes(result), sufficed) == ({("foreign_key", name)}, False)
