"""Holds, longer retention and expiry from the command line, on a folder and on a bucket over HTTP."""

import shutil
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from sandbox import Served
from tests.orchestration.cli.conftest import Command, configure
from tests.warehouse.archive import azure_server, gcs_server
from tests.warehouse.archive.gcs_server import GcsServer


@pytest.fixture
def own(pulled: Path, tmp_path: Path) -> Path:
    """A copy of the pulled archive that a test may write to."""
    shutil.copytree(pulled, tmp_path, dirs_exist_ok=True)
    return tmp_path


@pytest.fixture(scope="module")
def google() -> Iterator[GcsServer]:
    with gcs_server.running() as server:
        yield server


@pytest.fixture
def on_google(google: GcsServer, sandbox: Served, tmp_path: Path, ledgerline: Command) -> Path:
    """An archive in a pretend bucket of Google, pulled once."""
    url = f"gs://{google.new_bucket()}/ledger"
    configure(tmp_path, sandbox, f'[archive]\nurl = "{url}"\ngcs_endpoint = "{google.endpoint}"\n')
    assert ledgerline("init").code == 0
    first = str(sandbox.tenant.first_day)
    second = str(sandbox.tenant.first_day + timedelta(days=1))
    assert ledgerline("pull", "activities", "--from", first, "--to", second).code == 0
    return tmp_path


def test_a_hold_is_set_listed_verified_and_released(ledgerline: Command, on_google: Path, sandbox: Served) -> None:
    day = str(sandbox.tenant.first_day)
    until = str(sandbox.tenant.first_day + timedelta(days=1))
    put = ledgerline("hold", "set", "case-7", "--from", day, "--to", until, "--reason", "litigation", "--json")
    assert put.code == 0, put.err
    assert put.json()["enforced"] is True
    assert put.json()["objects"] > 5
    assert put.json()["gone"] == []
    (listed,) = ledgerline("hold", "list", "--json").json()["holds"]
    assert (listed["name"], listed["phase"], listed["reason"]) == ("case-7", "on", "litigation")
    assert ledgerline("verify").code == 0
    assert "case-7" in ledgerline("hold", "list").out
    released = ledgerline("hold", "release", "case-7", "--reason", "settled", "--json")
    assert released.code == 0
    assert released.json()["objects"] >= put.json()["objects"]  # and the entries about the hold itself
    assert ledgerline("hold", "list").out == "no legal hold is on\n"
    assert ledgerline("verify").code == 0


def test_the_same_on_azure(ledgerline: Command, sandbox: Served, tmp_path: Path) -> None:
    with azure_server.running() as server:
        (tmp_path / "storage.key").write_text(azure_server.KEY)
        configure(
            tmp_path,
            sandbox,
            f'[archive]\nurl = "az://{server.new_container()}/ledger"\nazure_credential = "file:storage.key"\n'
            f'azure_endpoint = "{server.endpoint}/{azure_server.ACCOUNT}"\n',
        )
        day, until = (str(sandbox.tenant.first_day + timedelta(days=days)) for days in (0, 1))
        span = ("--from", day, "--to", until)
        assert ledgerline("init").code == 0
        assert ledgerline("pull", "activities", *span).code == 0
        put = ledgerline("hold", "set", "case-7", *span, "--reason", "litigation", "--json")
        assert put.code == 0, put.err
        assert ledgerline("retention", "extend", "--until", "2060-01-01", *span).code == 0
        checked = ledgerline("verify", "--deep", "--json")
        assert checked.json()["findings"] == []
        assert ledgerline("hold", "release", "case-7", "--reason", "settled").code == 0
        assert ledgerline("doctor").code == 0


def test_a_hold_taken_off_behind_our_back_is_a_finding_and_is_mended(
    ledgerline: Command, on_google: Path, google: GcsServer, sandbox: Served
) -> None:
    arguments = ("hold", "set", "case-7", "--from", str(sandbox.tenant.first_day), "--to", "now", "--reason", "x")
    assert ledgerline(*arguments).code == 0
    stolen = next(one for one in list(google.buckets.values())[-1].objects if "/pages/" in one.name)
    stolen.hold = False
    found = ledgerline("verify", "--json")
    assert found.code == 1
    assert [(one["code"], one["subject"]) for one in found.json()["findings"]] == [
        ("not_held", stolen.name.removeprefix("ledger/"))
    ]
    again = [*arguments]
    again[6] = ledgerline("hold", "list", "--json").json()["holds"][0]["window"][1]
    assert ledgerline(*again).code == 0
    assert stolen.hold
    assert ledgerline("verify").code == 0


def test_a_retention_is_extended(ledgerline: Command, on_google: Path, google: GcsServer) -> None:
    ended = ledgerline("retention", "extend", "--until", "2060-01-01", "--json")
    assert ended.code == 0, ended.err
    retained = [one.retention for one in list(google.buckets.values())[-1].objects if "/pages/" in one.name]
    assert [one and one["retainUntilTime"][:10] for one in retained] == ["2060-01-01"] * len(retained)
    assert ledgerline("verify").code == 0


def test_a_folder_says_that_nobody_else_keeps_the_hold(ledgerline: Command, own: Path) -> None:
    ended = ledgerline(
        "hold", "set", "x", "--from", "2026-01-01", "--to", "2030-01-01", "--reason", "y", folder=own
    )
    assert ended.code == 0
    assert "nobody else" in ended.out
    assert "`ledgerline expire`" in ledgerline("verify", folder=own).out


def test_expiry_finds_nothing_to_do_in_a_young_archive(ledgerline: Command, own: Path) -> None:
    dry = ledgerline("expire", "--dry-run", "--json", folder=own).json()
    assert (dry["dry_run"], dry["deleted"], dry["strange"]) == (True, [], [])
    assert sum(dry["kept"].values()) > 0
    ended = ledgerline("expire", folder=own)
    assert (ended.code, ended.out.splitlines()[0]) == (0, "0 files of the recent tier deleted, 0 B")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["hold", "set", "../x", "--from", "today", "--to", "now", "--reason", "y"], "cannot be the name"),
        (["hold", "set", "x", "--from", "now", "--to", "yesterday", "--reason", "y"], "not before --to"),
        (["hold", "set", "x", "--from", "today", "--to", "now", "--reason", " "], "--reason"),
        (["hold", "set", "x", "--from", "2026-01-01", "--to", "now", "--reason", "y", "--stream", "activites"],
         "Did you mean activities"),
        (["hold", "set", "x", "--from", "today", "--to", "now"], "--reason"),
        (["hold", "release", "nobody", "--reason", "y"], "there is no hold 'nobody'"),
        (["retention", "extend", "--until", "yesterday"], "has passed"),
        (["retention", "extend", "--until", "2060-01-01", "--from", "today"], "go together"),
        (["retention", "extend"], "--until"),
    ],
    ids=lambda value: " ".join(value)[:60] if isinstance(value, list) else "",
)  # fmt: skip
def test_what_cannot_be_meant_is_exit_2_and_changes_nothing(
    ledgerline: Command, own: Path, arguments: list[str], said: str
) -> None:
    before = sorted(path.name for path in (own / "data" / "archive" / "log" / "entry").iterdir())
    ended = ledgerline(*arguments, folder=own)
    assert ended.code == 2
    assert said in ended.err
    assert sorted(path.name for path in (own / "data" / "archive" / "log" / "entry").iterdir()) == before
