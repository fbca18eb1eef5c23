"""Tasks that take turns at their waits, on one thread, in virtual time: the same seed gives the same order.

Promise: nothing here looks at a real clock or a real source of chance. A task runs until it waits; who goes on
is the one that is due first. A process that died runs nothing any more: whatever of it wakes up raises `Crash`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import greenlet

_MOST_TURNS = 400_000  # a run that takes more is going in circles


class Crash(BaseException):
    """The process was killed. Not an Exception: nothing in the program may catch it and go on."""


class Stuck(AssertionError):
    """Every task waits for another one, or they go in circles."""


@dataclass(eq=False)
class Process:
    """One incarnation of the pipeline: what of it dies dies together. `skew` is its clock against the true one.

    steps: operations on the world so far. dies_at: the number of the operation at which it is killed, and whether
    before it takes effect.
    """

    name: str
    scheduler: Scheduler
    skew: timedelta = timedelta(0)
    dies_at: tuple[int, bool] | None = None
    steps: int = 0
    dead: bool = False

    def clock(self) -> datetime:
        """The time, as this machine believes it to be."""
        return self.scheduler.now + self.skew

    def die(self) -> None:
        self.dead = True
        self.scheduler.note(self.name, "killed")
        raise Crash

    def begin_step(self) -> int:
        """Count an operation on the world; raises Crash where this is the one before which the process dies."""
        if self.dead:
            raise Crash
        self.steps += 1
        if self.dies_at == (self.steps, True):
            self.die()
        return self.steps

    def end_step(self, number: int) -> None:
        """The operation took effect; raises Crash where nobody is told any more."""
        if self.dead:
            raise Crash
        if self.dies_at == (number, False):
            self.die()


@dataclass(eq=False)
class Task:
    process: Process
    let: greenlet.greenlet
    due: int = 0  # microseconds of virtual time; without `ready`, or as its limit
    ready: Callable[[], bool] | None = None
    timed: bool = True
    done: bool = False
    error: BaseException | None = None
    result: Any = None


@dataclass
class Scheduler:
    """The hub of all tasks of one trial."""

    rng: Random
    begun: datetime
    trace: list[str] | None = None
    us: int = 0
    turns: int = 0
    tasks: list[Task] = field(default_factory=list)
    current: Task | None = None

    def __post_init__(self) -> None:
        self._hub = greenlet.getcurrent()

    @property
    def now(self) -> datetime:
        """The true time."""
        return self.begun + timedelta(microseconds=self.us)

    def note(self, who: str, what: str) -> None:
        if self.trace is not None:
            self.trace.append(f"{self.now.astimezone(UTC):%d %H:%M:%S.%f} {who:>4}  {what}")

    def pass_time(self, seconds: float) -> None:
        """Between two pieces of work: nobody runs."""
        self.us += int(seconds * 1e6)

    def spawn(self, process: Process, work: Callable[[], Any]) -> Task:
        """A further task of a process; it begins at its first turn."""
        task = Task(process, greenlet.greenlet(lambda: self._run(task, work), parent=self._hub), due=self.us)
        self.tasks.append(task)
        return task

    def _run(self, task: Task, work: Callable[[], Any]) -> None:
        try:
            if task.process.dead:
                raise Crash
            task.result = work()
        except BaseException as error:
            task.error = error
        task.done = True
        self.tasks.remove(task)

    def wait(self, ready: Callable[[], bool] | None = None, seconds: float | None = None) -> bool:
        """Let others go on, until `ready()` or so many seconds are over; whether it was ready."""
        task = self.current
        assert task is not None, "only a task can wait"
        if task.process.dead:
            raise Crash
        due = self.us + int((seconds or 0) * 1e6)
        if len(self.tasks) == 1 and (ready is None or seconds is not None):
            if ready is None or not ready():
                self.us = max(self.us, due)
            return ready is None or ready()
        task.ready, task.timed, task.due = ready, ready is None or seconds is not None, due
        self._hub.switch()
        if task.process.dead:
            raise Crash
        return ready is None or ready()

    def together(self, works: Iterable[tuple[Process, Callable[[], Any]]]) -> list[Task]:
        """Run these to their ends, taking turns; what their processes left behind is ended with them."""
        first = [self.spawn(process, work) for process, work in works]
        while not all(task.done for task in first):
            self._turn()
        for task in first:
            task.process.dead = True
        while self.tasks:
            self._turn()
        return first

    def _turn(self) -> None:
        self.turns += 1
        if self.turns > _MOST_TURNS:
            raise Stuck(f"{len(self.tasks)} tasks take turns without an end")
        best: Task | None = None
        at, ties = 0, 0
        for task in self.tasks:
            if task.process.dead or (task.ready is not None and task.ready()):
                due = self.us
            elif task.timed:
                due = max(task.due, self.us)
            else:
                continue
            if best is None or due < at:
                best, at, ties = task, due, 1
            elif due == at:
                ties += 1
                if self.rng.randrange(ties) == 0:
                    best = task
        if best is None:
            raise Stuck(f"{len(self.tasks)} tasks wait for each other")
        self.us = at
        self.current = best
        best.let.switch()
        self.current = None
