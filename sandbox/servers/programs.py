"""Programs of others: where they are kept, how one in Go is built once, how a server is awaited and ended."""

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Sequence
from functools import cache
from pathlib import Path

_BUILD_SECONDS = 900
_START_SECONDS = 20


class Missing(Exception):
    """A program that is not on this machine; the text says what to install, and how."""


def tools() -> Path:
    """Where what was built or fetched is kept, for ever."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "ledgerline" / "tools"


def kept(module: str, version: str) -> Path | None:
    """The program of a Go module where it is there already: built before, or named by the environment variable
    with its name in capitals (VERSITYGW)."""
    name = module.rpartition("/")[2]
    given = os.environ.get(_variable(name))
    program = Path(given) if given else tools() / f"{name}-{version}"
    return program if given or program.exists() else None


def go_for(module: str, version: str) -> str:
    """The `go` that builds a module. Raises Missing."""
    name = module.rpartition("/")[2]
    go = shutil.which("go")
    if go is None:
        raise Missing(
            f"{name} is not here: install Go (https://go.dev/dl/) and run again, or set {_variable(name)} to a "
            f"binary of {name} {version}"
        )
    return go


@cache
def built(module: str, version: str) -> Path:
    """The program of a Go module; builds it if need be. Raises Missing."""
    found = kept(module, version)
    if found is not None:
        return found
    go, name = go_for(module, version), module.rpartition("/")[2]
    program, room = tools() / f"{name}-{version}", tools() / f"build-{name}-{os.getpid()}"
    room.mkdir(parents=True, exist_ok=True)
    try:
        done = run([go, "install", f"{module}@{version}"], {"GOBIN": str(room), "CGO_ENABLED": "0"})
        if done.returncode != 0:
            reason = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
            raise Missing(f"{name} could not be built ({reason[:200]}): check Go and its module proxy")
        (room / name).replace(program)  # in one step, so that no other process sees half a program
    finally:
        shutil.rmtree(room, ignore_errors=True)
    return program


def run(
    command: Sequence[str],
    environment: dict[str, str] | None = None,
    *,
    cwd: Path | None = None,
    seconds: float = _BUILD_SECONDS,
) -> "subprocess.CompletedProcess[str]":
    """A build or a download, from beginning to end."""
    return subprocess.run(  # noqa: S603 - the command lines are our own
        command, env={**os.environ, **(environment or {})}, cwd=cwd,
        capture_output=True, text=True, check=False, timeout=seconds,
    )  # fmt: skip


def begin(
    command: Sequence[str],
    log: Path,
    *,
    cwd: str | None = None,
    env: dict[str, str] | None = None,
    user: str | None = None,
) -> "subprocess.Popen[bytes]":
    """A server in a session of its own: a Ctrl-C reaches whoever started it, and not the server itself. A kill -9
    of whoever started it ends the server too (`tied`). `user`: as whom it runs, for root alone."""
    with log.open("ab") as out:
        return subprocess.Popen(  # noqa: S603 - the command lines are our own
            [*tied(user), *command], cwd=cwd, env=env, stdin=subprocess.DEVNULL, stdout=out,
            stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip


def tied(user: str | None = None) -> list[str]:
    """What stands before the command line of a process that is told to end when the thread that starts it is gone
    (Linux with util-linux; elsewhere nothing is tied). `user`: whoever changes the user later loses the tie."""
    found = shutil.which("setpriv")
    if found is None:
        return ["runuser", "-u", user, "--"] if user else []
    as_user = [f"--reuid={user}", f"--regid={user}", "--init-groups"] if user else []
    return [found, *as_user, "--pdeathsig", "TERM", "--"]


def free_port() -> int:
    """A port of this machine that nobody listens on."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port


def wait_for(port: int, server: "subprocess.Popen[bytes]", log: Path, seconds: float = _START_SECONDS) -> None:
    """Until somebody listens. Raises RuntimeError, with the end of the log, where nobody does in time."""
    end = time.monotonic() + seconds
    while time.monotonic() < end and server.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), 0.2).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise RuntimeError(f"the server did not start: {log.read_text(errors='replace')[-500:]}")


def stop(server: "subprocess.Popen[bytes]") -> None:
    """Tell a server to end, and end it where it does not."""
    server.terminate()
    try:
        server.wait(10)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()


def _variable(name: str) -> str:
    return name.upper().replace("-", "_")
