"""What becomes of a test that hangs: pytest-timeout limits its time, and this plugin of pytest sees to the rest.

Promise: the stacks of all threads reach stderr, also out of a process of pytest-xdist, and by C code, whatever the
interpreter waits for. The test fails, and what it began is ended as after any failure; where that hangs too, the
process ends, pytest-xdist names the test, and another process takes the rest.
"""

import faulthandler
import os
import signal
from collections.abc import Iterator
from typing import Any

import pytest

LONG_SECONDS = 1_800  # for a test that takes minutes: some build a server first
UNWOUND_SECONDS = 120  # from the failure to the end of the process
_LONG = ("slow", "real")


class Watch:
    """Two clocks beside that of pytest-timeout. Made before pytest has put a file of its own in stderr's place."""

    def __init__(self) -> None:
        self._stderr = os.dup(2)
        self._seconds = 0.0

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        for item in items:
            if item.get_closest_marker("timeout") is None and any(map(item.get_closest_marker, _LONG)):
                item.add_marker(pytest.mark.timeout(LONG_SECONDS))

    @pytest.hookimpl(wrapper=True)
    def pytest_timeout_set_timer(self, settings: Any) -> Iterator[Any]:
        """At the signal the stacks come first, then pytest-timeout's failure; and after a while the end."""
        done = yield
        faulthandler.register(signal.SIGALRM, file=self._stderr, chain=True)
        self._seconds = settings.timeout + UNWOUND_SECONDS
        self._end_later()
        return done

    @pytest.hookimpl(wrapper=True)
    def pytest_timeout_cancel_timer(self) -> Iterator[Any]:
        faulthandler.cancel_dump_traceback_later()
        faulthandler.unregister(signal.SIGALRM)
        return (yield)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_teardown(self) -> None:
        """After a failure pytest and pytest-timeout have stopped their clocks, for a debugger's sake: go on."""
        if self._seconds:
            self._end_later()

    def _end_later(self) -> None:
        faulthandler.dump_traceback_later(self._seconds, exit=True, file=self._stderr)
