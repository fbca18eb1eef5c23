"""The command line as a person runs it: in this process where that is quick, else in one of its own."""

import io
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from sandbox import Served, Tenant, serve
from tests.promises.conftest import in_this_process
from tests.promises.site import ROOT, Ended

__all__ = ["ROOT", "Ended"]

KEY = "LEDGERLINE_COMPLIANCE_KEY"


Command = Callable[..., Ended]


class Terminal(io.StringIO):
    """Where a command writes for people. $COLUMNS says how wide it is."""

    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("LEDGERLINE_")]:
        monkeypatch.delenv(name)


@pytest.fixture
def ledgerline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    """Runs `ledgerline ...` in a folder of its own (or in `folder`)."""

    def command(*arguments: str, folder: Path = tmp_path) -> Ended:
        return in_this_process(arguments, folder, monkeypatch, capsys)

    return command


def in_a_process(*arguments: str, folder: Path, **options: Any) -> Ended:
    """Runs `ledgerline ...` in a process of its own."""
    environment = os.environ | {"PYTHONPATH": str(ROOT)} | options.pop("env", {})
    timeout = options.pop("timeout", 60)
    done = subprocess.run(
        [sys.executable, "-m", "orchestration.cli", *arguments],
        cwd=folder, env=environment, text=True, capture_output=True, timeout=timeout, check=False, **options,
    )  # fmt: skip
    return Ended(done.returncode, done.stdout, done.stderr)


@pytest.fixture(scope="session")
def sandbox() -> Iterator[Served]:
    """A tenant with five people and three days, on loopback."""
    with serve(Tenant(seed=7, users=5, days=3)) as served:
        yield served


def configure(folder: Path, sandbox: Served, extra: str = "") -> None:
    """A configuration and a key in `folder` that point at the sandbox."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "ledgerline.toml").write_text(
        f'{extra}\n[anthropic]\nbase_url = "{sandbox.url}"\nstart = {sandbox.tenant.first_day}\ntries = 1\n'
    )
    (folder / "compliance.key").write_text(sandbox.keys["compliance"])
    with (folder / "ledgerline.toml").open("a") as file:
        file.write('keys.compliance = "file:compliance.key"\n')


@pytest.fixture(scope="session")
def pulled(sandbox: Served, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a configuration and an archive that was pulled once. Tests only read it."""
    folder = tmp_path_factory.mktemp("pulled")
    configure(folder, sandbox)
    for arguments in (("init",), ("pull", "activities", "--json")):
        ended = in_a_process(*arguments, folder=folder)
        assert ended.code == 0, ended.err
    return folder
