"""`python -m orchestration.ui`: the Dagster UI with its daemon, on this machine only, until Ctrl-C or SIGTERM.

Promise: listens on 127.0.0.1 only, takes orders from no other site's page (`ui_server`), reports to nobody, keeps
Dagster's memory in one folder that may be deleted, and stops whatever it started.
"""

import argparse
import contextlib
import fcntl
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from importlib.resources import files
from pathlib import Path
from types import FrameType
from typing import Any

from orchestration.demo_tenant import DemoFolder, InUse, TenantFailed, serve_tenant
from orchestration.report_server import REPORTS_URL, serving_reports
from warehouse.config import CONFIG_VARIABLE, ConfigError, config_path, load

HOST = "127.0.0.1"
UI_HOSTS = "LEDGERLINE_UI_HOSTS"  # what `ui_server` answers to; importing that would load the webserver
_QUIET = {"DAGSTER_DISABLE_TELEMETRY": "yes", "DO_NOT_TRACK": "1", "DBT_SEND_ANONYMOUS_USAGE_STATS": "false"}
_START_SECONDS = 180
_STOP_SECONDS = 15
# One code server for both: each would otherwise keep its own, and the daemon start a new one every minute.
_WORKSPACE = """\
# Written anew at each start of `python -m orchestration.ui`.
load_from:
  - grpc_server: {{host: {host}, port: {port}, location_name: ledgerline}}
"""


class CannotStart(Exception):
    """The UI cannot be started; the message says what to do."""


def main(argv: Sequence[str] | None = None) -> int:
    """Serve until a signal; returns the exit code (0 stopped, 2 could not run)."""
    options = _parser().parse_args(argv)
    _stop_on_signals()
    try:
        with contextlib.ExitStack() as stack:
            folder = _demo() if options.demo else None
            config = folder.config.absolute() if folder else config_path(options.config)
            settings = load(config)
            named = options.home or os.environ.get("DAGSTER_HOME")
            home = Path(named or config.parent / ("dagster" if options.demo else "data/dagster")).absolute()
            stack.enter_context(_alone(home))
            if folder:
                stack.enter_context(folder.in_use())
                stack.enter_context(_tenant(folder))
            serve(config, home, options.port, reports=settings.folder / "data" / "reports")
    except InUse as error:
        print(f"ui: {error}\n  What to do: wait until it is done", file=sys.stderr)
        return 2
    except ConfigError as error:
        print(f"ui: {error}\n  What to do: {error.remedy}", file=sys.stderr)
        return 2
    except CannotStart as error:
        print(f"ui: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("stopped")
    return 0


def serve(config: Path, home: Path, port: int, *, reports: Path) -> None:
    """Run webserver and daemon until one of them ends or this process is told to stop; the folder of statements
    and reports is served beside them. Port 0 takes a free one."""
    prepare_home(home)
    port = port or _free_port()
    _refuse_taken(port)
    environment = {**os.environ, **_QUIET, "DAGSTER_HOME": str(home), CONFIG_VARIABLE: str(config)}
    environment[UI_HOSTS] = f"{HOST},localhost"
    code_port = _free_port()
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
        print(f"starting the Dagster UI (memory and logs in {home}) ...", flush=True)
        started = {}
        for name, command in commands.items():
            started[name] = stack.enter_context(_process(command, environment, logs / _log_name(name)))
            if name == "code server":  # whoever looks for it before it is there remembers that it was not
                _wait_for_port(code_port, started, logs)
        url = f"http://{HOST}:{port}"
        _wait(url, started, logs)
        (home / "ui.url").write_text(f"{url}\n", encoding="utf-8")
        print(f"Ledgerline in the Dagster UI: {url}    (Ctrl-C stops it)", flush=True)
        while True:
            _check_alive(started, logs)
            time.sleep(1)


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


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m orchestration.ui", description=(__doc__ or "").split("\n\n")[0]
    )
    parser.add_argument("--port", type=int, default=3000, help="loopback port; 0 takes a free one (default 3000)")
    parser.add_argument("--config", type=Path, help=f"default: ${CONFIG_VARIABLE}, else ./ledgerline.toml")
    parser.add_argument(
        "--home",
        type=Path,
        help="Dagster's folder; default $DAGSTER_HOME, else data/dagster beside the configuration",
    )
    parser.add_argument(
        "--demo", action="store_true", help="the archive and the pretend tenant of `ledgerline demo`"
    )
    return parser


def _demo() -> DemoFolder:
    """The folder of the kept demo."""
    from orchestration.cli.demo import FOLDER  # noqa: PLC0415 - only where it is asked for

    folder = DemoFolder(FOLDER)
    if not folder.exists:
        raise CannotStart(f"there is no demo in {FOLDER}; run `make demo` first")
    return folder


@contextlib.contextmanager
def _tenant(folder: DemoFolder) -> Iterator[None]:
    """The demo's pretend tenant, while it is served."""
    with contextlib.ExitStack() as stack:
        try:
            stack.enter_context(serve_tenant(folder))
        except TenantFailed as error:
            raise CannotStart(str(error)) from error
        yield


@contextlib.contextmanager
def _alone(home: Path) -> Iterator[None]:
    """Two daemons over one folder would both start every run."""
    home.mkdir(parents=True, exist_ok=True)
    with (home / "ui.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            where = (home / "ui.url").read_text(encoding="utf-8").strip() if (home / "ui.url").exists() else ""
            raise CannotStart(
                f"the UI is running already{f' at {where}' if where else ''}, over {home}; "
                f"use that one, stop it, or name another --home"
            ) from None
        (home / "ui.url").unlink(missing_ok=True)
        yield


@contextlib.contextmanager
def _process(command: list[str], environment: dict[str, str], log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A Python module as a process of its own, told to stop at the end and killed if it does not."""
    with log.open("wb") as output:
        process = subprocess.Popen(  # noqa: S603 - our own interpreter and modules
            [sys.executable, "-m", *command],
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
    raise CannotStart(f"the code server does not answer after {_START_SECONDS} s; see {logs}")


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
                    raise CannotStart(f"the pipeline does not load: {found['message']}")
                return
        if time.monotonic() > deadline:
            raise CannotStart(f"no answer at {url} after {_START_SECONDS} s; see {logs}")
        time.sleep(0.3)


def _locations(url: str) -> list[dict[str, Any]]:
    query = (
        "{workspaceOrError {... on Workspace {locationEntries {loadStatus locationOrLoadError "
        "{__typename ... on PythonError {message}}}}}}"
    )
    request = urllib.request.Request(  # noqa: S310 - our own address
        f"{url}/graphql", json.dumps({"query": query}).encode(), {"content-type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310
        workspace = json.load(answer)["data"]["workspaceOrError"]
    entries: list[dict[str, Any]] = workspace["locationEntries"]
    return entries


def _check_alive(started: dict[str, subprocess.Popen[bytes]], logs: Path) -> None:
    for name, process in started.items():
        if process.poll() is not None:
            said = (logs / _log_name(name)).read_text(encoding="utf-8", errors="replace").splitlines()[-15:]
            lines = "\n  ".join(said)
            raise CannotStart(f"the {name} ended with code {process.returncode}; it said last:\n  {lines}")


def _log_name(process: str) -> str:
    return f"{process.replace(' ', '-')}.log"


def _free_port() -> int:
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
            raise CannotStart(f"port {port} is taken; choose another: --port 0 takes a free one") from None


def _stop_on_signals() -> None:
    def stop(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop)


if __name__ == "__main__":
    sys.exit(main())
