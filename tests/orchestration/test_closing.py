"""Whatever starts a process of ours closes what that process writes; what is only imported changes nothing."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from orchestration import cli, function, reporting, ui, ui_server
from orchestration.definitions import defs
from orchestration.stack import __main__ as stack
from tests.promises.site import ROOT

ENTRIES: dict[str, Callable[[], Any]] = {
    "ledgerline": cli.main,
    "orchestration.reporting": reporting.main,
    "orchestration.ui": ui.main,
    "orchestration.ui_server": ui_server.main,
    "orchestration.stack": stack.main,
    "orchestration.definitions": defs,
    "orchestration.function": lambda: function.handler({"commands": []}, None),
}


@pytest.fixture
def open_to_all() -> Iterator[None]:
    """The umask that most systems start with."""
    before = os.umask(0o022)
    yield
    os.umask(before)


def umask() -> int:
    now = os.umask(0)
    os.umask(now)
    return now


def test_importing_leaves_the_umask_alone(open_to_all: None) -> None:
    program = "import os; import orchestration.cli.app, orchestration.workshop; print(os.umask(0))"
    said = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert said.stdout.strip() == str(0o022)


@pytest.mark.parametrize("name", sorted(ENTRIES))
def test_each_entry_closes_what_its_process_writes(
    name: str, open_to_all: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "ledgerline.toml").write_text("[anthropic]\nstart = 2026-10-01\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LEDGERLINE_CONFIG", str(tmp_path / "ledgerline.toml"))
    monkeypatch.setattr(sys, "argv", [name, "--help"])
    with suppress(SystemExit):
        ENTRIES[name]()
    assert umask() == 0o027
