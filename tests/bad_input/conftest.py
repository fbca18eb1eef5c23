"""The tenants and installations of the promises, and the command line in this process where that is quicker."""

from collections.abc import Callable
from typing import Any

import pytest

from orchestration.cli.app import run
from tests.promises.conftest import past, site, standing, tenant
from tests.promises.site import Ended, Site

__all__ = ["past", "site", "standing", "tenant"]

Command = Callable[..., Ended]


@pytest.fixture
def ledgerline(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    """`ledgerline(site, "status", "--json")`: as `site.run`, without a process of its own."""

    def command(at: Site, *arguments: str, **environment: Any) -> Ended:
        monkeypatch.chdir(at.folder)
        for name, value in (dict(at.env) | environment).items():
            monkeypatch.setenv(name, value)
        capsys.readouterr()
        code = run(arguments)
        captured = capsys.readouterr()
        return at.looked_through(Ended(code, captured.out, captured.err))

    return command
