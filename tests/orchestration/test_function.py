"""The pipeline as a function: the same commands, and a failure that an alarm can see."""

import os
from pathlib import Path

import pytest

from orchestration.function import TAIL, CommandsFailed, handler
from sandbox import Tenant, serve
from warehouse.archive.signing import create_key

CONFIG = """\
[archive]
url = "file:{folder}/archive"
signing_key = "file:{folder}/signing.key"
cache = "{folder}/cache"
[anthropic]
base_url = "{url}"
keys.compliance = "env:LEDGERLINE_COMPLIANCE_KEY"
start = 2026-11-20
[warehouse]
duckdb = "{folder}/warehouse.duckdb"
"""


@pytest.fixture
def _cwd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A function's folder is read-only; nothing must want to write there."""
    folder = tmp_path / "function"
    folder.mkdir()
    monkeypatch.chdir(folder)
    folder.chmod(0o555)


@pytest.mark.usefixtures("_cwd")
def test_a_call_pulls_raises_alerts_and_delivers_and_the_next_call_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    create_key(tmp_path / "signing.key")
    with serve(Tenant(seed=5, users=4, days=2, clock="2026-11-22T10:00:00Z", rate_limit=0)) as served:
        monkeypatch.setenv("LEDGERLINE_CONFIG", "")  # put back afterwards, whatever the handler sets
        monkeypatch.setenv("LEDGERLINE_CONFIG_TOML", CONFIG.format(folder=tmp_path, url=served.url))
        monkeypatch.setenv("LEDGERLINE_COMPLIANCE_KEY", served.keys["compliance"])
        first = handler({}, None)
        assert [one["command"] for one in first["ended"]] == [" ".join(words) for words in TAIL]
        assert {one["code"] for one in first["ended"]} <= {0, 1}
        entries = len(list((tmp_path / "archive" / "log" / "entry").iterdir()))
        handler({"commands": [["pull", "activities"], ["status"]]}, None)
        assert len(list((tmp_path / "archive" / "log" / "entry").iterdir())) >= entries
    assert os.environ["LEDGERLINE_CONFIG"].endswith("ledgerline.toml")


def test_a_command_that_could_not_run_fails_the_call_and_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LEDGERLINE_CONFIG", str(tmp_path / "none.toml"))
    with pytest.raises(CommandsFailed, match="`ledgerline status` ended with 2"):
        handler({"commands": [["status"]]}, None)
    with pytest.raises(CommandsFailed, match="list of lists"):
        handler({"commands": ["status"]}, None)
