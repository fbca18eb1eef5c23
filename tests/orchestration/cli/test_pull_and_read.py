"""Pull from the sandbox over HTTP, then ask, look and verify, all through the command line."""

import os
import socket
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest

from sandbox import Served, Tenant, serve
from tests.orchestration.cli.conftest import Command, configure


@pytest.fixture
def tenant() -> object:
    with serve(Tenant(seed=3, users=3, days=1)) as served:
        yield served


def test_a_pull_reports_what_it_did_and_the_second_adds_nothing(
    ledgerline: Command, tmp_path: Path, tenant: Served
) -> None:
    configure(tmp_path, tenant)
    ledgerline("init")
    first = ledgerline("pull", "activities", "--json")
    assert first.code == 0
    report = first.json()
    wanted = {"stream", "windows", "requests", "pages", "records", "first", "revised", "withdrawn", "unchanged",
              "unknown_types", "seqs"}  # fmt: skip
    assert wanted <= set(report)
    assert report["first"] == report["records"] > 0
    again = ledgerline("pull", "activities", "--from", str(tenant.tenant.first_day), "--json").json()
    assert again["revised"] == again["withdrawn"] == 0
    assert again["unchanged"] >= report["records"]


def test_a_refused_key_is_exit_2_and_says_what_to_create(
    ledgerline: Command, tmp_path: Path, tenant: Served
) -> None:
    configure(tmp_path, tenant)
    ledgerline("init")
    (tmp_path / "compliance.key").write_text(tenant.keys["analytics"])
    ended = ledgerline("pull", "activities")
    assert ended.code == 2
    assert "read:compliance_activities" in ended.err
    assert tenant.keys["analytics"] not in ended.err + ended.out


def test_a_window_that_fails_is_listed_with_exit_1_and_taken_up_again(
    ledgerline: Command, tmp_path: Path, tenant: Served
) -> None:
    configure(tmp_path, tenant)
    ledgerline("init")
    httpx.post(f"{tenant.url}/_sandbox/faults", json={"kind": "error_503", "next": 1}).raise_for_status()
    failed = ledgerline("pull", "activities", "--json")
    assert failed.code == 1
    assert failed.json()["failed"]
    assert ledgerline("pull", "activities").code == 0


def test_a_pull_without_a_signing_key_is_exit_2_and_names_init(
    ledgerline: Command, tmp_path: Path, tenant: Served
) -> None:
    configure(tmp_path, tenant)
    ended = ledgerline("pull", "activities")
    assert ended.code == 2
    assert "ledgerline init" in ended.err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--from", "today", "--to", "yesterday"], "is not before --to"),
        (["--from", "3000-01-01"], "in the future"),
        (["--from", "2023-01-01"], "before anthropic.start"),
        (["--to", "today"], "without --from"),
        (["--from", "soon"], "is not a time"),
    ],
)
def test_a_window_that_cannot_be_meant_is_exit_2(
    ledgerline: Command, pulled: Path, arguments: list[str], said: str
) -> None:
    ended = ledgerline("pull", "activities", *arguments, folder=pulled)
    assert ended.code == 2
    assert said in ended.err


def test_status_shows_coverage_and_lists_findings_with_exit_1(ledgerline: Command, pulled: Path) -> None:
    document = ledgerline("status", "--json", folder=pulled).json()
    (stream,) = document["streams"]
    assert stream["stream"] == "activities"
    assert stream["gaps"] == stream["dead_windows"] == []
    assert {"covered_from", "covered_to", "lag_seconds", "records", "revised", "withdrawn"} <= set(stream)
    ended = ledgerline("status", folder=pulled)
    assert ended.code == (1 if document["findings"] else 0)
    assert stream["covered_to"][:16] + "Z" in ended.out
    assert "gaps:" not in ended.out


def test_status_names_the_streams_with_gaps(ledgerline: Command, tmp_path: Path, sandbox: Served) -> None:
    configure(tmp_path, sandbox)
    ledgerline("init")
    assert ledgerline("pull", "activities", "--from", "yesterday").code == 0
    ended = ledgerline("status")
    assert ended.code == 1
    assert "gaps: activities 1" in ended.out.splitlines()


def test_verify_is_clean_after_a_pull_and_names_an_altered_object(
    ledgerline: Command, tmp_path: Path, tenant: Served
) -> None:
    configure(tmp_path, tenant)
    ledgerline("init")
    ledgerline("pull", "activities")
    clean = ledgerline("verify", "--json")
    assert (clean.code, clean.json()["ok"], clean.json()["findings"]) == (0, True, [])
    page = next((tmp_path / "data/archive/pages").rglob("*.zst"))
    page.chmod(0o644)
    page.write_bytes(page.read_bytes()[:-1])
    ended = ledgerline("verify")
    assert ended.code == 1
    assert "altered" in ended.out
    assert page.name in ended.out


def test_verify_trusts_the_configured_key_and_not_the_one_that_the_log_names(
    ledgerline: Command, tmp_path: Path, tenant: Served
) -> None:
    configure(tmp_path, tenant)
    ledgerline("init")
    ledgerline("pull", "activities")
    key = tmp_path / "data/signing.key"
    key.rename(tmp_path / "old.key")
    without = ledgerline("verify", "--json")
    assert without.code == 0
    assert any("signing key" in note for note in without.json()["notes"])
    (tmp_path / "other").mkdir()
    ledgerline("init", folder=tmp_path / "other")
    (tmp_path / "other/data/signing.key").rename(key)
    assert ledgerline("verify").code == 1


