"""`ledgerline telemetry settings`, as its user calls it."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from orchestration.cli.app import run

BASE = ["telemetry", "settings", "--endpoint", "https://otel.example.com:4318", "--cost-center", "CC-100"]
SOON = str(datetime.now(UTC).date() + timedelta(days=10))
EXCEPTION = ["--until", SOON, "--reason", "incident 4711: commands", "--approved-by", "Jane Doe, DPO"]


def test_stdout_is_the_file_and_stderr_says_where_it_goes(capsys: pytest.CaptureFixture[str]) -> None:
    assert run([*BASE, "--department", "Engineering", "--team", "platform", "--attribute", "repo=payments"]) == 0
    said = capsys.readouterr()
    assert json.loads(said.out)["env"]["OTEL_RESOURCE_ATTRIBUTES"] == (
        "cost_center=CC-100,department=Engineering,team.id=platform,repo=payments"
    )
    for system in ("macOS", "Windows", "Linux"):
        assert system in said.err


def test_json_is_one_document_with_the_places(capsys: pytest.CaptureFixture[str]) -> None:
    assert run([*BASE, "--headers-helper", "/usr/local/bin/h", "--token-file", "/etc/t", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["settings"]["otelHeadersHelper"] == "/usr/local/bin/h"
    assert len(document["places"]) == 3
    assert document["files"]["claude-otel-headers"].startswith("#!/bin/sh")


def test_a_space_is_refused_with_the_form_that_would_do(capsys: pytest.CaptureFixture[str]) -> None:
    assert run([*BASE, "--department", "Research and Development"]) == 2
    assert "Research%20and%20Development" in capsys.readouterr().err


@pytest.mark.parametrize("left_out", [0, 2, 4])
def test_content_is_allowed_only_with_an_end_a_reason_and_a_name(
    left_out: int, capsys: pytest.CaptureFixture[str]
) -> None:
    given = EXCEPTION[:left_out] + EXCEPTION[left_out + 2 :]
    assert run([*BASE, "--allow", "OTEL_LOG_TOOL_DETAILS", *given]) == 2
    said = capsys.readouterr()
    assert EXCEPTION[left_out] in said.err
    assert said.out == ""


def test_an_exception_comes_with_its_sign_off_and_the_file_for_after(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "incident"
    wanted = [*BASE, "--allow", "OTEL_LOG_TOOL_DETAILS", *EXCEPTION, "--out", str(out)]
    assert run(wanted) == 0
    during = json.loads((out / "managed-settings.json").read_text())["env"]
    after = json.loads((out / f"after-{SOON}" / "managed-settings.json").read_text())["env"]
    assert (during.pop("OTEL_LOG_TOOL_DETAILS"), after.pop("OTEL_LOG_TOOL_DETAILS")) == ("1", "0")
    assert during == after
    assert "Jane Doe, DPO" in (out / "sign-off.md").read_text()
    assert run(wanted) == 2
    assert "is there already" in capsys.readouterr().err
