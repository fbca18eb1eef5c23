"""Servers written in Go: built once with `go install` at a fixed version into the user's cache, then started.

Where there is neither the binary nor Go, the test is skipped and says how to have it.
"""

import hashlib
import os
import shutil
import socket
import subprocess
import time
from functools import cache
from pathlib import Path

import pytest

_BUILD_SECONDS = 900
_START_SECONDS = 20


def tools() -> Path:
    """Where what was built for these tests is kept."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "ledgerline" / "tools"


@cache
def built(module: str, version: str) -> Path:
    """The program of a Go module; builds it if need be. Skips the test where that cannot be.

    The environment variable with its name in capitals (VICTORIA_LOGS) may name one that is there already.
    """
    name = module.rpartition("/")[2]
    variable = name.upper().replace("-", "_")
    given = os.environ.get(variable)
    if given:
        return Path(given)
    program = tools() / f"{name}-{version}"
    if program.exists():
        return program
    go = shutil.which("go")
    if go is None:
        pytest.skip(
            f"{name} is not here: install Go and run again, or set {variable} to a binary of {name} {version}"
        )
    room = tools() / f"build-{name}-{os.getpid()}"
    room.mkdir(parents=True, exist_ok=True)
    try:
        done = subprocess.run(
            [go, "install", f"{module}@{version}"],
            env={**os.environ, "GOBIN": str(room), "CGO_ENABLED": "0"},
            capture_output=True,
            text=True,
            check=False,
            timeout=_BUILD_SECONDS,
        )
        if done.returncode != 0:
            reason = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
            pytest.skip(f"{name} could not be built ({reason[:200]}): check Go and its module proxy")
        (room / name).replace(program)  # in one step, so that no other test run sees half a program
    finally:
        shutil.rmtree(room, ignore_errors=True)
    return program


@cache
def built_here(name: str) -> Path:
    """The program in the folder `<name>_in_go` beside this file, whose modules are fixed by its go.sum."""
    source = Path(__file__).parent / f"{name}_in_go"
    digest = hashlib.sha256(b"".join((source / file).read_bytes() for file in ("main.go", "go.mod", "go.sum")))
    program = tools() / f"{name}-{digest.hexdigest()[:12]}"
    if program.exists():
        return program
    go = shutil.which("go")
    if go is None:
        pytest.skip(f"{name} is not here: install Go and run again")
    tools().mkdir(parents=True, exist_ok=True)
    half = tools() / f"build-{name}-{os.getpid()}"
    done = subprocess.run(
        [go, "build", "-trimpath", "-ldflags", "-s -w", "-o", str(half), "."],
        cwd=source,
        env={**os.environ, "CGO_ENABLED": "0"},
        capture_output=True,
        text=True,
        check=False,
        timeout=_BUILD_SECONDS,
    )
    if done.returncode != 0:
        reason = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
        pytest.skip(f"{name} could not be built ({reason[:200]}): check Go and its module proxy")
    half.replace(program)
    return program


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
    server.terminate()
    try:
        server.wait(10)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()
