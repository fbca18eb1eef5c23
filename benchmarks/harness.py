"""The fair way to get numbers: whole processes, interleaved, medians; and the tenant they all pull from.

Promise: what is compared runs in the same call, in turn, on the same data; a number is never carried over.
This process stays small and idle while others run: a child inherits its parent's peak memory as a floor.
"""

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
_LONGEST = 1_800.0


class Failed(RuntimeError):
    """A contender or the tenant did not do its work; the text has the end of what it said."""


@dataclass(frozen=True)
class Run:
    """One finished process: seconds on the wall and on the processor, peak memory in MB, its JSON line."""

    wall: float
    cpu: float
    peak_mb: float
    said: dict[str, Any]


@dataclass(frozen=True)
class Tenant:
    """A pretend tenant that is being served. `key` is that of the compliance API; `keys` are all of them."""

    url: str
    key: str
    keys: Mapping[str, str] = field(default_factory=dict)

    @property
    def reached(self) -> list[str]:
        """How a contender is told where to pull from."""
        return ["--url", self.url, "--key", self.key]

    def ask(self, control: str, wish: Any = None) -> Any:
        """GET, or with a wish POST, one of the tenant's own switches; the decoded answer."""
        body = None if wish is None else json.dumps(wish).encode()
        with urllib.request.urlopen(f"{self.url}/_sandbox/{control}", body, timeout=_LONGEST) as answer:
            data = answer.read()
        return data if control.startswith("truth") else json.loads(data)


def environment(**more: str) -> dict[str, str]:
    """What measured processes see: nothing that makes Python compile at each start, nothing that phones home."""
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return {**kept, "DO_NOT_TRACK": "1", "RUNTIME__DLTHUB_TELEMETRY": "false", **more}


def run(
    arguments: Sequence[str],
    *,
    program: str = sys.executable,
    env: dict[str, str] | None = None,
    cpus: set[int] | None = None,
    speaks: bool = True,
    accepts: Sequence[int] = (0,),
    longest: float | None = None,
) -> Run:
    """Run a process to its end; its last line on stdout is a JSON document, or all of it is one, unless it
    `speaks` not.

    `cpus` pins it. Raises Failed for an exit code that is not in `accepts`, or after `longest` seconds (default:
    half an hour).
    """
    command = [program, *arguments]
    with tempfile.TemporaryFile("w+") as output, tempfile.TemporaryFile("w+") as complaints:
        began = time.monotonic()
        with on_cores(cpus):
            process = subprocess.Popen(
                command, stdout=output, stderr=complaints, cwd=ROOT, env=environment(**(env or {}))
            )
        alarm = signal.signal(signal.SIGALRM, lambda *_: process.kill())
        signal.setitimer(signal.ITIMER_REAL, longest or _LONGEST)
        try:
            _, status, usage = os.wait4(process.pid, 0)
            wall = time.monotonic() - began
            process.returncode = os.waitstatus_to_exitcode(status)
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, alarm)
            if process.returncode is None:  # interrupted: leave nobody behind
                process.kill()
                process.wait()
        output.seek(0)
        complaints.seek(0)
        text = output.read().strip()
        if process.returncode not in accepts:
            told = complaints.read()[-2000:]
            raise Failed(f"{' '.join(command)} ended with {process.returncode}\n{told}")
    said = _document(text) if speaks and text else {}
    return Run(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, said)


def _document(text: str) -> dict[str, Any]:
    """The last line of what a module said, or the one document of a command, which has many lines."""
    found: dict[str, Any]
    try:
        found = json.loads(text)
    except json.JSONDecodeError:
        found = json.loads(text.splitlines()[-1])
    return found


@contextmanager
def on_cores(cpus: set[int] | None) -> Iterator[None]:
    """What is started inside runs on these cores only; a child inherits them."""
    before = os.sched_getaffinity(0)
    if cpus:
        os.sched_setaffinity(0, cpus)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def module(name: str, *arguments: str, **settings: Any) -> Run:
    """Run one of the modules beside this one."""
    return run(["-m", f"benchmarks.{name}", *arguments], **settings)


def built_by_all_cores(builder: str, given: Sequence[str], days: int) -> dict[str, float]:
    """What the module `builder` makes of so many days, a share by each core; the sums of what they said.

    Before and after, it runs for no day: the one key and the log begun, and a snapshot as the last seal of a day
    makes one. Raises Failed where a share could not be built.
    """
    module(builder, *given, "--days", "0")
    shares = min(len(os.sched_getaffinity(0)), 4)
    command = [sys.executable, "-m", f"benchmarks.{builder}", *given, "--days", str(days), "--share"]
    builders = [
        subprocess.Popen(
            [*command, f"{share}/{shares}"], cwd=ROOT, env=environment(), stdout=subprocess.PIPE, text=True
        )
        for share in range(shares)
    ]
    said = [builder.communicate()[0] for builder in builders]
    if any(builder.returncode for builder in builders):
        raise Failed("the sealed tier could not be built")
    module(builder, *given, "--days", "0")
    parts = [json.loads(text.splitlines()[-1]) for text in said]
    return {name: sum(part[name] for part in parts) for name in parts[0]}


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
def tenant(
    *,
    per_day: int,
    days: int,
    users: int = 500,
    now: str = "2026-11-22T12:00:00Z",
    lazy: bool = False,
    cpus: set[int] | None = None,
    analytics_rate_limit: int = 0,
) -> Iterator[Tenant]:
    """A pretend tenant in its own process, with exactly `per_day` events a day, without rate limit for them.

    `analytics_rate_limit`: requests a minute that its Analytics API grants; 0 for no limit.
    """
    command = [
        *(sys.executable, "-m", "sandbox", "serve", "--port", "0", "--rate-limit", "0", "--seed", "7"),
        *("--users", str(users), "--days", str(days), "--events-per-day", str(per_day), "--now", now),
        *("--analytics-rate-limit", str(analytics_rate_limit)),
        *(["--lazy"] if lazy else []),
    ]
    with on_cores(cpus):
        process = subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd=ROOT,
            env=environment(),
            text=True,
        )
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        if not line:
            raise Failed(f"{' '.join(command)} did not start")
        ready = json.loads(line)
        yield Tenant(ready["url"], ready["keys"]["compliance"], ready["keys"])
    finally:
        process.terminate()
        try:
            process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
