"""The demo's pretend tenant: a folder with its configuration, keys and journal, and the process that serves it.

Promise: the tenant listens on loopback only and ends with the block that started it, or with its process; started
again over the same folder it serves the same feed, so the demo's archive stays true.
"""

import fcntl
import json
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from orchestration.tied import tied
from warehouse.archive.signing import create_key

_CONFIG = """\
# Made by `ledgerline demo`: the whole pipeline against a pretend tenant on this machine.
[archive]
{archive}
signing_key = "file:./signing.key"
cache = "./cache"

[anthropic]
base_url = "{url}"
keys.compliance = "file:./keys/compliance"
keys.analytics = "file:./keys/analytics"
keys.directory = "file:./keys/directory"
keys.organization = "file:./keys/organization"
start = {start}
requests_per_minute.analytics = 600  # the pretend tenant sets no limit; the vendor's is 60

[warehouse]
duckdb = "./warehouse.duckdb"

[finops]
cost_centers = "./cost_centers.csv"
rules = "./rules.toml"
budgets = "./budgets.csv"
invoices = "./invoices"
"""
_SETTINGS = "tenant.json"
_PLAY_SECONDS = 120
_IN_THE_FOLDER = 'url = "file:./archive"'
# Keys of the configuration, and what the tenant calls them.
_KEYS = {
    "compliance": "compliance",
    "analytics": "analytics",
    "directory": "directory",
    "organization": "org_data",
}


class DemoError(RuntimeError):
    """The demo cannot go on; `remedy` is what to do."""

    remedy = ""


class InUse(DemoError):
    """Another process works in the demo's folder; the message says so."""

    remedy = "stop `make ui`, or wait until the other demo is done"


class TenantFailed(DemoError):
    """The pretend tenant, or its machines, did not do their part; the message holds its own last words."""

    remedy = "look at that log; `python -m sandbox serve` shows it at once"


@dataclass(frozen=True)
class DemoFolder:
    """Where a demo keeps everything: configuration, archive, marts, keys, the tenant's journal."""

    path: Path

    @property
    def config(self) -> Path:
        return self.path / "ledgerline.toml"

    @property
    def exists(self) -> bool:
        return (self.path / _SETTINGS).exists()

    @contextmanager
    def in_use(self) -> Iterator[None]:
        """Hold the folder against a demo that would make it anew. Raises InUse.

        The lock lies beside the folder, which is removed and made while it is held.
        """
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.with_name(f"{self.path.name}.lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise InUse(f"another demo, or its UI, is at work in {self.path}") from None
            yield

    def write_key(self, name: str, value: str) -> None:
        """A credential as `keys/<name>`, which is how the configuration names it."""
        key = self.path / "keys" / name
        key.write_text(f"{value}\n")
        key.chmod(0o600)

    def settings(self) -> dict[str, Any]:
        settings: dict[str, Any] = json.loads((self.path / _SETTINGS).read_text())
        return settings


def make_folder(path: Path, *, days: int, users: int, seed: int, archive: str = _IN_THE_FOLDER) -> DemoFolder:
    """Write a fresh demo folder; the tenant's feed begins `days` before today, whatever day it is started on, and
    what is pulled of it with the month before the last whole one, so that two months can be stated.

    `archive`: the lines of the configuration that say where the archive lies.
    """
    folder = DemoFolder(path)
    (path / "keys").mkdir(parents=True)
    today = datetime.now(UTC).date()
    first = today - timedelta(days=days)
    settings = {
        "users": users,
        "seed": seed,
        "first_day": first.isoformat(),
        "start": min(first, months_before(today, 2)).isoformat(),
        "port": _free_port(),
        "archive": archive,
    }
    (path / _SETTINGS).write_text(json.dumps(settings, indent=2) + "\n")
    create_key(path / "signing.key")
    return folder


@contextmanager
def serve_tenant(folder: DemoFolder, *, quiet: bool = False) -> Iterator[dict[str, Any]]:
    """Serve the tenant of a demo folder in a process of its own; yields what it says when it is ready.

    `quiet`: nothing planted and nothing rare, everyday work only.
    Writes keys and configuration, which follow from the seed and the port. Raises TenantFailed.
    """
    settings = folder.settings()
    today = datetime.now(UTC).date()
    days = (today - date.fromisoformat(settings["first_day"])).days
    log = folder.path / "tenant.log"
    with log.open("a") as errors:
        process = subprocess.Popen(  # noqa: S603 - our own module with our own numbers
            [
                *(*tied(), sys.executable, "-m", "sandbox", "serve", "--port", str(settings["port"])),
                *("--users", str(settings["users"]), "--seed", str(settings["seed"])),
                *("--days", str(days), "--journal", str(folder.path / "tenant.journal")),
                *("--analytics-rate-limit", "0"),
                *(("--quiet",) if quiet else ()),
            ],
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        )
    try:
        assert process.stdout is not None
        said = process.stdout.readline()
        if not said:
            raise TenantFailed(
                f"the pretend tenant did not start; its log is {log}: {log.read_text()[-300:].strip()}"
            )
        ready: dict[str, Any] = json.loads(said)
        _write_config(folder, ready, settings)
        yield ready
    finally:
        process.terminate()
        try:
            process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if process.stdout is not None:
            process.stdout.close()


def play_sessions(folder: DemoFolder, url: str, first: date, last: date, *, quiet: bool = False) -> dict[str, Any]:
    """The Claude Code sessions of the tenant's people on some days (both inclusive), sent to an OTLP receiver;
    what the clients say that they sent. `quiet`: nobody bypasses permission prompts. Raises TenantFailed."""
    settings = folder.settings()
    done = subprocess.run(  # noqa: S603 - our own module with our own numbers
        [
            *(sys.executable, "-m", "sandbox", "play", "--url", url),
            *("--first", str(first), "--last", str(last)),
            *("--users", str(settings["users"]), "--seed", str(settings["seed"])),
            *(("--quiet",) if quiet else ()),
        ],
        capture_output=True,
        text=True,
        timeout=_PLAY_SECONDS,
        check=False,
    )
    if done.returncode != 0:
        raise TenantFailed(f"the pretend machines could not send: {done.stderr.strip()[-300:]}")
    told: dict[str, Any] = json.loads(done.stdout)
    return told


def months_before(day: date, months: int) -> date:
    """The first day of the month so many months before the one of `day`; with a negative number after it."""
    count = day.year * 12 + day.month - 1 - months
    return date(count // 12, count % 12 + 1, 1)


def _write_config(folder: DemoFolder, ready: dict[str, Any], settings: dict[str, Any]) -> None:
    for name, its_name_there in _KEYS.items():
        folder.write_key(name, ready["keys"][its_name_there])
    start = settings.get("start", settings["first_day"])
    archive = settings.get("archive", _IN_THE_FOLDER)
    folder.config.write_text(_CONFIG.format(url=ready["url"], start=start, archive=archive))


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
