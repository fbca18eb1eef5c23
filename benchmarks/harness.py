"""Tables of measurements and the fair way to get them: whole processes, interleaved, medians.

Promise: what is compared runs in the same call, in turn, on the same data; a number is never carried over.
"""

import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

ROOT = Path(__file__).resolve().parent.parent


@dataclass
class Table:
    """One benchmark's result. `rows` run parallel to `columns`; `reads` says in words what it shows."""

    title: str
    columns: Sequence[str]
    rows: list[Sequence[Any]] = field(default_factory=list)
    reads: str = ""

    def markdown(self) -> str:
        def line(cells: Sequence[Any]) -> str:
            return "| " + " | ".join(_cell(cell) for cell in cells) + " |"

        lines = [f"## {self.title}", "", line(self.columns), line(["---"] * len(self.columns))]
        lines += [line(row) for row in self.rows]
        if self.reads:
            lines += ["", self.reads]
        return "\n".join(lines) + "\n"


@dataclass(frozen=True)
class Run:
    """One finished process: seconds on the wall and on the processor, peak memory in MB, its JSON line."""

    wall: float
    cpu: float
    peak_mb: float
    said: dict[str, Any]


def run(arguments: Sequence[str], *, env: dict[str, str] | None = None, cpus: set[int] | None = None) -> Run:
    """Run a Python module or script of ours to its end; its last line on stdout is a JSON document."""
    command = [sys.executable, *arguments]
    began = time.monotonic()
    with tempfile.TemporaryFile("w+") as output:
        process = subprocess.Popen(
            command,
            stdout=output,
            cwd=ROOT,
            env={**os.environ, **(env or {})},
            preexec_fn=(lambda: os.sched_setaffinity(0, cpus)) if cpus else None,
        )
        _, code, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(code)
        wall = time.monotonic() - began
        output.seek(0)
        lines = output.read().strip().splitlines()
    if process.returncode != 0:
        raise RuntimeError(f"{' '.join(command)} ended with {process.returncode}")
    said = json.loads(lines[-1]) if lines else {}
    return Run(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, said)


def in_turn(contenders: dict[str, Callable[[], Run]], rounds: int) -> dict[str, list[Run]]:
    """A B C A B C ...: drift of a shared machine hits all alike."""
    results: dict[str, list[Run]] = {name: [] for name in contenders}
    for _ in range(rounds):
        for name, once in contenders.items():
            results[name].append(once())
    return results


def middle(runs: list[Run], figure: Callable[[Run], float]) -> float:
    return median(figure(one) for one in runs)


@contextmanager
def tenant(*, per_day: int, days: int, users: int = 500, now: str = "2026-11-22T12:00:00Z") -> Iterator[dict[str, Any]]:
    """A pretend tenant in its own process, without rate limit; yields what it says when it is ready."""
    command = [
        *(sys.executable, "-m", "sandbox", "serve", "--port", "0", "--rate-limit", "0", "--seed", "7"),
        *("--users", str(users), "--days", str(days), "--events-per-day", str(per_day), "--now", now),
    ]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, cwd=ROOT, text=True)
    try:
        assert process.stdout is not None
        yield json.loads(process.stdout.readline())
    finally:
        process.terminate()
        process.wait(timeout=20)


def machine() -> str:
    """What the numbers were taken on, in one line."""
    model = next(
        (
            line.partition(":")[2].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if line.startswith("model name")
        ),
        platform.processor(),
    )
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return f"{os.cpu_count()} cores ({model}), {memory:.0f} GiB, Python {platform.python_version()}"


def _cell(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:,.2f}" if abs(value) < 100 else f"{value:,.0f}"
    return f"{value:,}" if isinstance(value, int) else str(value)
