"""One installation of Ledgerline as an operator has it: a folder, a configuration, the real command line.

Whatever a test does with it, no command may print a traceback or a key; each `Ended` was looked through for both.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Any

import httpx

from assets.workshop import Workshop
from orchestration.workshop import open_workshop
from warehouse.archive.local import LocalStore
from warehouse.archive.signing import create_key
from warehouse.config import Settings, load
from warehouse.tables.catalog import connect
from warehouse.wire.times import rfc3339

ROOT = Path(__file__).parents[2]
_COMMAND = (sys.executable, "-m", "orchestration.cli")

CONFIG = """\
[archive]
url = "{url}"
signing_key = "file:./signing.key"
cache = "./cache"
{archive}
[anthropic]
base_url = "{base_url}"
keys.compliance = "file:./compliance.key"
start = {start}
tries = {tries}
timeout_seconds = {timeout}
{anthropic}
[warehouse]
duckdb = "./warehouse.duckdb"
"""


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    code: int
    out: str
    err: str

    def json(self) -> Any:
        """The one document on stdout; fails where there is anything else."""
        return json.loads(self.out)


class Running:
    """A command that is still at work, to be killed or waited for."""

    def __init__(self, process: subprocess.Popen[str], check: Callable[[Ended], Ended]) -> None:
        self.process = process
        self._check = check

    def kill(self) -> bool:
        """Kill -9; False where it had ended by itself."""
        alive = self.process.poll() is None
        self.process.kill()
        self.process.wait()
        for pipe in (self.process.stdout, self.process.stderr):  # not read: a child of it may hold the other end
            assert pipe is not None
            pipe.close()
        return alive

    def kill_when(self, happened: Callable[[], bool], *, within: float = 60) -> bool:
        """Kill -9 as soon as something is so; False where the command ended before."""
        deadline = time.monotonic() + within
        while self.process.poll() is None and time.monotonic() < deadline:
            if happened():
                return self.kill()
            time.sleep(0.001)
        return self.kill()

    def ended(self, timeout: float = 120) -> Ended:
        out, err = self.process.communicate(timeout=timeout)
        return self._check(Ended(self.process.returncode, out, err))


@dataclass
class Site:
    """`folder` holds configuration, keys and archive; `url` and `key` lead to the tenant, who began on `start`."""

    folder: Path
    url: str
    key: str
    start: date
    archive_url: str = "file:./archive"
    tries: int = 3
    timeout: float = 1
    archive: str = ""
    anthropic: str = ""
    env: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        if not (self.folder / "signing.key").exists():
            create_key(self.folder / "signing.key")
        self.configure()

    def configure(self, **changes: Any) -> None:
        """Write the configuration, with some of the fields above changed."""
        for name, value in changes.items():
            setattr(self, name, value)
        (self.folder / "compliance.key").write_text(self.key)
        (self.folder / "ledgerline.toml").write_text(
            CONFIG.format(
                url=self.archive_url,
                base_url=self.url,
                start=self.start,
                tries=self.tries,
                timeout=self.timeout,
                archive=self.archive,
                anthropic=self.anthropic,
            )
        )

    # the command line, in a process of its own

    def begin(self, *arguments: str, **options: Any) -> Running:
        """Start `ledgerline ...` and leave it at work."""
        return self.begin_program(*_COMMAND, *arguments, **options)

    def begin_program(self, *program: str, **options: Any) -> Running:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("LEDGERLINE_")}
        process = subprocess.Popen(
            program,
            cwd=self.folder,
            env=kept | {"PYTHONPATH": str(ROOT)} | dict(self.env),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            **options,
        )
        return Running(process, self.looked_through if "--debug" not in program else self.searched_for_keys)

    def run(self, *arguments: str, **options: Any) -> Ended:
        """`ledgerline ...` from beginning to end."""
        return self.begin(*arguments, **options).ended()

    def pull(self, *arguments: str, code: int | None = 0) -> dict[str, Any]:
        """`ledgerline pull activities ... --json`, which must end with `code`."""
        ended = self.run("pull", "activities", *arguments, "--json")
        assert code is None or ended.code == code, ended.err + ended.out
        report: dict[str, Any] = ended.json()
        return report

    def looked_through(self, ended: Ended) -> Ended:
        assert "Traceback" not in ended.out + ended.err, ended.err
        return self.searched_for_keys(ended)

    def searched_for_keys(self, ended: Ended) -> Ended:
        for text in (ended.out, ended.err):
            assert self.key.strip() not in text
            assert "PRIVATE KEY" not in text
        return ended

    # the same, in this process

    def settings(self) -> Settings:
        return load(self.folder / "ledgerline.toml")

    def open(self, **options: Any) -> AbstractContextManager[Workshop]:
        """The workshop as the command line opens it; `for_writing=False` to look only."""
        return open_workshop(self.settings(), **options)

    def sql(self, query: str, parameters: Iterable[Any] = ()) -> list[tuple[Any, ...]]:
        """Rows of a question to the catalogue."""
        with self.open(for_writing=False) as workshop, connect(workshop.archive) as db:
            rows: list[tuple[Any, ...]] = db.execute(query, list(parameters)).fetchall()
            return rows

    def versions(self) -> list[tuple[str, int, str]]:
        """(id, version, fold) of all there are."""
        return self.sql("select id, version, fold from audit_event_versions order by id, version")

    def store(self) -> LocalStore:
        """The folder of the archive as a store of one's own."""
        return LocalStore.open(f"file:{self.root}", lock="compliance")

    @property
    def root(self) -> Path:
        """The folder of a local archive."""
        return self.folder / self.archive_url.removeprefix("file:")

    # the tenant

    def truth(self, start: datetime | None = None, end: datetime | None = None) -> list[bytes]:
        """What the tenant says it serves now in `[start, end)`: verbatim records, oldest first."""
        bounds = {"start": start, "end": end}
        given = {name: rfc3339(value) for name, value in bounds.items() if value is not None}
        answer = httpx.get(f"{self.url}/_sandbox/truth", params=given, timeout=60)
        return answer.raise_for_status().content.split(b"\n")[:-1]

    def tell(self, what: str, **wish: Any) -> Any:
        """Change the tenant: `tell("faults", kind="cut", next=1)`, `tell("redact", email=..)`."""
        return httpx.post(f"{self.url}/_sandbox/{what}", json=wish, timeout=60).raise_for_status().json()
