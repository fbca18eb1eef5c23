"""Threads, locks, clocks and chance as the pipeline's modules know them, taken from the scheduler of a trial.

Promise: while `running` lasts, no module of `warehouse` or `assets` starts a real thread, sleeps, looks at a
real clock or draws from real chance; afterwards each has back what it had.
"""

from __future__ import annotations

import concurrent.futures
import queue
import random
import secrets
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from random import Random
from types import SimpleNamespace
from typing import Any

import pyarrow as pa

from tests.simulation.scheduler import Scheduler


class Runtime:
    """What stands in for the modules and classes of the standard library that a trial must control."""

    def __init__(self, scheduler: Scheduler, seed: str) -> None:
        self.scheduler = scheduler
        self.rng = rng = Random(seed)
        self.threading = SimpleNamespace(
            Thread=self._bound(Thread),
            Lock=self._bound(Lock),
            RLock=self._bound(Lock),
            Event=self._bound(Event),
            Condition=self._bound(Condition),
            Semaphore=self._bound(Semaphore),
            BoundedSemaphore=self._bound(Semaphore),
            local=threading.local,
            get_ident=lambda: id(scheduler.current),
            active_count=lambda: len(scheduler.tasks),
        )
        self.time = SimpleNamespace(
            monotonic=lambda: scheduler.us / 1e6,
            perf_counter=lambda: scheduler.us / 1e6,
            time=self._machine_time,
            sleep=self.sleep,
        )
        self.secrets = SimpleNamespace(
            token_hex=lambda size=16: rng.randbytes(size).hex(),
            token_bytes=lambda size=16: rng.randbytes(size),
            randbelow=rng.randrange,
        )
        self.stand_ins: list[tuple[Any, Any]] = [
            (threading, self.threading),
            (time, self.time),
            (secrets, self.secrets),
            (secrets.token_bytes, self.secrets.token_bytes),
            (random, rng),
            (concurrent.futures.ThreadPoolExecutor, self._bound(Pool)),
            (queue.Queue, self._bound(WaitingQueue)),
            (queue.SimpleQueue, self._bound(WaitingQueue)),
        ]

    def _bound(self, kind: Callable[..., Any]) -> Callable[..., Any]:
        return lambda *given, **named: kind(self.scheduler, *given, **named)

    def sleep(self, seconds: float) -> None:
        self.scheduler.wait(seconds=seconds)

    def _machine_time(self) -> float:
        task = self.scheduler.current
        return (task.process.clock() if task is not None else self.scheduler.now).timestamp()

    @contextmanager
    def running(self) -> Iterator[None]:
        replaced = []
        stand_ins = {id(real): ours for real, ours in self.stand_ins}
        for module, name, real in _places(tuple(stand_ins)):
            setattr(module, name, stand_ins[id(real)])
            replaced.append((module, name, real))
        cores = pa.cpu_count()
        pa.set_cpu_count(1)  # for tables of ten rows, threads cost more than they do
        try:
            yield
        finally:
            pa.set_cpu_count(cores)
            for module, name, real in replaced:
                setattr(module, name, real)


_known: tuple[int, list[tuple[Any, str, Any]]] = (0, [])


def _places(wanted: tuple[int, ...]) -> list[tuple[Any, str, Any]]:
    """Where the pipeline's modules hold one of these; looked for again when modules were added."""
    global _known  # noqa: PLW0603
    if _known[0] != len(sys.modules):
        ours = [module for name, module in list(sys.modules.items()) if name.startswith(("warehouse.", "assets."))]
        _known = (
            len(sys.modules),
            [(one, name, value) for one in ours for name, value in vars(one).items() if id(value) in wanted],
        )
    return _known[1]


class Lock:
    """A lock, and a lock that its holder may take again: no part of the pipeline relies on the difference."""

    def __init__(self, scheduler: Scheduler) -> None:
        self._scheduler, self._holder, self._depth = scheduler, None, 0

    def acquire(self, blocking: bool = True, timeout: float = -1) -> bool:
        task = self._scheduler.current
        if self._depth and self._holder is not task:
            if not blocking:
                return False
            self._scheduler.wait(lambda: not self._depth, None if timeout < 0 else timeout)
            if self._depth:
                return False
        self._holder, self._depth = task, self._depth + 1
        return True

    def release(self) -> None:
        self._depth -= 1

    def locked(self) -> bool:
        return self._depth > 0

    def __enter__(self) -> bool:
        return self.acquire()

    def __exit__(self, *_: object) -> None:
        self.release()


class Event:
    def __init__(self, scheduler: Scheduler) -> None:
        self._scheduler, self._set = scheduler, False

    def is_set(self) -> bool:
        return self._set

    def set(self) -> None:
        self._set = True

    def clear(self) -> None:
        self._set = False

    def wait(self, timeout: float | None = None) -> bool:
        return self._set or self._scheduler.wait(self.is_set, timeout)


