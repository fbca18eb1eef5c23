"""Claude Code's telemetry from genuine clients through a real Collector that runs the shipped configuration.

The Collector is built from its modules (`telemetry_in_go`), but for `awss3` and `splunk_hec`, which the module
proxy does not serve here. Clients are programs of their own, so that they can be killed.
"""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.docs.pages import ROOT
from tests.real import go_program
from tests.warehouse.delivery.destinations.certificates import Certificates, make

OTEL = ROOT / "deploy" / "otel"
TOKEN = "not-a-real-token"
CLIENTS = Path(__file__).parent / "otel_clients"
# One release of the JavaScript SDK: its stable packages, and the experimental ones that go with them.
JAVASCRIPT = (
    "@opentelemetry/sdk-metrics@3.1.1",
    "@opentelemetry/sdk-logs@3.1.1",
    "@opentelemetry/resources@3.1.1",
    "@opentelemetry/exporter-metrics-otlp-http@0.301.0",
    "@opentelemetry/exporter-logs-otlp-http@0.301.0",
)
_INSTALL_SECONDS = 300
_RUN_SECONDS = 120
# The base listens for Prometheus too, on a fixed port: not in tests.
_QUIET = "service: {telemetry: {metrics: {level: none}}}\n"


@dataclass(frozen=True)
class Collector:
    """A Collector that runs, or ran: where it listens, where its files lie."""

    http: str
    grpc: str
    files: Path
    log: Path
    certificates: Certificates


def arguments(folder: Path, *destinations: str) -> list[str]:
    """The command line of the shipped configuration with some destinations."""
    quiet = folder / "quiet.yaml"
    quiet.write_text(_QUIET)
    paths = [
        OTEL / "claude-code.yaml",
        OTEL / "allow-list.yaml",
        *(OTEL / f"to-{one}.yaml" for one in destinations),
    ]
    return [text for path in [*paths, quiet] for text in ("--config", str(path))]


def environment(folder: Path, certificates: Certificates, **more: str) -> dict[str, str]:
    (folder / "token").write_text(f"{TOKEN}\n")
    return {
        **os.environ,
        "OTEL_BIND": "127.0.0.1",
        "OTEL_TOKEN_FILE": str(folder / "token"),
        "OTEL_QUEUE_DIR": str(folder / "queue"),
        "OTEL_FILES_DIR": str(folder / "files"),
        "OTEL_TLS_CERT": str(certificates.server),
        "OTEL_TLS_KEY": str(certificates.server_key),
        **more,
    }


@contextmanager
def collector(folder: Path, *destinations: str, **more: str) -> Iterator[Collector]:
    """A Collector with the shipped configuration; ends, and closes its files, with the block."""
    program = go_program.built_here("telemetry")
    certificates, log = make(folder), folder / "log"
    ports = {"OTEL_GRPC_PORT": go_program.free_port(), "OTEL_HTTP_PORT": go_program.free_port()}
    given = environment(folder, certificates, **{name: str(port) for name, port in ports.items()}, **more)
    with log.open("wb") as out:
        process = subprocess.Popen(
            [program, *arguments(folder, *destinations)], env=given, stdout=out, stderr=subprocess.STDOUT
        )
    try:
        for port in ports.values():
            go_program.wait_for(port, process, log, 60)
        grpc, http = (f"https://127.0.0.1:{port}" for port in ports.values())
        yield Collector(http, grpc, Path(given["OTEL_FILES_DIR"]), log, certificates)
    finally:
        go_program.stop(process)


def count(running: Collector, session: str, *, grpc: bool = False, **flags: bool) -> dict[str, int]:
    """Run a client of the Python SDK; what it had counted and the Collector had acknowledged by its end."""
    where = running.grpc if grpc else running.http
    done = subprocess.run(
        [
            *(sys.executable, str(CLIENTS / "client.py"), "--endpoint", where, "--session", session),
            *("--protocol", "grpc" if grpc else "http", "--token", TOKEN),
            *("--ca", str(running.certificates.authority)),
            *(f"--{name}" for name, wanted in flags.items() if wanted),
        ],
        # the SDK's transport reads this one before the certificate that it is given
        env={**os.environ, "REQUESTS_CA_BUNDLE": str(running.certificates.authority)},
        capture_output=True,
        text=True,
        timeout=_RUN_SECONDS,
        check=False,
    )
    assert done.returncode == (-9 if flags.get("die") else 0), done.stderr[-2000:]
    assert "Failed to export" not in done.stderr, done.stderr[-2000:]
    told: dict[str, int] = json.loads(done.stdout.splitlines()[-1])
    return told


def node_modules() -> Path:
    """The JavaScript SDK, installed once. Skips the test where it cannot be had."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        pytest.skip("no Node.js with npm on this machine, which the JavaScript SDK needs")
    return installed("otel-js-3.1.1", JAVASCRIPT)


def installed(name: str, packages: tuple[str, ...]) -> Path:
    """A folder with npm packages, installed once into the user's cache; without their install scripts."""
    room = go_program.tools() / name
    if not (room / "node_modules").exists():
        half = go_program.tools() / f"build-{name}-{os.getpid()}"
        half.mkdir(parents=True, exist_ok=True)
        npm = shutil.which("npm") or "npm"
        done = subprocess.run(
            [npm, "install", "--no-audit", "--no-fund", "--ignore-scripts", "--prefix", half, *packages],
            capture_output=True,
            text=True,
            timeout=_INSTALL_SECONDS,
            check=False,
        )
        if done.returncode != 0:
            shutil.rmtree(half, ignore_errors=True)
            pytest.skip(f"{packages[0]} could not be installed: check npm and its registry")
        half.replace(room)
    return room


def count_in_javascript(running: Collector, session: str, temporality: str) -> dict[str, int]:
    """Run a client of the JavaScript SDK (OTLP as JSON); what it counted."""
    done = subprocess.run(
        ["node", str(CLIENTS / "client.mjs"), running.http, session, temporality, TOKEN],
        env={
            **os.environ,
            "OTEL_MODULES": str(node_modules()),
            "NODE_EXTRA_CA_CERTS": str(running.certificates.authority),
        },
        capture_output=True,
        text=True,
        timeout=_RUN_SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    told: dict[str, int] = json.loads(done.stdout.splitlines()[-1])
    return told


def summed(*told: dict[str, int]) -> dict[str, Any]:
    """What several runs of a session counted together."""
    return {name: sum(one[name] for one in told) for name in told[0]}
