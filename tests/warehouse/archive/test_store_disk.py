"""The folder's disk: full, read-only, forbidden, gone, or without links. Each says what is safe and what to do."""

import errno
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest

from warehouse.archive.errors import StoreDenied, StoreUnreachable, StoreUnsafe
from warehouse.archive.local import LocalStore
from warehouse.archive.store import open_store


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


def run(program: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", program, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


FILE_SIZE_LIMIT = """
import resource, sys
from warehouse.archive.errors import StoreFull
from warehouse.archive.store import Exists, open_store
store = open_store(sys.argv[1])
store.put_if_absent("pages/small", b"x", None)
soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
resource.setrlimit(resource.RLIMIT_FSIZE, (4096, hard))
try:
    store.put_if_absent("pages/large", b"x" * 10_000, None)
except StoreFull as error:
    print(error)
assert store.head("pages/large") is None and store.get("pages/small") == b"x"
resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
store.put_if_absent("pages/large", b"x" * 10_000, None)
assert store.get("pages/large") == b"x" * 10_000
"""


@pytest.mark.fault(
    "The disk is full at any write of the store.",
    area="store",
    data="No object is there by halves.",
    user="An error says what is safe.",
    recovery="Make room and run it again.",
)
def test_a_full_disk_keeps_nothing_by_halves_and_a_rerun_completes(root: Path) -> None:
    done = run(FILE_SIZE_LIMIT, f"file:{root}")
    assert done.returncode == 0, done.stderr
    for words in ("no room left", "everything committed is safe", "pages/large", "run the same command again"):
        assert words in done.stdout
    assert files(root) == ["pages/large", "pages/small"]


def in_a_mount(options: str, root: Path, program: str) -> subprocess.CompletedProcess[str]:
    """Run `program` in a mount namespace of its own, with a small or read-only disk at `root`."""
    root.mkdir()
    script = f'mount -t tmpfs -o {options} none "$1" && shift && exec "$@"'
    ledgerline = [sys.executable, "-c", program, f"file:{root}"]
    command = ["unshare", "-rm", "sh", "-c", script, "sh", str(root), *ledgerline]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    except FileNotFoundError:
        pytest.skip("needs `unshare` (util-linux) to mount a disk of its own")
    if "unshare:" in done.stderr or "mount:" in done.stderr:
        pytest.skip("this machine does not let tests mount a disk of their own (user namespaces are off)")
    return done


def test_a_disk_that_really_fills_up_says_so_and_stays_readable(root: Path) -> None:
    program = """
import sys
from warehouse.archive.errors import StoreFull
from warehouse.archive.store import open_store
store, kept = open_store(sys.argv[1]), 0
try:
    for kept in range(1000):
        store.put_if_absent(f"pages/{kept:04d}", b"%04d" % kept * 5000, None)
except StoreFull as error:
    print(error)
assert 1 < kept < 100
assert [store.get(i.key) for i in store.list("")] == [b"%04d" % n * 5000 for n in range(kept)]
"""
    done = in_a_mount("size=512k", root, program)
    assert done.returncode == 0, done.stderr
    assert "No space left on device" in done.stdout


@pytest.mark.fault(
    "The disk is mounted for reading only.",
    area="store",
    data="Nothing is written.",
    user="An error says so.",
    recovery="Mount it for writing.",
)
def test_a_read_only_disk_says_so(root: Path) -> None:
    program = """
import sys
from warehouse.archive.errors import StoreDenied
from warehouse.archive.store import open_store
try:
    open_store(sys.argv[1]).put_if_absent("a", b"x", None)
except StoreDenied as error:
    print(error)
"""
    done = in_a_mount("ro", root, program)
    assert done.returncode == 0, done.stderr
    assert "Read-only file system" in done.stdout
    assert "mount the disk writable" in done.stdout


AS_NOBODY = """
import os, sys
from warehouse.archive.errors import StoreDenied
from warehouse.archive.store import open_store
store = open_store(sys.argv[1])
if os.getuid() == 0:
    os.setgroups([]); os.setgid(65534); os.setuid(65534)
try:
    store.put_if_absent("pages/a", b"x", None)
except StoreDenied as error:
    print(error)
"""


def test_a_folder_without_the_right_to_write_says_who_needs_it() -> None:
    with tempfile.TemporaryDirectory() as folder:  # pytest's own is closed to other users
        os.chmod(folder, 0o555)
        done = run(AS_NOBODY, f"file:{folder}")
        os.chmod(folder, 0o755)
    assert done.returncode == 0, done.stderr
    assert "Permission denied" in done.stdout
    assert "user that runs Ledgerline" in done.stdout


def test_a_file_where_the_archive_should_be_is_named(tmp_path: Path) -> None:
    (tmp_path / "archive").write_text("")
    with pytest.raises(StoreDenied, match="A file is where a folder is needed"):
        open_store(f"file:{tmp_path}/archive")
    with pytest.raises(StoreDenied, match="A file is where a folder is needed"):
        open_store(f"file:{tmp_path}/archive/below")


@pytest.mark.parametrize(
    "verb",
    [
        lambda store: store.get("a"),
        lambda store: store.head("a"),
        lambda store: list(store.list("")),
        lambda store: list(store.list("pages/")),
        lambda store: store.put_if_absent("b", b"x", None),
    ],
    ids=["get", "head", "list", "list below", "put"],
)
@pytest.mark.parametrize("replaced", [False, True], ids=["gone", "an empty mount point instead"])
def test_a_disk_that_went_away_is_never_taken_for_an_empty_archive(
    store: LocalStore, root: Path, verb: Callable[[LocalStore], object], replaced: bool
) -> None:
    store.put_if_absent("a", b"x", None)
    root.rename(root.with_name("elsewhere"))
    if replaced:
        root.mkdir()
    with pytest.raises(StoreUnreachable, match="mount it again"):
        verb(store)


@pytest.mark.parametrize(
    ("number", "error", "words"),
    [(errno.EOPNOTSUPP, StoreUnsafe, "ext4"), (errno.EXDEV, StoreDenied, "another file system")],
)
def test_a_file_system_without_dependable_links_is_refused(
    store: LocalStore, root: Path, monkeypatch: pytest.MonkeyPatch, number: int, error: type[Exception], words: str
) -> None:
    def link(*_: object, **__: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "link", link)  # no such file system can be mounted in a test
    with pytest.raises(error, match=words):
        store.put_if_absent("a", b"x", None)
    assert files(root) == []


def test_a_file_system_that_replaces_on_link_is_found_by_the_probe(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "link", lambda source, target: Path(target).write_bytes(Path(source).read_bytes()))
    monkeypatch.setattr(os.path, "lexists", lambda path: False)
    with pytest.raises(StoreUnsafe, match="silently overwrote"):
        open_store(f"file:{root}", probe=True)
