"""Starts the receiver of the delivery benchmark, and says where it listens. Loads nothing heavy."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from benchmarks.harness import ROOT, Failed, environment, on_cores


@dataclass(frozen=True)
class Sink:
    """Where the receiver listens."""

    http: int
    syslog: int

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.http}"

    @property
    def reached(self) -> list[str]:
        """How a contender is told."""
        return ["--http", str(self.http), "--syslog", str(self.syslog)]


@contextmanager
def sink(cpus: set[int] | None = None) -> Iterator[Sink]:
    """The receiver in a process of its own, on `cpus`."""
    with on_cores(cpus):
        process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.delivery_sink"],
            stdout=subprocess.PIPE,
            cwd=ROOT,
            env=environment(),
            text=True,
        )
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        if not line:
            raise Failed("the receiver of the delivery benchmark did not start")
        yield Sink(**json.loads(line))
    finally:
        process.terminate()
        process.wait(timeout=20)
