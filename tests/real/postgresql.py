"""A real PostgreSQL on loopback, Debian's own, with a data folder of its own that is thrown away.

PostgreSQL refuses to run as root; there, it runs as the user `postgres` that its package makes. Where it is
missing, `start` skips the test and says how to have it.
"""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.real import go_program

_START_SECONDS = 90


@dataclass(frozen=True)
class Database:
    """A running server; whoever comes from this machine is let in as `dagster`."""

    port: int

    @property
    def url(self) -> str:
        return f"postgresql://dagster@127.0.0.1:{self.port}/postgres"


def _programs() -> Path:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if found:
        return found[-1].parent
    on_path = shutil.which("initdb")
    if on_path is None:
        pytest.skip("PostgreSQL is not here: install it (Debian: apt-get install postgresql) and run again")
    return Path(on_path).parent


@contextmanager
def start() -> Iterator[Database]:
    """A server in a folder of its own: pytest shuts its folders to other users whenever a session begins."""
    with tempfile.TemporaryDirectory(prefix="ledgerline-postgresql-", ignore_cleanup_errors=True) as folder:
        yield from _serve(Path(folder))


def _serve(folder: Path) -> Iterator[Database]:
    programs, data, log = _programs(), folder / "data", folder / "postgresql.log"
    as_user: list[str] = []
    if os.geteuid() == 0:
        as_user = ["runuser", "-u", "postgres", "--"]
        shutil.chown(folder, "postgres")
    made = subprocess.run(
        [*as_user, str(programs / "initdb"), "-D", str(data), "-U", "dagster", "-A", "trust", "-N", "-E", "UTF8"],
        capture_output=True, text=True, check=False, timeout=_START_SECONDS, cwd="/",
    )  # fmt: skip
    assert made.returncode == 0, made.stderr
    port = go_program.free_port()
    settings = {"listen_addresses": "127.0.0.1", "unix_socket_directories": "", "fsync": "off", "port": str(port)}
    options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
    with log.open("wb") as out:
        server = subprocess.Popen(
            [*as_user, str(programs / "postgres"), "-D", str(data), *options], stdout=out, stderr=out, cwd="/"
        )
    try:
        go_program.wait_for(port, server, log, _START_SECONDS)
        yield Database(port)
    finally:
        go_program.stop(server)