def test_doctor_checks_everything_and_says_what_to_do(ledgerline: Command, tmp_path: Path, tenant: Served) -> None:
    configure(tmp_path, tenant)
    ledgerline("init")
    well = ledgerline("doctor", "--json")
    assert well.code == 0
    states = {check["check"]: check["state"] for check in well.json()["checks"]}
    assert states["configuration"] == states["signing key"] == states["store"] == states["clocks"] == "ok"
    (tmp_path / "compliance.key").unlink()
    (tmp_path / "data/signing.key").chmod(0o644)
    ill = ledgerline("doctor")
    assert ill.code == 1
    assert "chmod 600" in ill.out
    assert "read:compliance_activities" in ill.out
    assert "2 of" in ill.out


EXPORT = (
    "created_at,actor_info,event,event_info,entity_info,ip_address,device_id,user_agent,client_platform\r\n"
    "2026-11-20T10:00:00.123456Z,"
    "\"{'name': 'Jane O'Neil', 'uuid': '6f0c1d5e-0000-4000-8000-000000000001', "
    "'metadata': {'email_address': 'jane@example.com'}}\","
    "conversation_created,{},,192.0.2.34,,Mozilla/5.0,web\r\n"
)


def test_an_export_is_imported_once_and_what_is_none_is_named_with_exit_1(
    ledgerline: Command, tmp_path: Path, tenant: Served
) -> None:
    configure(tmp_path, tenant)
    ledgerline("init")
    (tmp_path / "audit.csv").write_text(EXPORT)
    first = ledgerline("import", "audit-export", "audit.csv", "--json")
    assert first.code == 0
    assert [(file["name"], file["status"], file["rows"]) for file in first.json()["files"]] == [
        ("audit.csv", "imported", 1)
    ]
    rows = ledgerline("sql", "--json", "select actor_name, actor_email from audit_export_rows").json()
    assert rows == [{"actor_name": "Jane O'Neil", "actor_email": "jane@example.com"}]
    again = ledgerline("import", "audit-export", "audit.csv", "ledgerline.toml")
    assert again.code == 1
    assert "is in the archive already" in again.out
    assert "not_an_export  ledgerline.toml" in again.out


@pytest.mark.slow
def test_build_makes_the_marts_that_sql_then_answers(ledgerline: Command, tmp_path: Path, tenant: Served) -> None:
    configure(tmp_path, tenant)
    ledgerline("init")
    ledgerline("pull", "activities")
    built = ledgerline("build", "--json")
    assert built.code == 0, built.err
    assert "fct_login" in [model["name"] for model in built.json()["models"]]
    assert ledgerline("sql", "select count(*) from fct_login").code == 0
    unknown = ledgerline("build", "fct_logn")
    assert unknown.code == 2
    assert "fct_login" in unknown.err


def test_an_export_that_is_not_there_is_exit_2(ledgerline: Command, pulled: Path) -> None:
    ended = ledgerline("import", "audit-export", "none.csv", folder=pulled)
    assert ended.code == 2
    assert "there is no file none.csv" in ended.err


def test_an_unreachable_server_is_said_once_and_the_rest_is_not_tried(
    ledgerline: Command, tmp_path: Path, tenant: Served
) -> None:
    configure(tmp_path, tenant)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    text = (tmp_path / "ledgerline.toml").read_text()
    today = datetime.now(UTC).date()
    text = text.replace(tenant.url, f"http://127.0.0.1:{port}")
    text = text.replace(f"start = {tenant.tenant.first_day}", f"start = {today - timedelta(days=40)}")
    (tmp_path / "ledgerline.toml").write_text(text)
    ledgerline("init")
    ended = ledgerline("pull", "activities")
    assert ended.code == 1
    assert ended.out.count("Connection refused") == 1
    assert "no answer connection" not in ended.out
    assert "more windows were not tried" in ended.out
    found = ledgerline("status", "--json").json()
    assert len(found["streams"][0]["dead_windows"]) == 3
    dead = [finding for finding in found["findings"] if finding["code"] == "dead_window"]
    assert len(dead) == 1
    assert dead[0]["subject"].startswith("activities 3 windows from ")
    configure(tmp_path, tenant)
    again = ledgerline("pull", "activities", "--json").json()
    assert (again["failed"], again["not_tried"]) == ([], 0)
    assert again["records"] > 0


def test_a_folder_or_a_pipe_to_import_is_called_what_it_is(ledgerline: Command, tmp_path: Path) -> None:
    (tmp_path / "exports").mkdir()
    os.mkfifo(tmp_path / "pipe")
    for name, said in (("exports", "is a folder"), ("pipe", "no regular file"), ("gone", "there is no file gone")):
        ended = ledgerline("import", "audit-export", name)
        assert ended.code == 2
        assert said in ended.err


def test_a_record_served_twice_is_in_the_counts(ledgerline: Command, tmp_path: Path, tenant: Served) -> None:
    configure(tmp_path, tenant)
    ledgerline("init")
    tenant.faults.on("repeated_record")
    assert "served more than once" in ledgerline("pull", "activities").out
