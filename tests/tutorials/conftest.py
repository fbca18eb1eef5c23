"""What `make demo` leaves, made once of a smaller company; nobody who uses it may change it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.docs.pages import ROOT


def environment() -> dict[str, str]:
    """This process's own, without settings of Ledgerline, with its commands on the path."""
    kept = {name: text for name, text in os.environ.items() if not name.startswith("LEDGERLINE_")}
    path = f"{Path(sys.executable).parent}{os.pathsep}{kept['PATH']}"
    return {**kept, "PATH": path, "PYTHONPATH": str(ROOT), "COLUMNS": "160", "NO_COLOR": "1"}


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("demo")
    command = [sys.executable, "-m", "orchestration.cli", "demo", "--days", "31", "--users", "40", "--keep"]
    done = subprocess.run(command, cwd=folder, env=environment(), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder
