"""How far a delivery is, for each destination: events, rate and time left; bars on a terminal, else plain lines.

Promise: everything goes to stderr, so stdout stays the result; called from the threads of all destinations.
"""

import os
import sys
import threading
import time
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import TYPE_CHECKING, TextIO

from orchestration.cli.output import counted, duration, plain

if TYPE_CHECKING:
    from rich.progress import Progress as Bars
    from rich.progress import TaskID

    from warehouse.delivery.chunk import Report

_EVERY = 5.0  # seconds between plain lines of one destination
_REDRAW = 0.1  # between two changes of a bar


class DeliveryProgress:
    """behind: rows that each destination has not looked at; 0 where nobody knows: no time left is told. Use as a
    context manager; give it to the engine as `on_progress`.
    """

    def __init__(
        self,
        behind: Mapping[str, int],
        *,
        err: TextIO | None = None,
        every: float = _EVERY,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._behind = behind
        self._err = err or sys.stderr
        self._terminal = self._err.isatty() and os.environ.get("TERM") != "dumb"
        self._every, self._clock = _REDRAW if self._terminal else every, clock
        self._began = clock()
        self._spoke = dict.fromkeys(behind, self._began if not self._terminal else 0.0)
        self._lock = threading.Lock()
        self._bars: Bars | None = None
        self._tasks: dict[str, TaskID] = {}

    def __call__(self, report: "Report") -> None:
        """A destination has come so far."""
        with self._lock:
            now = self._clock()
            if now - self._spoke.get(report.name, 0.0) < self._every:
                return
            self._spoke[report.name] = now
            if self._terminal:
                self._draw(report)
            else:
                print(plain(f"{report.name}: {self.summary(report)}"), file=self._err, flush=True)

    def summary(self, report: "Report") -> str:
        """`12,300 events, 4,120 events/s, about 20 s left`."""
        elapsed = self._clock() - self._began
        parts = [counted(report.settled, "event")]
        if report.settled and elapsed > 0:
            parts.append(f"{report.settled / elapsed:,.0f} events/s")
        left = self._seconds_left(report, elapsed)
        return ", ".join([*parts, f"about {duration(left)} left"] if left else parts)

    def _seconds_left(self, report: "Report", elapsed: float) -> float | None:
        total = self._behind.get(report.name, 0)
        if not report.settled or not 0 < report.looked_at < total:  # reading is ahead of sending
            return None
        return elapsed / report.looked_at * (total - report.looked_at)

    def _draw(self, report: "Report") -> None:
        if self._bars is None:
            self._bars = _bars(self._err)
        total = self._behind.get(report.name) or None
        if report.name not in self._tasks:
            self._tasks[report.name] = self._bars.add_task(plain(report.name), total=total, told="")
        done = min(report.looked_at, total) if total else 0
        self._bars.update(self._tasks[report.name], completed=done, told=self.summary(report))

    def __enter__(self) -> "DeliveryProgress":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._lock:
            if self._bars is not None:
                self._bars.stop()
                self._bars = None


def _bars(err: TextIO) -> "Bars":
    from rich.console import Console  # noqa: PLC0415  (a fifth of a second, and only terminals need it)
    from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn  # noqa: PLC0415

    bars = Progress(
        SpinnerColumn(),
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=30),
        TextColumn("{task.fields[told]}", markup=False),
        TimeElapsedColumn(),
        console=Console(file=err, highlight=False),
        transient=True,
    )
    bars.start()
    return bars
