"""How far a command is: a bar with rate and time left on a terminal, a plain line every few seconds elsewhere.

Promise: everything goes to stderr, so stdout stays the result; safe to call from several threads.
"""

import os
import sys
import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING, Any, TextIO

from orchestration.cli.output import duration, plain, size

if TYPE_CHECKING:
    from rich.progress import Progress as Bar
    from rich.progress import TaskID

_EVERY = 5.0  # seconds between plain lines
_WORTH_SAYING = 2.0  # seconds of waiting


class Progress:
    """Progress of one command. Use as a context manager, or call `finish()` at the end.

    `unit` is what is counted (`windows`); `size` is what they hold (`records`).
    """

    def __init__(
        self,
        unit: str = "windows",
        size: str = "records",
        *,
        err: TextIO | None = None,
        every: float = _EVERY,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._unit, self._size = unit, size
        self._err = err or sys.stderr
        self._terminal = self._err.isatty() and os.environ.get("TERM") != "dumb"
        self._every, self._clock = every, clock
        self._lock = threading.RLock()
        self._total: int | None = None
        self._done = self._pages = self._records = 0
        self._began = self._spoke = clock()
        self._bar: Bar | None = None
        self._task: TaskID | None = None

    def start(self, total_windows: int) -> None:
        """So many windows will come. Calling it again adds to them."""
        with self._lock:
            if self._total is None:
                self._began = self._spoke = self._clock()
            self._total = (self._total or 0) + total_windows
            self._show()

    def window_done(self, window: object, pages: int = 0, records: int = 0) -> None:
        """One window (or other unit) is finished, with so many pages and records in it."""
        with self._lock:
            self._done += 1
            self._pages += pages
            self._records += records
            self._show(plain(window))

    def reached(self, what: str, done: int, total: int) -> None:
        """A count that somebody else keeps: so many of so many `what` are done."""
        with self._lock:
            if what != self._unit:
                self._unit, self._began, self._records = what, self._clock(), 0
            self._done, self._total = done, total
            self._show()

    def counted(self, what: str, done: int, total: int) -> None:
        """As `reached`; a count of what the units hold (`size`) goes beside theirs."""
        if what == self._size:
            with self._lock:
                self._records = done
        else:
            self.reached(what, done, total)

    def waiting(self, seconds: float, why: str) -> None:
        """The work rests for so long, and why: a rate limit, a server that asks for patience."""
        if seconds >= _WORTH_SAYING:
            self.note(f"waiting {duration(seconds)}: {why}")

    def note(self, text: str) -> None:
        """A line that stays, above the bar."""
        with self._lock:
            if self._bar is not None:
                from rich.text import Text  # noqa: PLC0415

                self._bar.console.print(Text(plain(text)))
            else:
                print(plain(text), file=self._err, flush=True)

    def finish(self) -> None:
        """The end, good or bad: the bar is taken away. May be called twice."""
        with self._lock:
            if self._bar is not None:
                self._bar.stop()
                self._bar = None

    def __enter__(self) -> "Progress":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.finish()

    def summary(self) -> str:
        """What a plain line says: `12 of 31 windows, 103,223 records, 4,120 records/s, about 20 s left`."""
        elapsed = self._clock() - self._began
        of = f"{self._done:,} of {self._total:,}" if self._total else f"{self._done:,}"
        parts = [f"{of} {self._unit}"]
        if self._records:
            parts.append(self._held(self._records))
            if elapsed > 0:
                parts.append(f"{self._held(self._records / elapsed)}/s")
        left = self._seconds_left(elapsed)
        return ", ".join([*parts, f"about {duration(left)} left"] if left else parts)

    def _held(self, amount: float) -> str:
        return size(int(amount)) if self._size == "bytes" else f"{amount:,.0f} {self._size}"

    def _seconds_left(self, elapsed: float) -> float | None:
        if not self._total or not self._done or self._done >= self._total:
            return None
        return elapsed / self._done * (self._total - self._done)

    def _show(self, current: str = "") -> None:
        if self._terminal:
            self._show_bar(current)
        elif self._clock() - self._spoke >= self._every:
            self._spoke = self._clock()
            print(self.summary(), file=self._err, flush=True)

    def _show_bar(self, current: str) -> None:
        if self._bar is None:
            self._bar, self._task = _bar(self._err)
        assert self._task is not None
        elapsed = self._clock() - self._began
        rate = f"{self._held(self._records / elapsed)}/s" if self._records and elapsed > 0 else ""
        left = self._seconds_left(elapsed)
        fields: dict[str, Any] = {
            "counted": f"{self._done:,}/{self._total or 0:,} {self._unit}",
            "rate": rate,
            "left": f"{duration(left)} left" if left else "",
        }
        if current:
            fields["description"] = current
        self._bar.update(self._task, total=self._total, completed=self._done, **fields)


def _bar(err: TextIO) -> "tuple[Bar, TaskID]":
    from rich.console import Console  # noqa: PLC0415  (a fifth of a second, and only terminals need it)
    from rich.progress import BarColumn, SpinnerColumn, TextColumn, TimeElapsedColumn  # noqa: PLC0415
    from rich.progress import Progress as RichProgress  # noqa: PLC0415

    bar = RichProgress(
        SpinnerColumn(),
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=30),
        *(TextColumn("{task.fields[" + name + "]}", markup=False) for name in ("counted", "rate", "left")),
        TimeElapsedColumn(),
        console=Console(file=err, highlight=False),
        transient=True,
    )
    task = bar.add_task("", total=None, counted="", rate="", left="")
    bar.start()
    return bar, task
