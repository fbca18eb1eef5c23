"""A backfill by several processes: each is a writer of its own, and the log's fence keeps them in order.

Promise: the result is that of one process. Whatever a process could not do is done by the one that asked, which
then raises what there is to raise; when that one is interrupted or killed, the others end too.
"""

import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from contextlib import ExitStack
from pathlib import Path
from types import FrameType

from assets.pull_report import PullReport
from assets.pulling import pull_windows
from assets.workshop import Workshop
from warehouse.config import Settings
from warehouse.wire.windows import Window

_TOGETHER = 4  # windows a task: within one, fetching overlaps with writing

Reports = list[tuple[Window, PullReport]]

_workshop: Workshop | None = None  # each worker process opens one and keeps it
_open = ExitStack()


def in_processes(settings: Settings) -> Callable[[list[Window]], Iterator[tuple[Window, PullReport]]] | None:
    """How to pull windows with `anthropic.workers` processes; None where the configuration asks for one."""
    workers = settings.anthropic.workers
    if workers < 2:
        return None

    def pull(windows: list[Window]) -> Iterator[tuple[Window, PullReport]]:
        tasks = [windows[start : start + _TOGETHER] for start in range(0, len(windows), _TOGETHER)]
        # A fresh interpreter for each: threads and locks of this process must not be inherited half-way.
        context = multiprocessing.get_context("spawn")
        left: list[Window] = []
        with ProcessPoolExecutor(workers, context, _begin, (settings.path, 1 / workers)) as pool:
            try:
                running: dict[Future[Reports], list[Window]] = {pool.submit(_pull, task): task for task in tasks}
                while running:
                    done, _ = wait(running, return_when=FIRST_COMPLETED)
                    for future in done:
                        task = running.pop(future)
                        try:
                            reports = future.result()
                        except Exception:  # whatever it was, it is met again below, in this process
                            left += task
                        else:
                            yield from reports
            except BaseException:  # interrupted: the pool would wait until all is pulled
                for worker in list(pool._processes.values()):  # `terminate_workers` is of Python 3.14
                    worker.terminate()
                raise
        if left:
            from orchestration.workshop import open_workshop  # noqa: PLC0415 - it offers this module's work

            with open_workshop(settings, share=0.999) as workshop:
                yield from pull_windows(workshop, sorted(left, reverse=True))

    return pull


def _begin(config: Path, share: float) -> None:
    from orchestration.workshop import open_workshop  # noqa: PLC0415
    from warehouse.config import load  # noqa: PLC0415

    threading.Thread(target=_end_with_parent, daemon=True).start()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches every process of a terminal: the parent tells us
    signal.signal(signal.SIGTERM, _leave)
    global _workshop  # noqa: PLW0603 - the one thing a worker process is for
    _workshop = _open.enter_context(open_workshop(load(config), share=share))
    _workshop.archive.refresh()


def _end_with_parent() -> None:
    """Nobody waits for our work any more, and what is committed is safe: leave as a killed process does."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _leave(number: int, _frame: FrameType | None) -> None:
    """End as a process does that is interrupted: what it put aside on disk is deleted on the way out."""
    signal.signal(number, signal.SIG_IGN)
    sys.exit(1)


def _pull(windows: list[Window]) -> Reports:
    assert _workshop is not None
    try:
        return list(pull_windows(_workshop, windows))
    except SystemExit:  # `_leave`; the pool would take it for the task's result, and go on with the next
        os._exit(1)
