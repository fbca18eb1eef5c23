"""The folder: read-only whole files, written once, through crashes and odd neighbours."""

import os
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

from warehouse.archive import local
from warehouse.archive.errors import KeyInvalid, KeyMissing, StoreDenied
from warehouse.archive.local import LocalStore
from warehouse.archive.store import Exists, Stored, open_store


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "archive"


@pytest.fixture
def store(root: Path) -> LocalStore:
    opened = open_store(f"file:{root}")
    assert isinstance(opened, LocalStore)
    return opened


def files(root: Path) -> list[str]:
    return sorted(str(path.relative_to(root)) for path in root.rglob("*") if not path.is_dir())


def test_a_file_has_no_write_bit_and_its_folders_are_private_to_the_owner_for_writing(
    store: LocalStore, root: Path
) -> None:
    before = os.umask(0o022)
    try:
        store.put_if_absent("pages/a/1", b"x", None)
    finally:
        os.umask(before)
    assert stat.S_IMODE((root / "pages/a/1").stat().st_mode) == 0o444
    assert stat.S_IMODE((root / "pages/a").stat().st_mode) == 0o755


def test_a_stricter_umask_is_respected(store: LocalStore, root: Path) -> None:
    before = os.umask(0o027)
    try:
        store.put_if_absent("pages/a/1", b"x", None)
    finally:
        os.umask(before)
    assert stat.S_IMODE((root / "pages/a/1").stat().st_mode) == 0o440
    assert stat.S_IMODE((root / "pages/a").stat().st_mode) == 0o750


def test_a_file_that_became_writable_is_no_longer_told_as_locked(store: LocalStore, root: Path) -> None:
    store.put_if_absent("a", b"x", None)
    (root / "a").chmod(0o644)
    info = store.head("a")
    assert info is not None
    assert info.lock_mode is None


def test_nothing_unfinished_is_left_after_puts(store: LocalStore, root: Path) -> None:
    store.put_if_absent("a", b"x", None)
    store.put_if_absent("a", b"y", None)
    assert files(root) == ["a"]


def test_stale_unfinished_files_go_when_opened_for_writing_and_fresh_ones_stay(root: Path) -> None:
    folder = root / ".tmp-unfinished"
    folder.mkdir(parents=True)
    old, fresh = folder / ".tmp-old", folder / ".tmp-fresh"
    for path in (old, fresh):
        path.write_bytes(b"half")
    os.utime(old, (time.time() - local.STALE_SECONDS - 60,) * 2)
    open_store(f"file:{root}", writable=False)
    assert old.exists()
    store = open_store(f"file:{root}")
    assert not old.exists()
    assert fresh.exists()
    assert list(store.list("")) == []


WRITE_FOR_EVER = """
import sys
from warehouse.archive.store import open_store
store = open_store(sys.argv[1])
print("ready", flush=True)
for n in range(10**6):
    store.put_if_absent(f"pages/{n % 7}/{n:06d}", b"%06d" % n * 50_000, None)
"""


def test_killing_a_writer_at_any_moment_leaves_only_whole_files(root: Path) -> None:
    for moment in range(8):
        command = [sys.executable, "-c", WRITE_FOR_EVER, f"file:{root}/{moment}"]
        with subprocess.Popen(command, stdout=subprocess.PIPE) as writer:
            assert writer.stdout is not None
            assert writer.stdout.readline() == b"ready\n"
            time.sleep(0.02 + moment * 0.013)
            writer.send_signal(signal.SIGKILL)
        store = open_store(f"file:{root}/{moment}")
        for info in store.list(""):
            assert store.get(info.key) == info.key[-6:].encode() * 50_000
        # The next writer finds each key as the dead one left it: whole, or free.
        outcome = store.put_if_absent("pages/0/000000", b"000000" * 50_000, None)
        assert isinstance(outcome, Stored | Exists)


RACE = """
import sys, time
from warehouse.archive.store import Stored, open_store
store = open_store(sys.argv[1])
print("ready", flush=True)
sys.stdin.readline()
for n in range(40):
    if isinstance(store.put_if_absent(f"log/entry/{n:012d}", sys.argv[2].encode(), None), Stored):
        print(n)
"""


def test_of_several_processes_that_want_one_key_exactly_one_wins(root: Path) -> None:
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", RACE, f"file:{root}", str(n)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for n in range(4)
    ]
    for writer in writers:
        assert writer.stdout is not None
        assert writer.stdout.readline() == "ready\n"
    won: dict[int, str] = {}
    for writer in writers:
        assert writer.stdin is not None
        writer.stdin.write("go\n")
        writer.stdin.flush()
    for name, writer in enumerate(writers):
        out, _ = writer.communicate(timeout=60)
        for line in out.split():
            assert int(line) not in won
            won[int(line)] = str(name)
    store = open_store(f"file:{root}")
    assert {n: store.get(f"log/entry/{n:012d}").decode() for n in range(40)} == won


def test_a_key_below_an_object_is_refused_with_what_is_in_the_way(store: LocalStore, root: Path) -> None:
    store.put_if_absent("a/b", b"x", None)
    with pytest.raises(StoreDenied, match="is in the way"):
        store.put_if_absent("a/b/c", b"x", None)
    assert store.head("a/b/c") is None
    assert files(root) == ["a/b"]


def test_a_key_that_is_a_folder_of_others_is_refused(store: LocalStore) -> None:
    store.put_if_absent("a/b", b"x", None)
    with pytest.raises(KeyInvalid, match="holds other keys"):
        store.put_if_absent("a", b"x", None)


def test_a_linked_folder_is_never_written_through_nor_entered(
    store: LocalStore, root: Path, tmp_path: Path
) -> None:
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside/strange").write_bytes(b"x")
    (root / "pages").symlink_to(tmp_path / "outside")
    with pytest.raises(StoreDenied, match="symbolic link"):
        store.put_if_absent("pages/a", b"x", None)
    assert [info.key for info in store.list("")] == ["pages"]
    assert files(tmp_path / "outside") == ["strange"]


def test_a_pipe_under_a_key_is_missing_and_does_not_hang(store: LocalStore, root: Path) -> None:
    os.mkfifo(root / "a")
    with pytest.raises(KeyMissing):
        store.get("a")


def test_a_stranger_with_an_undecodable_name_is_listed_printably(store: LocalStore, root: Path) -> None:
    store.put_if_absent("pages/a", b"x", None)
    with open(os.path.join(os.fsencode(root), b"pages/\xff\xfe"), "wb"):
        pass
    assert [info.key for info in store.list("")] == ["pages/a", r"pages/\xff\xfe"]


def test_a_version_id_from_a_copied_log_is_not_asked_for(store: LocalStore) -> None:
    store.put_if_absent("a", b"x", None)
    assert store.get("a", "3/L4kqtJlcpXroDTDmJ+rmSpXd3dIbrHY") == b"x"


def test_folders_that_were_removed_meanwhile_are_made_again(store: LocalStore, root: Path) -> None:
    store.put_if_absent("a/b/1", b"x", None)
    (root / "a/b/1").unlink()
    (root / "a/b").rmdir()
    assert isinstance(store.put_if_absent("a/b/2", b"y", None), Stored)


def test_the_probe_of_a_sound_folder_finds_nothing_and_leaves_only_its_object(
    store: LocalStore, root: Path
) -> None:
    assert all(result.ok for result in store.probe())
    assert [name.partition("/")[0] for name in files(root)] == ["probes"]
