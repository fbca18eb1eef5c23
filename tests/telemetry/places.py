"""A folder with a configuration and an archive, and the command line over it."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from assets.telemetry_landing import LandingReport, land_telemetry
from assets.workshop import Workshop
from orchestration.workshop import open_workshop
from warehouse.archive.signing import create_key
from warehouse.config import Settings, parse
from warehouse.tables.catalog import connect

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
CONFIG = """\
[archive]
url = "file:./archive"
lock = "none"
signing_key = "file:./signing.key"
cache = "./cache"
[warehouse]
duckdb = "./warehouse.duckdb"
"""


class Place:
    """One installation; each use of it opens the archive anew, as each command does."""

    def __init__(self, folder: Path, more: str = "") -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.inbox = folder / "otel"
        self.inbox.mkdir(exist_ok=True)
        (folder / "ledgerline.toml").write_text(CONFIG + more, encoding="utf-8")
        if not (folder / "signing.key").exists():
            create_key(folder / "signing.key")
        self.settings: Settings = parse(CONFIG + more, folder / "ledgerline.toml", {})

    @contextmanager
    def open(self, *, writing: bool = True) -> Iterator[Workshop]:
        with open_workshop(self.settings, for_writing=writing, clock=lambda: NOW) as workshop:
            yield workshop

    def land(self, *paths: Path | str, settled: timedelta = timedelta(0)) -> LandingReport:
        with self.open() as workshop:
            return land_telemetry(workshop, [str(path) for path in paths or (self.inbox,)], settled=settled)

    def put(self, name: str, data: bytes) -> Path:
        path = self.inbox / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        return path

    def ask(self, sql: str) -> list[tuple[Any, ...]]:
        with self.open(writing=False) as workshop, connect(workshop.archive) as db:
            return db.execute(sql).fetchall()

    def run(self, *args: str) -> subprocess.CompletedProcess[bytes]:
        """The command line, as a user runs it."""
        return subprocess.run(
            [sys.executable, "-m", "orchestration.cli", *args, "--config", str(self.folder / "ledgerline.toml")],
            capture_output=True,
            check=False,
            timeout=120,
        )


def document(completed: subprocess.CompletedProcess[bytes]) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(completed.stdout)
    return found
