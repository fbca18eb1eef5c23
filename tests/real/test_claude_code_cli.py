"""Claude Code itself, from npm, against a stub of the Messages API: through a real Collector to the mart.

It needs no account: the key is a fake, and the stub answers. Every content switch is on here, which no managed
settings of ours would do, so that what the client says of the conversation is really sent: it must be found
nowhere.
"""

import json
import os
import platform
import subprocess
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from assets.building import build
from assets.telemetry_landing import land_telemetry
from orchestration.workshop import open_workshop
from tests.real import messages_stub, telemetry
from tests.telemetry.places import Place
from warehouse.tables.catalog import connect
from warehouse.telemetry.settings import CONTENT_SWITCHES, Fleet, managed_settings

pytestmark = pytest.mark.real

VERSION = "2.1.332"
PLANTED = b"PLANTED-PHRASE"
PROTOCOLS = ("http/protobuf", "http/json", "grpc")
_RUN_SECONDS = 180


@dataclass
class Ran:
    """What the client printed of each session, by protocol, and where everything lies."""

    place: Place
    printed: dict[str, dict[str, Any]] = field(default_factory=dict)
    folders: list[Path] = field(default_factory=list)
    removed: dict[str, int] = field(default_factory=dict)
    rows: dict[str, tuple[Any, ...]] = field(default_factory=dict)


def program() -> Path:
    """The client's binary. Skips the test where there is none for this machine."""
    machine = {"x86_64": "x64", "aarch64": "arm64"}.get(platform.machine(), "")
    if platform.system() != "Linux" or not machine:
        pytest.skip("the client's package has another name on this system")
    room = telemetry.installed(f"claude-code-{VERSION}", (f"@anthropic-ai/claude-code@{VERSION}",))
    found = room / "node_modules" / "@anthropic-ai" / f"claude-code-linux-{machine}" / "claude"
    if not found.exists():
        pytest.skip(f"npm has installed no binary at {found}")
    return found


def run_session(stub: str, running: telemetry.Collector, home: Path, protocol: str) -> dict[str, Any]:
    """One prompt with a stranger's environment: our managed settings, but for content, which is all on."""
    home.mkdir()
    where = running.grpc if protocol == "grpc" else running.http
    where = where.replace("127.0.0.1", "localhost")  # by gRPC the client takes no address for a TLS name
    space = "%20" if protocol == "grpc" else " "
    fleet = Fleet(where, {"cost_center": "CC-100", "team.id": "platform", "repo": "payments"}, protocol)
    environment = {
        **managed_settings(fleet)["env"],
        **dict.fromkeys(CONTENT_SWITCHES, "1"),
        "OTEL_EXPORTER_OTLP_HEADERS": f"authorization=Bearer{space}{telemetry.TOKEN}",
        # how long it waits for its last exports as it ends; 2 s are too few for a machine that is busy
        "CLAUDE_CODE_OTEL_SHUTDOWN_TIMEOUT_MS": "30000",
        "CLAUDE_CODE_OTEL_FLUSH_TIMEOUT_MS": "30000",
        "OTEL_EXPORTER_OTLP_CERTIFICATE": str(running.certificates.authority),
        "NODE_EXTRA_CA_CERTS": str(running.certificates.authority),
        "ANTHROPIC_BASE_URL": stub,
        "ANTHROPIC_API_KEY": "sk-ant-not-a-real-key",
        "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
        "DISABLE_AUTOUPDATER": "1",
        "CLAUDE_CONFIG_DIR": str(home / ".claude"),
        "HOME": str(home),
        "PATH": os.environ["PATH"],
    }
    done = subprocess.run(
        [program(), "-p", f"{PLANTED.decode()}: say hello", "--output-format", "json"],
        env=environment, cwd=home, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=_RUN_SECONDS,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-1000:] + done.stderr[-1000:]
    printed: dict[str, Any] = json.loads(done.stdout)
    return printed


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Ran:
    folder = tmp_path_factory.mktemp("claude")
    program()
    found = Ran(Place(folder / "here"))
    with messages_stub.serve() as stub, telemetry.collector(folder, "files") as running:
        for number, protocol in enumerate(PROTOCOLS):
            found.printed[protocol] = run_session(stub.url, running, folder / f"home-{number}", protocol)
        found.folders = [running.files, found.place.folder]
    with open_workshop(found.place.settings, for_writing=True) as workshop:
        report = land_telemetry(workshop, [str(found.folders[0])], settled=timedelta(0))
        assert {file["status"] for file in report.files} == {"landed"}, report.files
        build(workshop)
    with (
        open_workshop(found.place.settings, for_writing=False) as workshop,
        connect(workshop.archive, database=workshop.marts) as db,
    ):
        rows = db.execute(
            "select session_id, sum(cost_usd), sum(input_tokens), sum(output_tokens), sum(cache_read_tokens), "
            "sum(cache_creation_tokens), sum(metric_cost_usd), max(cost_center), max(team), max(repo) "
            "from fct_claude_code_session_day group by session_id"
        ).fetchall()
    found.rows = {row[0]: row[1:] for row in rows}
    return found


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_the_mart_has_what_claude_code_says_of_its_own_session(ran: Ran, protocol: str) -> None:
    printed = ran.printed[protocol]
    usage, told = printed["usage"], ran.rows[printed["session_id"]]
    assert told[0] == Decimal(str(printed["total_cost_usd"]))
    assert told[1:5] == (
        usage["input_tokens"], usage["output_tokens"], usage["cache_read_input_tokens"],
        usage["cache_creation_input_tokens"],
    )  # fmt: skip
    assert abs(told[5] - told[0]) < Decimal("0.000001")
    assert told[6:] == ("CC-100", "platform", "payments")


def test_what_was_said_was_printed_and_is_nowhere_in_what_was_kept(ran: Ran) -> None:
    assert all(PLANTED.decode() in printed["result"] for printed in ran.printed.values())
    for folder in ran.folders:
        for path in folder.rglob("*"):
            if path.is_file():
                assert PLANTED not in path.read_bytes(), path
