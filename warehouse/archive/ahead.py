"""Many reads on their way at once, results in order, memory in bounds.

Promise: at most `ahead` results wait, whatever the number of items; an error comes up where its result would.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

_WIDEST = 16  # questions on their way at once

Item = TypeVar("Item")
Result = TypeVar("Result")


def in_order(
    work: Callable[[Item], Result], items: Iterable[Item], *, threads: int = 8, ahead: int = 64
) -> Iterator[Result]:
    """`work(item)` for each item, by `threads` threads (0: by this one), in the order of the items."""
    if not threads:
        yield from map(work, items)
        return
    pool = ThreadPoolExecutor(threads, thread_name_prefix="ahead")
    waiting: deque[Future[Result]] = deque()
    try:
        for item in items:
            waiting.append(pool.submit(work, item))
            if len(waiting) >= ahead:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def until_absent(
    get: Callable[[int], Result | None], start: int, end: int | None = None
) -> Iterator[tuple[int, Result]]:
    """`get(n)` for n from `start` up to (not including) `end`, or until one is None: what has numbers in a row.

    At its end one question is asked; further back, where more will follow, many at once.
    """
    number, width = start, 1
    pool: ThreadPoolExecutor | None = None
    try:
        while end is None or number < end:
            stop = number + width if end is None else min(end, number + width)
            if width > 1 and pool is None:
                pool = ThreadPoolExecutor(_WIDEST, thread_name_prefix="ahead")
            wanted = range(number, stop)
            for one, found in zip(wanted, pool.map(get, wanted) if pool else map(get, wanted), strict=True):
                if found is None:
                    return
                yield one, found
            number, width = stop, min(_WIDEST, width * 4)
    finally:
        if pool is not None:
            pool.shutdown(wait=True, cancel_futures=True)
