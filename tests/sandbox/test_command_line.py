"""The command line as others script against it: one JSON line, truth on disk, a clean stop, errors that help."""

from __future__ import annotations

import json
import signal
import subprocess
import sys

import httpx
import pytest

from sandbox import Tenant
from sandbox.cli import main


def _serve(*arguments):
    command = [sys.executable, "-m", "sandbox", "serve", "--users", "5", "--days", "2", *arguments]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


@pytest.mark.parametrize("stop", [signal.SIGTERM, signal.SIGINT])
def test_serve_prints_one_json_line_answers_and_stops_cleanly(tmp_path, stop):
    process = _serve("--now", "2026-11-22T10:00:00Z", "--truth", str(tmp_path / "truth"), "--seed", "9")
    try:
        ready = json.loads(process.stdout.readline())
        tenant = Tenant(seed=9, users=5, days=2, clock="2026-11-22T10:00:00Z")
        assert ready["pid"] == process.pid
        assert ready["keys"] == tenant.keys
        headers = {"x-api-key": ready["keys"]["compliance"]}
        page = httpx.get(ready["url"] + "/v1/compliance/activities?limit=5000&order=asc", headers=headers)
        assert b",".join(tenant.records()) in page.content
        files = sorted((tmp_path / "truth").iterdir())
        named = [*(f"{day}.ndjson" for day in tenant.span()), "spend", "stories.json"]
        assert [file.name for file in files] == named
        spent = [json.loads(file.read_text()) for file in sorted((tmp_path / "truth" / "spend").iterdir())]
        assert spent == [json.loads(json.dumps(tenant.spend.describe(day))) for day in tenant.span()]
        assert files[0].read_bytes().splitlines() == tenant.store.segment(tenant.first_day).records
        assert json.loads(files[-1].read_text()) == tenant.stories()
    finally:
        process.send_signal(stop)
        rest, log = process.communicate(timeout=10)
    assert process.returncode == 0
    assert rest == ""
    assert "Traceback" not in log


def test_faults_and_quirks_are_set_from_the_start():
    process = _serve("--faults", "error_500:next=1", "--quirks", "opaque_cursors", "--lazy", "--rate-limit", "0")
    try:
        ready = json.loads(process.stdout.readline())
        ask = {"url": ready["url"] + "/v1/compliance/activities", "headers": {"x-api-key": ready["keys"]["admin"]}}
        assert [httpx.get(**ask).status_code for _ in range(2)] == [500, 200]
        assert httpx.get(**ask).json()["last_id"].startswith("activity_page_")
    finally:
        process.terminate()
        process.communicate(timeout=10)


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["--users", "99999"], "users must be from 1 to 50000"),
        (["--now", "noon"], "is not a time"),
        (["--now", "2026-11-22T10:00:00"], "has no offset"),
        (["--faults", "gremlins"], "unknown fault 'gremlins'"),
        (["--quirks", "moody"], "unknown quirks ['moody']"),
        (["--days", "-1"], "days must not be negative"),
        (["--events-per-day", "0"], "events_per_day must be at least 1"),
    ],
)
def test_settings_that_cannot_be_are_refused_with_a_reason(arguments, reason, capsys):
    assert main(["serve", *arguments]) == 2
    assert reason in capsys.readouterr().err


def test_a_taken_port_is_refused_with_a_reason(start, capsys):
    port = start(users=1, days=0).url.rsplit(":", 1)[1]
    assert main(["serve", "--users", "1", "--days", "0", "--port", port]) == 2
    assert "choose another --port" in capsys.readouterr().err


def test_help_explains_faults_and_quirks(capsys):
    with pytest.raises(SystemExit):
        main(["serve", "--help"])
    text = capsys.readouterr().out
    assert "rate_limit_429" in text
    assert "late_indexing" in text
    assert "opaque_cursors" in text


def test_the_clock_is_moved_over_http(start):
    served = start(users=1, days=0)
    control = served.url + "/_sandbox/clock"
    assert httpx.get(control).json() == {"now": "2026-11-22T10:00:00Z", "running": False}
    assert httpx.post(control, json={"advance_seconds": 90}).json()["now"] == "2026-11-22T10:01:30Z"
    assert httpx.post(control, json={"now": "2026-11-25T00:00:00Z"}).json()["now"] == "2026-11-25T00:00:00Z"
    assert httpx.post(control, json={"now": "late"}).status_code == 400
