"""What the commands write is closed to the machine's other users, and `doctor` says where something is open."""

from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from orchestration.cli import doctor_files
from tests.orchestration.cli.conftest import Command, Served, configure, in_a_process


def test_nothing_that_commands_write_is_open_to_other_users(sandbox: Served, tmp_path: Path) -> None:
    """With the umask that most systems start with, under which a file is readable by everybody."""
    folder = tmp_path / "installation"
    configure(folder, sandbox)
    ours = {folder, *folder.iterdir()}
    for arguments in (
        ["init"],
        ["pull", "activities"],
        ["status"],
        ["evidence", "certificate", "--out", "e"],
    ):
        ended = in_a_process(*arguments, folder=folder, umask=0o022)
        assert ended.code in (0, 1), ended.err
    made = [path for path in folder.rglob("*") if path not in ours]
    assert {"archive", "cache", "certificate.html", "signing.key"} <= {path.name for path in made}
    assert [str(path) for path in made if path.stat().st_mode & 0o007] == []
    assert [str(path) for path in made if path.name == "signing.key" and path.stat().st_mode & 0o077] == []
    assert any(path.stat().st_mode & 0o040 for path in made)  # a group that shares the archive still reads it


@pytest.mark.parametrize(
    ("what", "mode", "said"),
    [
        ("compliance.key", 0o640, "chmod 600"),
        ("compliance.key", 0o604, "chmod 600"),
        ("data/archive", 0o755, "chmod o-rwx"),
    ],
)
def test_doctor_names_what_is_open_and_how_to_close_it(
    ledgerline: Command, sandbox: Served, what: str, mode: int, said: str
) -> None:
    with TemporaryDirectory() as name:  # the folder of the tests is closed as a whole, which is enough
        folder = Path(name)
        folder.chmod(0o755)
        configure(folder, sandbox)
        (folder / "compliance.key").chmod(0o600)
        ledgerline("init", folder=folder)
        (folder / "data").chmod(0o755)
        (folder / "data" / "archive").mkdir(mode=0o700)
        assert "FAILED  files" not in ledgerline("doctor", folder=folder).out
        (folder / what).chmod(mode)
        ended = ledgerline("doctor", folder=folder)
    assert ended.code == 1
    (line,) = [line for line in ended.out.splitlines() if line.startswith("FAILED  files")]
    assert what in line
    assert f"{said} {folder.resolve() / what}" in ended.out


def test_a_closed_folder_closes_what_is_in_it(tmp_path: Path) -> None:
    (tmp_path / "inner").mkdir(mode=0o755)
    secret = tmp_path / "inner" / "key"
    secret.write_text("x")
    secret.chmod(0o644)
    tmp_path.chmod(0o700)
    assert not doctor_files._is_open(secret, doctor_files._OTHERS)
    assert not doctor_files._is_open(secret, doctor_files._GROUP)
