"""Dagster's own processes on this machine: code server, webserver and daemon, started together and ended together.

Promise: they listen on 127.0.0.1 only, take no orders from another site's page (`ui_server`), report to nobody,
keep their memory in one folder that may be deleted, and end with the block that started them, also when that is
killed.
"""

import contextlib
import json
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

from orchestration.report_server import REPORTS_URL, serving_reports
from orchestration.tied import tied
from warehouse.config import CONFIG_VARIABLE

HOST = "127.0.0.1"
UI_HOSTS = "LEDGERLINE_UI_HOSTS"  # what `ui_server` answers to; importing that would load the webserver
_QUIET = {"DAGSTER_DISABLE_TELEMETRY": "yes", "DO_NOT_TRACK": "1", "DBT_SEND_ANONYMOUS_USAGE_STATS": "false"}
_START_SECONDS = 180
_STOP_SECONDS = 15
# One code server for both: each would otherwise keep its own, and the daemon start a new one every minute.
_WORKSPACE = """\
# Written anew at each start.
load_from:
  - grpc_server: {{host: {host}, port: {port}, location_name: ledgerline}}
"""


class CannotStart(Exception):
    """Dagster cannot be started; `remedy` is what to do."""

    def __init__(self, message: str, *, remedy: str) -> None:
        super().__init__(message)
        self.remedy = remedy


@dataclass(frozen=True)
class Running:
    """The webserver's address, that of the reports beside it, and what runs behind it."""

    url: str
    reports_url: str
    started: dict[str, subprocess.Popen[bytes]]
    logs: Path

    def check(self) -> None:
        """Raises CannotStart, in its own last words, when one of them has ended."""
        _check_alive(self.started, self.logs)

    def ask(self, query: str, **variables: Any) -> dict[str, Any]:
        """The answer of the webserver to a GraphQL question. Raises ValueError where it refuses the question."""
        return ask(self.url, query, **variables)


@contextlib.contextmanager
def running(config: Path, home: Path, port: int, *, reports: Path) -> Iterator[Running]:
    """Run them while the block runs; the folder of statements and reports is served beside them. Port 0 takes a
    free one. Raises CannotStart."""
    prepare_home(home)
    port = port or free_port()
    _refuse_taken(port)
    environment = {**os.environ, **_QUIET, "DAGSTER_HOME": str(home), CONFIG_VARIABLE: str(config)}
    environment[UI_HOSTS] = f"{HOST},localhost"
    code_port = free_port()
    (home / "workspace.yaml").write_text(_WORKSPACE.format(host=HOST, port=code_port), encoding="utf-8")
    workspace = ["-w", str(home / "workspace.yaml")]
    code = ["-m", "orchestration.definitions", "--use-python-environment-entry-point", "--lazy-load-user-code"]
    commands = {
        "code server": ["dagster", "api", "grpc", "-h", HOST, "-p", str(code_port), *code],
        "webserver": ["orchestration.ui_server", "-h", HOST, "-p", str(port), *workspace],
        "daemon": ["dagster._daemon", "run", *workspace],
    }
    logs = home / "logs"
    logs.mkdir(exist_ok=True)
    with contextlib.ExitStack() as stack:
        environment[REPORTS_URL] = stack.enter_context(serving_reports(reports, home, port))
        started: dict[str, subprocess.Popen[bytes]] = {}
        for name, command in commands.items():
            started[name] = stack.enter_context(_process(command, environment, logs / _log_name(name)))
            if name == "code server":  # whoever looks for it before it is there remembers that it was not
                _wait_for_port(code_port, started, logs)
        url = f"http://{HOST}:{port}"
        _wait(url, started, logs)
        yield Running(url, environment[REPORTS_URL], started, logs)


def prepare_home(home: Path) -> None:
    """Make DAGSTER_HOME: our dagster.yaml where it has none, and its embedded databases."""
    home.mkdir(parents=True, exist_ok=True)
    settings = files("orchestration").joinpath("dagster.yaml").read_text(encoding="utf-8")
    with contextlib.suppress(FileExistsError), (home / "dagster.yaml").open("x", encoding="utf-8") as file:
        file.write(settings)
    if not (home / "schedules").exists():
        # Three processes that find no database would each try to make it, and two of them fail.
        import dagster as dg  # noqa: PLC0415 - two seconds, once

        with dg.DagsterInstance.from_config(str(home)) as instance:
            instance.get_runs_count()
            instance.all_instigator_state()


def ask(url: str, query: str, **variables: Any) -> dict[str, Any]:
    """The answer of a webserver to a GraphQL question. Raises OSError where nobody answers, ValueError where the
    question is refused."""
    body = json.dumps({"query": query, "variables": variables}).encode()
    request = urllib.request.Request(  # noqa: S310 - our own address
        f"{url}/graphql", body, {"content-type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310
        document = json.load(answer)
    if document.get("errors"):
        raise ValueError(document["errors"][0]["message"])
    data: dict[str, Any] = document["data"]
    return data


@contextlib.contextmanager
def _process(command: list[str], environment: dict[str, str], log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A Python module as a process of its own, told to stop at the end and killed if it does not."""
    with log.open("wb") as output:
        process = subprocess.Popen(  # noqa: S603 - our own interpreter and modules
            [*tied(), sys.executable, "-m", *command],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait_for_port(port: int, started: dict[str, subprocess.Popen[bytes]], logs: Path) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline:
        _check_alive(started, logs)
        with socket.socket() as probe:
            if probe.connect_ex((HOST, port)) == 0:
                return
        time.sleep(0.1)
    raise CannotStart(f"the code server does not answer after {_START_SECONDS} s", remedy=f"look into {logs}")


def _wait(url: str, started: dict[str, subprocess.Popen[bytes]], logs: Path) -> None:
    """Until the webserver answers and has loaded the pipeline. Raises CannotStart, in the pipeline's own words."""
    deadline = time.monotonic() + _START_SECONDS
    while True:
        _check_alive(started, logs)
        try:
            locations = _locations(url)
        except (urllib.error.URLError, OSError, ValueError, KeyError):
            locations = []
        for location in locations:
            found = location["locationOrLoadError"]
            if location["loadStatus"] == "LOADED" and found is not None:
                if "message" in found:
                    raise CannotStart(
                        f"the pipeline does not load: {found['message']}", remedy=f"the whole of it is in {logs}"
                    )
                return
        if time.monotonic() > deadline:
            raise CannotStart(f"no answer at {url} after {_START_SECONDS} s", remedy=f"look into {logs}")
        time.sleep(0.3)


def _locations(url: str) -> list[dict[str, Any]]:
    query = (
        "{workspaceOrError {... on Workspace {locationEntries {loadStatus locationOrLoadError "
        "{__typename ... on PythonError {message}}}}}}"
    )
    entries: list[dict[str, Any]] = ask(url, query)["workspaceOrError"]["locationEntries"]
    return entries


def _check_alive(started: dict[str, subprocess.Popen[bytes]], logs: Path) -> None:
    for name, process in started.items():
        if process.poll() is not None:
            said = (logs / _log_name(name)).read_text(encoding="utf-8", errors="replace").splitlines()[-15:]
            lines = "\n  ".join(said)
            raise CannotStart(
                f"the {name} ended with code {process.returncode}; it said last:\n  {lines}",
                remedy=f"mend what it says, and start again; the whole of it is in {logs}",
            )


def _log_name(process: str) -> str:
    return f"{process.replace(' ', '-')}.log"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port


def _refuse_taken(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            raise CannotStart(
                f"port {port} is taken", remedy="choose another: --port 0 takes a free one"
            ) from None
