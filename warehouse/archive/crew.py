"""The same work on many pieces at once, on all cores: in processes that each open the store, or in threads.

Promise: results come in the order of the pieces, few of them wait in memory, and an error comes up where its
result would. Hashing a large object leaves Python alone and runs well in threads; millions of small ones do not.
"""

import multiprocessing
import os
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from typing import Any, Protocol, TypeVar

from warehouse.archive.store import Store

Result = TypeVar("Result")

_AHEAD = 3  # pieces for each worker that are on their way or waiting to be taken
_THREADS = 8

_store: Store | None = None  # a worker process opens one and keeps it


class Crew(Protocol):
    """Workers with a store. `at_once` is how many pieces they work on."""

    at_once: int
    apart: bool  # whether the workers are processes, so that pieces should be large

    def each(self, work: Callable[..., Result], pieces: Iterable[Any], *rest: Any) -> Iterator[Result]:
        """`work(store, piece, *rest)` for each piece, in order. With processes all of it must be picklable."""

    def close(self) -> None:
        """No more work; what is on its way is given up."""


class Threads:
    """Workers in this process."""

    apart = False

    def __init__(self, store: Store, at_once: int = _THREADS) -> None:
        self.at_once = at_once
        self._store = store
        self._pool = ThreadPoolExecutor(at_once, thread_name_prefix="crew")

    def each(self, work: Callable[..., Result], pieces: Iterable[Any], *rest: Any) -> Iterator[Result]:
        return _in_order(self._pool, self.at_once * _AHEAD, lambda piece: work(self._store, piece, *rest), pieces)

    def close(self) -> None:
        self._pool.shutdown(wait=True, cancel_futures=True)


class Processes:
    """Worker processes, one for each core; `reopen` opens the store in each and must be picklable."""

    apart = True

    def __init__(self, reopen: Callable[[], Store], at_once: int | None = None) -> None:
        self.at_once = at_once or len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 2
        # A fork is ready at once, but must not inherit other threads' locks half-way.
        alone = sys.platform == "linux" and threading.active_count() == 1
        context = multiprocessing.get_context("fork" if alone else "spawn")
        self._pool = ProcessPoolExecutor(self.at_once, context, _begin, (reopen,))

    def each(self, work: Callable[..., Result], pieces: Iterable[Any], *rest: Any) -> Iterator[Result]:
        jobs = ((work, piece, rest) for piece in pieces)
        return _in_order(self._pool, self.at_once * _AHEAD, _work, jobs)

    def close(self) -> None:
        self._pool.shutdown(wait=True, cancel_futures=True)


def _begin(reopen: Callable[[], Store]) -> None:
    global _store  # noqa: PLW0603 - the one thing a worker process is for
    threading.Thread(target=_end_with_parent, daemon=True).start()
    _store = reopen()


def _end_with_parent() -> None:
    """Nobody waits for our work any more, and it only reads: leave."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _work(job: tuple[Callable[..., Result], Any, tuple[Any, ...]]) -> Result:
    work, piece, rest = job
    assert _store is not None
    return work(_store, piece, *rest)


def _in_order(
    pool: Executor, ahead: int, work: Callable[[Any], Result], pieces: Iterable[Any]
) -> Iterator[Result]:
    waiting: deque[Future[Result]] = deque()
    try:
        for piece in pieces:
            waiting.append(pool.submit(work, piece))
            if len(waiting) >= ahead:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        for future in waiting:
            future.cancel()
