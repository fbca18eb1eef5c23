"""An archive on Azure or Google from the command line: pulled, asked, proven and built, over HTTP."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox import Served
from tests.orchestration.cli.conftest import ROOT, Command, configure, in_a_process
from tests.warehouse.archive import azure_server, gcs_server
from tests.warehouse.archive.azure_server import AzureServer
from tests.warehouse.archive.gcs_server import GcsServer

Server = AzureServer | GcsServer


@pytest.fixture(scope="module", params=["azure", "gcs"])
def cloud(
    request: pytest.FixtureRequest, sandbox: Served, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Server, Path]]:
    """A pretend cloud, and a folder whose configuration keeps its archive there; pulled once."""
    folder = tmp_path_factory.mktemp("cloud")
    with azure_server.running() if request.param == "azure" else gcs_server.running() as server:
        if isinstance(server, AzureServer):
            (folder / "storage.key").write_text(azure_server.KEY)
            settings = (
                f'url = "az://{server.new_container()}/ledger"\nazure_credential = "file:storage.key"\n'
                f'azure_endpoint = "{server.endpoint}/{azure_server.ACCOUNT}"\n'
            )
        else:
            settings = f'url = "gs://{server.new_bucket()}/ledger"\ngcs_endpoint = "{server.endpoint}"\n'
        configure(folder, sandbox, f"[archive]\n{settings}")
        for arguments in (("init",), ("pull", "activities")):
            ended = in_a_process(*arguments, folder=folder)
            assert ended.code == 0, ended.err
        yield server, folder


def downloads(server: Server, part: str) -> int:
    return sum(
        1 for request in server.asked if request.method == "GET" and part in request.path.replace("%2F", "/")
    )


def test_sql_answers_and_fetches_each_file_once(cloud: tuple[Server, Path], ledgerline: Command) -> None:
    server, folder = cloud
    question = (
        "select (select count(*) from audit_events) as events, (select count(*) from log_entries) as entries"
    )
    first = ledgerline("sql", "--json", question, folder=folder)
    assert first.code == 0, first.err
    (row,) = first.json()
    status = ledgerline("status", "--json", folder=folder).json()
    events, entries = row["events"], row["entries"]
    assert entries == status["entries"]
    assert events == sum(stream["records"] for stream in status["streams"] if stream["stream"] == "activities") > 0
    server.asked.clear()
    assert ledgerline("sql", "--json", question, folder=folder).json() == first.json()
    assert downloads(server, "/tables/recent/") == 0


def test_what_is_copied_is_for_this_user_only_and_may_be_deleted(
    cloud: tuple[Server, Path], ledgerline: Command
) -> None:
    _, folder = cloud
    question = ("sql", "--json", "select count(*) from audit_events")
    first = ledgerline(*question, folder=folder)
    copies = folder / "data" / "cache" / "mirror"
    assert copies.stat().st_mode & 0o077 == 0
    for path in sorted(copies.rglob("*"), reverse=True):
        path.unlink() if path.is_file() else path.rmdir()
    assert ledgerline(*question, folder=folder).json() == first.json()


def test_an_event_is_proven(cloud: tuple[Server, Path], ledgerline: Command) -> None:
    _, folder = cloud
    found = ledgerline("sql", "--json", "select id from audit_events order by id limit 1", folder=folder).json()
    ended = ledgerline("prove", found[0]["id"], "--out", "event.proof", folder=folder)
    assert ended.code == 0, ended.err
    script = ROOT / "warehouse" / "archive" / "verify_proof.py"
    checked = subprocess.run(
        [sys.executable, "-I", "-S", script, "event.proof"], cwd=folder, capture_output=True, check=False
    )
    assert checked.returncode == 0


def test_the_archive_verifies_with_every_lock_read_back(cloud: tuple[Server, Path], ledgerline: Command) -> None:
    _, folder = cloud
    ended = ledgerline("verify", "--deep", "--rederive", "--json", folder=folder)
    assert ended.json()["findings"] == []
    assert ended.code == 0
