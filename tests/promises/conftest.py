"""Tenants, as a process of their own and in this one, and installations that point at them."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from orchestration.cli.app import run
from sandbox import Served, Tenant, serve
from tests.promises.site import ROOT, Ended, Site

NOW = "2026-11-22T10:00:00Z"


@contextmanager
def tenant_process(*arguments: str) -> Iterator[dict[str, Any]]:
    """`python -m sandbox serve ...`; gives the line that it prints when it is ready."""
    process = subprocess.Popen(
        [sys.executable, "-m", "sandbox", "serve", "--lazy", "--rate-limit", "0", *arguments],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line, process.communicate()[1]
        yield json.loads(line)
    finally:
        process.terminate()
        process.communicate(timeout=10)


@pytest.fixture(scope="module")
def tenant() -> Iterator[dict[str, Any]]:
    """A tenant in a process of its own, with eight people, whose feed began six days ago; its clock is real."""
    with tenant_process("--users", "8", "--days", "6", "--seed", "5") as ready:
        yield ready


@pytest.fixture
def site(tenant: dict[str, Any], tmp_path: Path) -> Site:
    """An installation that points at the tenant in its own process; faults of earlier tests are off."""
    made = Site(tmp_path, tenant["url"], tenant["keys"]["compliance"], date.fromisoformat(tenant["first_day"]))
    made.tell("faults", clear=True)
    return made


@pytest.fixture
def past(site: Site) -> tuple[str, str]:
    """`--from` and `--to` of whole days that lie behind, in which nothing new appears any more."""
    return str(site.start), str((datetime.now(UTC) - timedelta(hours=6)).date())


Command = Callable[..., Ended]


def in_this_process(
    arguments: Sequence[str], folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Ended:
    """Runs `ledgerline ...` in a folder, without a process of its own."""
    monkeypatch.chdir(folder)
    capsys.readouterr()
    code = run(arguments)
    captured = capsys.readouterr()
    return Ended(code, captured.out, captured.err)


@pytest.fixture
def ledgerline(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    """`ledgerline(site, "status", "--json")`: as `site.run`, without a process of its own."""

    def command(at: Site, *arguments: str, **environment: str) -> Ended:
        for name, value in (dict(at.env) | environment).items():
            monkeypatch.setenv(name, value)
        ended = in_this_process(arguments, at.folder, monkeypatch, capsys)
        return at.searched_for_keys(ended) if "--debug" in arguments else at.looked_through(ended)

    return command


Standing = Callable[..., tuple[Served, Site]]


@pytest.fixture
def standing(tmp_path: Path) -> Iterator[Standing]:
    """Starts a tenant in this process whose clock stands at NOW, and an installation over it."""
    with ExitStack() as stack:

        def start(**settings: Any) -> tuple[Served, Site]:
            folder = tmp_path / f"site{len(list(tmp_path.iterdir()))}"
            wanted: dict[str, Any] = {"seed": 11, "users": 5, "days": 4, "clock": NOW, "rate_limit": 0} | settings
            served = stack.enter_context(serve(Tenant(**wanted)))
            site = Site(folder, served.url, served.keys["compliance"], served.tenant.first_day)
            return served, site

        yield start
