"""A store that dies at a chosen put, or lets somebody else go first there: every step of a run, one by one.

A kill -9 hits between two puts, or between a put and its answer; `Mortal` is dead from then on for everybody who
holds it, as a killed process is.
"""

import threading
from collections.abc import Callable
from datetime import datetime

from assets.workshop import Workshop
from warehouse.archive.local import LocalStore
from warehouse.archive.store import Exists, Stored


class Died(BaseException):
    """Not an Exception: nothing in the program may catch it and go on."""


class Counted(LocalStore):
    """A folder that counts puts and calls `at(number)` before each, from whatever thread it comes."""

    def __init__(self, store: LocalStore, at: Callable[[int], None] = lambda _number: None) -> None:
        self.__dict__.update(store.__dict__)
        self.puts = 0
        self._at = at
        self._lock = threading.RLock()

    def put_if_absent(self, key: str, data: bytes, retain_until: datetime | None) -> Stored | Exists:
        with self._lock:
            self.puts += 1
            self._at(self.puts)
            return super().put_if_absent(key, data, retain_until)


class Mortal(Counted):
    """Dies at put number `last`: `before` it takes effect, or after that and before anybody is told."""

    def __init__(self, store: LocalStore, last: int, *, before: bool) -> None:
        super().__init__(store)
        self.last = last
        self.before = before

    def put_if_absent(self, key: str, data: bytes, retain_until: datetime | None) -> Stored | Exists:
        with self._lock:
            self.puts += 1
            if self.puts < self.last:
                return LocalStore.put_if_absent(self, key, data, retain_until)
            if self.puts == self.last and not self.before:
                LocalStore.put_if_absent(self, key, data, retain_until)
            raise Died


def give(workshop: Workshop, store: Counted) -> None:
    """Let the workshop write through another store."""
    workshop.archive.store = store
    workshop.archive.log.store = store