class Condition:
    def __init__(self, scheduler: Scheduler, lock: Lock | None = None) -> None:
        self._scheduler, self._lock = scheduler, lock or Lock(scheduler)
        self._waiting: deque[list[bool]] = deque()
        self.acquire, self.release = self._lock.acquire, self._lock.release

    def __enter__(self) -> bool:
        return self._lock.acquire()

    def __exit__(self, *_: object) -> None:
        self._lock.release()

    def wait(self, timeout: float | None = None) -> bool:
        told = [False]
        self._waiting.append(told)
        depth, self._lock._depth = self._lock._depth, 0
        try:
            return self._scheduler.wait(lambda: told[0], timeout)
        finally:
            self._lock.acquire()
            self._lock._depth = depth

    def wait_for(self, predicate: Callable[[], bool], timeout: float | None = None) -> bool:
        end = None if timeout is None else self._scheduler.us + timeout * 1e6
        while not predicate():
            left = None if end is None else (end - self._scheduler.us) / 1e6
            if left is not None and left <= 0:
                return predicate()
            self.wait(left)
        return True

    def notify(self, n: int = 1) -> None:
        while self._waiting and n:
            self._waiting.popleft()[0] = True
            n -= 1

    def notify_all(self) -> None:
        self.notify(len(self._waiting))


class Semaphore:
    def __init__(self, scheduler: Scheduler, value: int = 1) -> None:
        self._scheduler, self._value = scheduler, value

    def acquire(self, blocking: bool = True, timeout: float | None = None) -> bool:
        if self._value <= 0 and blocking:
            self._scheduler.wait(lambda: self._value > 0, timeout)
        if self._value <= 0:
            return False
        self._value -= 1
        return True

    def release(self, n: int = 1) -> None:
        self._value += n

    def __enter__(self) -> bool:
        return self.acquire()

    def __exit__(self, *_: object) -> None:
        self.release()


class Thread:
    def __init__(
        self,
        scheduler: Scheduler,
        group: None = None,
        target: Callable[..., Any] = lambda: None,
        name: str = "",
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
        *,
        daemon: bool | None = None,
    ) -> None:
        self._scheduler, self._work = scheduler, lambda: target(*args, **(kwargs or {}))
        self.name, self.daemon = name, daemon
        self._task: Any = None

    def start(self) -> None:
        assert self._scheduler.current is not None
        self._task = self._scheduler.spawn(self._scheduler.current.process, self._work)

    def join(self, timeout: float | None = None) -> None:
        if not self._task.done:
            self._scheduler.wait(lambda: self._task.done, timeout)

    def is_alive(self) -> bool:
        return self._task is not None and not self._task.done


class Promised(concurrent.futures.Future):  # type: ignore[type-arg]
    """A future whose waits give the turn away."""

    def __init__(self, scheduler: Scheduler) -> None:
        super().__init__()
        self._scheduler = scheduler

    def _await(self, timeout: float | None) -> None:
        if not self.done() and not self._scheduler.wait(self.done, timeout):
            raise TimeoutError

    def result(self, timeout: float | None = None) -> Any:
        self._await(timeout)
        return super().result(0)

    def exception(self, timeout: float | None = None) -> BaseException | None:
        self._await(timeout)
        return super().exception(0)


class Pool(concurrent.futures.Executor):
    """As many tasks of a process at once as it has workers; work begins in the order in which it came."""

    def __init__(self, scheduler: Scheduler, max_workers: int = 8, thread_name_prefix: str = "") -> None:
        self._scheduler, self._workers = scheduler, max_workers
        self._waiting: deque[tuple[Promised, Callable[[], Any]]] = deque()
        self._running = 0
        self._process = scheduler.current.process if scheduler.current is not None else None

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Promised:
        future = Promised(self._scheduler)
        self._waiting.append((future, lambda: fn(*args, **kwargs)))
        if self._running < self._workers and self._scheduler.current is not None:
            self._running += 1
            self._scheduler.spawn(self._scheduler.current.process, self._work)
        return future

    def _work(self) -> None:
        try:
            while self._waiting:
                future, work = self._waiting.popleft()
                if not future.set_running_or_notify_cancel():
                    continue
                try:
                    result = work()
                except BaseException as error:
                    future.set_exception(error)
                else:
                    future.set_result(result)
        finally:
            self._running -= 1

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        if cancel_futures:
            while self._waiting:
                self._waiting.popleft()[0].cancel()
        task = self._scheduler.current
        # a generator of a dead process is closed by whoever happens to run: it waits for nobody
        if wait and self._running and task is not None and task.process is self._process and not task.process.dead:
            self._scheduler.wait(lambda: not self._running)


class WaitingQueue:
    def __init__(self, scheduler: Scheduler, maxsize: int = 0) -> None:
        self._scheduler, self._most = scheduler, maxsize
        self._items: deque[Any] = deque()

    def put(self, item: Any, block: bool = True, timeout: float | None = None) -> None:
        if self.full() and block:
            self._scheduler.wait(lambda: not self.full(), timeout)
        if self.full():
            raise queue.Full
        self._items.append(item)

    def get(self, block: bool = True, timeout: float | None = None) -> Any:
        if not self._items and block:
            self._scheduler.wait(lambda: bool(self._items), timeout)
        if not self._items:
            raise queue.Empty
        return self._items.popleft()

    def put_nowait(self, item: Any) -> None:
        self.put(item, block=False)

    def get_nowait(self) -> Any:
        return self.get(block=False)

    def full(self) -> bool:
        return 0 < self._most <= len(self._items)

    def empty(self) -> bool:
        return not self._items

    def qsize(self) -> int:
        return len(self._items)
