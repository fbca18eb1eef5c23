"""A real PostgreSQL, Debian's own, with a data folder of its own that is thrown away.

PostgreSQL refuses to run as root; there, it runs as the user `postgres` that its package makes.
"""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sandbox.servers import programs
from sandbox.servers.programs import Missing

_START_SECONDS = 90


@dataclass(frozen=True)
class Database:
    """A running server; whoever comes from this machine is let in as `dagster`."""

    port: int

    @property
    def url(self) -> str:
        return f"postgresql://dagster@127.0.0.1:{self.port}/postgres"


def installed() -> Path:
    """The folder of its programs. Raises Missing."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if found:
        return found[-1].parent
    on_path = shutil.which("initdb")
    if on_path is None:
        raise Missing("PostgreSQL is not here: install it (Debian: apt-get install postgresql) and run again")
    return Path(on_path).parent


@contextmanager
def start() -> Iterator[Database]:
    """A server in a folder of its own, which the user `postgres` can reach. Raises Missing."""
    with tempfile.TemporaryDirectory(prefix="ledgerline-postgresql-", ignore_cleanup_errors=True) as folder:
        yield from _serve(Path(folder))


def _serve(folder: Path) -> Iterator[Database]:
    programs_of_it, data, log = installed(), folder / "data", folder / "postgresql.log"
    user = "postgres" if os.geteuid() == 0 else None
    if user:
        shutil.chown(folder, user)
    init = [str(programs_of_it / "initdb"), "-D", str(data), "-U", "dagster", "-A", "trust", "-N", "-E", "UTF8"]
    made = subprocess.run(  # noqa: S603 - the command line is our own
        [*programs.tied(user), *init],
        capture_output=True, text=True, check=False, timeout=_START_SECONDS, cwd="/",
    )  # fmt: skip
    if made.returncode != 0:
        raise RuntimeError(f"PostgreSQL made no database: {made.stderr.strip()[-500:]}")
    port = programs.free_port()
    settings = {"listen_addresses": "127.0.0.1", "unix_socket_directories": "", "fsync": "off", "port": str(port)}
    options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
    server = programs.begin([str(programs_of_it / "postgres"), "-D", str(data), *options], log, cwd="/", user=user)
    try:
        programs.wait_for(port, server, log, _START_SECONDS)
        yield Database(port)
    finally:
        programs.stop(server)
