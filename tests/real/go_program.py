"""Programs written in Go: built once, at a fixed version, into the user's cache.

Where there is neither the binary nor Go, the test is skipped and says how to have it.
"""

import hashlib
import os
import shutil
from functools import cache
from pathlib import Path

from sandbox.servers import Missing, programs
from sandbox.servers.programs import free_port, stop, tools, wait_for
from tests.real.servers import or_skipped

__all__ = ["built", "built_here", "compiled", "free_port", "stop", "tools", "wait_for"]
_BUILD_SECONDS = 900


def built(module: str, version: str) -> Path:
    """The program of a Go module; builds it if need be. Skips the test where that cannot be.

    The environment variable with its name in capitals (VICTORIA_LOGS) may name one that is there already.
    """
    return or_skipped(programs.built, module, version)


@cache
def built_here(name: str) -> Path:
    """The program in the folder `<name>_in_go` beside this file, whose modules are fixed by its go.sum. Skips the
    test where it cannot be built."""
    source = Path(__file__).parent / f"{name}_in_go"
    digest = hashlib.sha256(b"".join((source / file).read_bytes() for file in ("main.go", "go.mod", "go.sum")))
    return or_skipped(compiled, tools() / f"{name}-{digest.hexdigest()[:12]}", source)


def compiled(
    program: Path, source: Path, *, package: str = ".", ldflags: str = "", seconds: float = _BUILD_SECONDS
) -> Path:
    """`program`, compiled from a package of the module in `source` unless it is there already; in one step, so
    that no other process sees half of it. Raises Missing."""
    if program.exists():
        return program
    go, name = shutil.which("go"), program.name
    if go is None:
        raise Missing(f"{name} is not here: install Go and run again")
    tools().mkdir(parents=True, exist_ok=True)
    half = tools() / f"build-{name}-{os.getpid()}"
    command = [go, "build", "-trimpath", "-ldflags", f"-s -w {ldflags}", "-o", os.fspath(half), package]
    done = programs.run(command, {"CGO_ENABLED": "0"}, cwd=source, seconds=seconds)
    if done.returncode != 0:
        reason = done.stderr.strip()[-300:] or "no reason given"
        raise Missing(f"{name} could not be built ({reason}): check Go and its module proxy")
    half.replace(program)
    return program
