"""One command brings up every server, the tenant and Dagster, runs the demo on them, and ends them."""

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

import pytest

from orchestration.stack.needs import missing

pytestmark = pytest.mark.real
ROOT = Path(__file__).parents[2]
COMMAND = [sys.executable, "-m", "orchestration.stack", "--days", "8", "--users", "20", "--port", "0"]


@pytest.fixture(autouse=True)
def _everything_is_here() -> None:
    if lacking := missing():
        pytest.skip("; ".join(lacking))


def begun(folder: Path, **environment: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        COMMAND, cwd=folder, env={**os.environ, "PYTHONPATH": str(ROOT), **environment}, text=True,
        stdout=subprocess.PIPE, stderr=(folder / "stderr").open("w"),
    )  # fmt: skip


def processes_in(folder: Path) -> list[str]:
    """Command lines of processes that work in a folder or name it."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            command = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            inside = (process / "cwd").readlink().is_relative_to(folder)
        except OSError:
            continue
        if inside or str(folder) in command:
            found.append(command)
    return found


def none_after_a_while(*folders: Path) -> list[str]:
    """The processes that still work in a folder after twenty seconds; none as soon as there is none."""
    end = time.monotonic() + 20
    while left := [one for folder in folders for one in processes_in(folder)]:
        if time.monotonic() > end:
            break
        time.sleep(0.2)
    return left


def test_the_demo_runs_on_it_and_a_signal_ends_every_process(tmp_path: Path) -> None:
    stack = begun(tmp_path)
    lines: list[str] = []
    try:
        assert stack.stdout is not None
        for line in stack.stdout:
            lines.append(line)
            if "Ctrl-C" in line:
                break
        said = "".join(lines)
        assert "done in" in said, said + (tmp_path / "stderr").read_text()
        assert "as in DuckDB:" in said
        assert "archive_upkeep: SUCCESS" in said
        assert "every byte is as it was committed" in said
        url = next(line.split()[-1] for line in iter(stack.stdout.readline, "") if "the Dagster UI" in line)
        with urllib.request.urlopen(f"{url}/server_info", timeout=30) as answer:
            assert json.load(answer)["dagster_version"]
        assert processes_in(tmp_path)
    finally:
        stack.send_signal(signal.SIGINT)
        code = stack.wait(120)
    assert code == 0, (tmp_path / "stderr").read_text()
    assert none_after_a_while(tmp_path) == []


def test_a_kill_of_it_ends_every_process_too(tmp_path: Path) -> None:
    # PostgreSQL's folder, which nobody removes then, in one that is removed here
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as room:
        Path(room).chmod(0o755)
        folders = [tmp_path, Path(room)]
        tenant = tmp_path / "data" / "stack" / "demo" / "ledgerline.toml"
        stack = begun(tmp_path, TMPDIR=room)
        try:
            assert stack.stdout is not None
            while not tenant.exists():
                assert stack.stdout.readline(), (tmp_path / "stderr").read_text()
            assert all(processes_in(folder) for folder in folders)
        finally:
            stack.kill()
            stack.wait(20)
        assert none_after_a_while(*folders) == []


def test_what_is_missing_is_told_at_once_with_how_to_have_it(tmp_path: Path) -> None:
    bare = {"PATH": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path), "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [*COMMAND, "--check"], cwd=tmp_path, env=bare, capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 2
    assert "versitygw is not here: install Go" in done.stderr
    assert "install Maven" in done.stderr
    assert not list(tmp_path.iterdir())
