"""`ledgerline telemetry receive`: what it says to somebody who tries it, and where it cannot write."""

import os
import subprocess
import sys
from pathlib import Path

from tests.orchestration.cli.conftest import ROOT, Command


def test_it_prints_all_that_a_shell_needs_for_a_client_to_send_and_no_token(tmp_path: Path) -> None:
    child = subprocess.Popen(
        [sys.executable, "-m", "orchestration.cli", "telemetry", "receive", "--port", "0", "--token", "env:FAKE"],
        cwd=tmp_path, env=os.environ | {"PYTHONPATH": str(ROOT), "FAKE": "fake-token"}, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    assert child.stderr is not None
    said = [child.stderr.readline().strip() for _ in range(5)]
    child.terminate()
    child.communicate(timeout=30)
    assert child.returncode == 0
    exports = "\n".join(line for line in said if line.startswith("export "))
    url = said[0].removeprefix("receiving at ").partition(",")[0]
    shell = subprocess.run(
        ["bash", "-c", f"{exports}\nenv"],
        env={"FAKE": "fake-token"},
        text=True,
        capture_output=True,
        check=True,
    )
    told = dict(line.split("=", 1) for line in shell.stdout.splitlines())
    assert told["CLAUDE_CODE_ENABLE_TELEMETRY"] == "1"
    assert (told["OTEL_METRICS_EXPORTER"], told["OTEL_LOGS_EXPORTER"]) == ("otlp", "otlp")
    assert told["OTEL_EXPORTER_OTLP_ENDPOINT"] == url
    assert told["OTEL_EXPORTER_OTLP_HEADERS"] == "Authorization=Bearer fake-token"
    assert "fake-token" not in "".join(said)


def test_a_folder_that_cannot_be_made_is_said_before_anything_is_taken(
    ledgerline: Command, tmp_path: Path
) -> None:
    (tmp_path / "taken").write_text("a file")
    ended = ledgerline("telemetry", "receive", "--port", "0", "--out", "taken/inbox")
    assert ended.code == 2
    assert "nothing can be written into taken/inbox: Not a directory" in ended.err
    assert "Traceback" not in ended.err
