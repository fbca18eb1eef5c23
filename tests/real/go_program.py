"""Servers written in Go: built once with `go install` at a fixed version into the user's cache, then started.

Where there is neither the binary nor Go, the test is skipped and says how to have it.
"""

import hashlib
import os
import shutil
import subprocess
from functools import cache
from pathlib import Path

import pytest

from sandbox.servers import programs
from sandbox.servers.programs import free_port, stop, tools, wait_for
from tests.real.servers import or_skipped

__all__ = ["built", "built_here", "free_port", "stop", "tools", "wait_for"]
_BUILD_SECONDS = 900


def built(module: str, version: str) -> Path:
    """The program of a Go module; builds it if need be. Skips the test where that cannot be.

    The environment variable with its name in capitals (VICTORIA_LOGS) may name one that is there already.
    """
    return or_skipped(programs.built, module, version)


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
