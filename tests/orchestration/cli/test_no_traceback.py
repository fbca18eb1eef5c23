"""No traceback ever reaches a user: commands over configurations and archives that are broken in many ways,
in this process. Each ends with one of our exit codes, in words, and as a fault of ours never.
"""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.chaos.small_disk import small_disk
from tests.orchestration.cli.conftest import Command

pytestmark = pytest.mark.slow

MONTH = ("--period", "2026-11")
COMMANDS: list[tuple[str, ...]] = [
    ("init",), ("doctor",), ("pull", "activities"), ("pull", "cost"), ("pull", "users"), ("pull", "all"),
    ("import", "audit-export", "no-such.csv"), ("deliver",), ("deliver", "nobody"), ("dead-letters",),
    ("replay", "nobody", "--from", "2026-11-01", "--to", "2026-11-02"), ("status",), ("sql", "select 1"),
    ("sql", "select * from audit_events"), ("sql", "drop table x"), ("verify",), ("verify", "--pinned", "none"),
    ("prove", "activity_none"), ("evidence", "controls"), ("evidence", "certificate"),
    ("evidence", "pack", "--control", "none"), ("checkpoint",), ("witness",), ("anchor",), ("key", "show"),
    ("hold", "list"), ("hold", "set", "x"), ("retention", "extend"), ("restrict", "list"), ("expire",), ("build",),
    ("build", "no_such_model"), ("catalog",), ("detections", "list"), ("detections", "run"),
    ("detections", "test", "none"), ("detections", "export", "--target", "none", "--out", "out"),
    ("finops", "build"), ("finops", "statement", *MONTH), ("finops", "close", *MONTH),
    ("finops", "reopen", *MONTH, "--reason", "x"), ("finops", "reconcile", *MONTH),
    ("finops", "focus", *MONTH, "--out", "focus.csv"), ("finops", "report", *MONTH),
    ("telemetry", "land", "no-such"), ("telemetry", "settings"), ("cost-model",),
]  # fmt: skip


def nothing(folder: Path) -> None:
    shutil.rmtree(folder / "data", ignore_errors=True)
    (folder / "ledgerline.toml").unlink()


def bytes_for_a_configuration(folder: Path) -> None:
    (folder / "ledgerline.toml").write_bytes(b"\xff\xfe\x00[archive\x1b[2J")


def an_archive_of_other_bytes(folder: Path) -> None:
    for place in ("log/entry", "log/checkpoint", "tables", "pages"):
        for path in sorted((folder / "data/archive" / place).rglob("*")):
            if path.is_file():
                path.chmod(0o600)
                path.write_bytes(b"\x00{not what it was")


def a_file_for_a_folder(folder: Path) -> None:
    shutil.rmtree(folder / "data")
    (folder / "data").write_text("somebody's notes")


def a_folder_for_a_configuration(folder: Path) -> None:
    (folder / "ledgerline.toml").unlink()
    (folder / "ledgerline.toml").mkdir()


def keys_and_caches_of_other_bytes(folder: Path) -> None:
    for path in sorted((folder / "data").rglob("*")):
        if path.is_file() and "archive" not in path.relative_to(folder).parts:
            path.chmod(0o600)
            path.write_bytes(b"\x00\x1b[2Jnot what it was")


def marts_of_other_bytes(folder: Path) -> None:
    for path in {folder / "warehouse.duckdb", folder / "data" / "warehouse.duckdb"}:
        path.unlink(missing_ok=True)
        path.write_bytes(b"\x00\x1b[2Jnot what it was" * 1000)


def a_folder_for_the_marts(folder: Path) -> None:
    for path in {folder / "warehouse.duckdb", folder / "data" / "warehouse.duckdb"}:
        path.unlink(missing_ok=True)
        path.mkdir()


def an_archive_without_its_beginning(folder: Path) -> None:
    (folder / "data/archive/log/entry/000000000000.json").unlink()


STATES: list[Callable[[Path], None]] = [
    nothing,
    bytes_for_a_configuration,
    an_archive_of_other_bytes,
    a_file_for_a_folder,
    a_folder_for_a_configuration,
    keys_and_caches_of_other_bytes,
    marts_of_other_bytes,
    a_folder_for_the_marts,
    an_archive_without_its_beginning,
]


@pytest.mark.fault(
    "Configuration, archive, marts or disk are missing, damaged, closed or something else.",
    area="files",
    data="Nothing is written that was not asked for.",
    user="47 command lines end with exit 0, 1 or 2 in words: never a traceback, never called a fault of ours.",
    recovery="What the message says.",
)
@pytest.mark.parametrize("broken", STATES, ids=lambda state: state.__name__)
def test_no_command_shows_a_traceback_whatever_is_broken(
    ledgerline: Command, pulled: Path, tmp_path: Path, broken: Callable[[Path], None]
) -> None:
    wrong = []
    for number, command in enumerate(COMMANDS):
        folder = tmp_path / str(number)
        shutil.copytree(pulled, folder, copy_function=shutil.copy2)
        broken(folder)
        wrong += complaints(ledgerline, command, folder)
        shutil.rmtree(folder, ignore_errors=True)
    assert not wrong, "\n\n".join(wrong)


@pytest.mark.fault(
    "The disk has no room left, whatever command runs.",
    area="store",
    data="What was committed is safe.",
    user="47 command lines end with exit 0, 1 or 2 in words: never a traceback, never called a fault of ours.",
    recovery="Make room and run it again.",
)
def test_no_command_shows_a_traceback_on_a_full_disk(ledgerline: Command, pulled: Path, tmp_path: Path) -> None:
    with small_disk(tmp_path / "full") as disk:
        folder = disk.folder / "pulled"
        shutil.copytree(pulled, folder, copy_function=shutil.copy2)
        disk.leave(0)
        wrong = [one for command in COMMANDS for one in complaints(ledgerline, command, folder)]
        assert not wrong, "\n\n".join(wrong)


def complaints(ledgerline: Command, command: tuple[str, ...], folder: Path) -> list[str]:
    """What is wrong with how a command ended; nothing where it is one of our exit codes, in words."""
    ended = ledgerline(*command, folder=folder)
    told = ended.out + ended.err
    fine = ended.code in (0, 1, 2) and "Traceback" not in told and "something unexpected" not in told
    if fine and told.strip() and "\x1b[2J" not in told:
        return []
    return [f"{' '.join(command)}: exit {ended.code}: {told[-300:]}"]
