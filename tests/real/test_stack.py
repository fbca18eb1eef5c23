"""One command brings up every server, the tenant and Dagster, runs the demo on them, and ends them."""

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

from orchestration.stack.needs import missing

pytestmark = pytest.mark.real
ROOT = Path(__file__).parents[2]
COMMAND = [sys.executable, "-m", "orchestration.stack", "--days", "8", "--users", "20", "--port", "0"]
_SECONDS = 480


@pytest.fixture(autouse=True)
def _everything_is_here() -> None:
    if lacking := missing():
        pytest.skip("; ".join(lacking))


def begun(folder: Path, *more: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [*COMMAND, *more], cwd=folder, env={**os.environ, "PYTHONPATH": str(ROOT)}, text=True,
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
    end = time.monotonic() + 20
    while processes_in(tmp_path) and time.monotonic() < end:
        time.sleep(0.2)
    assert processes_in(tmp_path) == []


def test_what_is_missing_is_told_at_once_with_how_to_have_it(tmp_path: Path) -> None:
    bare = {"PATH": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path), "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [*COMMAND, "--check"], cwd=tmp_path, env=bare, capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 2
    assert "versitygw is not here: install Go" in done.stderr
    assert "install Maven" in done.stderr
    assert not list(tmp_path.iterdir())
