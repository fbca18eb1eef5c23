"""Processes that are stopped by SIGSTOP, as on a machine that sleeps, and go on later."""

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

from tests.promises.site import Running


def files(folder: Path) -> int:
    """How many files lie in a folder and below it."""
    return sum(len(names) for _, _, names in os.walk(folder))


def stop_when(run: Running, happened: Callable[[], bool], *, within: float = 60) -> bool:
    """Stop a command as soon as something is so; False where it ended before."""
    deadline = time.monotonic() + within
    while run.process.poll() is None:
        assert time.monotonic() < deadline, f"it did not happen within {within} s"
        if happened():
            run.process.send_signal(signal.SIGSTOP)
            return run.process.poll() is None
        time.sleep(0.0005)
    return False


def let_go_on(run: Running) -> None:
    run.process.send_signal(signal.SIGCONT)
