"""`doctor` says where rows go that are too many for memory, and does not pass over a TMPDIR that is not there."""

from pathlib import Path

from tests.orchestration.cli.conftest import Served, configure, in_a_process


def _said(folder: Path, tmpdir: Path) -> tuple[int, str]:
    ended = in_a_process("doctor", folder=folder, env={"TMPDIR": str(tmpdir)})
    lines = ended.out.splitlines()
    (at,) = [number for number, line in enumerate(lines) if "  scratch  " in line]
    return ended.code, "\n".join(lines[at : at + 2])


def test_doctor_names_the_folder_and_its_room_and_fails_where_tmpdir_is_no_folder(
    sandbox: Served, tmp_path: Path
) -> None:
    configure(tmp_path, sandbox)
    assert in_a_process("init", folder=tmp_path).code == 0
    there = tmp_path / "scratch"
    there.mkdir()
    _, said = _said(tmp_path, there)
    assert f"ok      scratch  {there}: " in said
    assert " free for rows that are too many for memory" in said
    code, said = _said(tmp_path, tmp_path / "gone")
    assert code == 1
    assert f"FAILED  scratch  TMPDIR={tmp_path / 'gone'}: no folder that this user can write" in said
    assert "What to do: make that folder" in said
