"""An archive that is gone, empty or new: each is said, and a second history is never begun by mistake."""

import shutil
from pathlib import Path

import pytest

from sandbox import Served
from tests.orchestration.cli.conftest import Command, configure


@pytest.fixture
def installation(pulled: Path, tmp_path: Path) -> Path:
    """A copy of a folder that was pulled into, whose archive may go away."""
    folder = tmp_path / "installation"
    shutil.copytree(pulled, folder, copy_function=shutil.copy2)
    return folder


def unmounted(archive: Path) -> None:
    """What is left of a disk that is not mounted: an empty folder."""
    shutil.rmtree(archive)
    archive.mkdir()


@pytest.mark.parametrize("lose", [shutil.rmtree, unmounted])
def test_a_pull_begins_no_second_history_where_an_archive_is_gone(
    ledgerline: Command, installation: Path, lose: object
) -> None:
    archive = installation / "data/archive"
    assert callable(lose)
    lose(archive)
    left = sorted(archive.rglob("*")) if archive.exists() else None
    ended = ledgerline("pull", "activities", folder=installation)
    assert ended.code == 2
    for word in ("ledgerline/", "restore", "data/cache/state.cache", "data/archive"):
        assert word in ended.err
    assert (sorted(archive.rglob("*")) if archive.exists() else None) == left
    doctor = ledgerline("doctor", folder=installation)
    assert doctor.code == 1
    assert "is gone" in doctor.out


def test_without_the_cache_a_new_archive_is_begun_and_said(ledgerline: Command, installation: Path) -> None:
    shutil.rmtree(installation / "data/archive")
    (installation / "data/cache/state.cache").unlink()
    ended = ledgerline("pull", "activities", folder=installation)
    assert ended.code == 0, ended.err
    assert ended.err.count(f"began a new archive at file:{installation}/data/archive") == 1
    assert "began a new archive" not in ledgerline("pull", "activities", folder=installation).err


@pytest.mark.parametrize("command", ["status", "verify"])
def test_an_unmounted_archive_is_no_empty_one_to_who_reads(
    ledgerline: Command, installation: Path, command: str
) -> None:
    unmounted(installation / "data/archive")
    ended = ledgerline(command, folder=installation)
    assert ended.code == 2
    assert "is gone" in ended.err


def test_of_an_empty_archive_it_is_said_that_it_is_empty(
    ledgerline: Command, sandbox: Served, tmp_path: Path
) -> None:
    configure(tmp_path, sandbox)
    assert ledgerline("init").code == 0
    made = ledgerline("doctor")
    assert "the folder was not there and has been made" in made.out
    assert "has been made" not in ledgerline("doctor").out
    verified = ledgerline("verify")
    assert verified.code == 2
    assert "nothing to verify" in verified.err
    assert "clean" not in verified.out
    assert ledgerline("verify", "--json").json()["error"]["kind"] == "archive"
    assert "the archive is empty" in ledgerline("status").out
