"""The threads that carry one destination's batches. Knows no log.

Promise: every event that comes in is told of exactly once as delivered or dead, or the courier stops and its
position stays. Whoever feeds it waits while as many batches are on their way as the receiver takes at once.
"""

import threading
import time
from collections.abc import Callable
from queue import Full, Queue

from warehouse.delivery.batches import Items
from warehouse.delivery.errors import DeliveryError
from warehouse.delivery.sending import Batch, Sending
from warehouse.delivery.settled import Stopped

_TICK_SECONDS = 0.25


class Courier:
    """Carries batches with as many threads as the receiver takes at once. `tick`: called by whoever waits."""

    def __init__(self, sending: Sending, tick: Callable[[], None] = lambda: None) -> None:
        self._sending, self._tick = sending, tick
        self._lock = threading.Lock()
        self._open = 0
        concurrency = sending.limits.concurrency
        self._queue: Queue[Batch | None] = Queue(maxsize=1)  # a thread that is free takes it at once
        self._threads = [
            threading.Thread(target=self._work, name=f"deliver-{number}", daemon=True)
            for number in range(concurrency)
        ]
        for thread in self._threads:
            thread.start()

    def carry(self, items: Items) -> bool:
        """Take a batch along; waits while as many as can be are on their way. False once stopped."""
        batch = Batch(items)
        while not self._sending.halt.is_set():
            try:
                self._queue.put(batch, timeout=_TICK_SECONDS)
            except Full:
                self._tick()
                continue
            with self._lock:  # below zero where it is done already; only the thread that carries waits, and later
                self._open += 1
            return True
        return False

    def wait(self) -> None:
        """Until nothing is on its way any more."""
        ticked = time.monotonic()
        while self._open:
            time.sleep(0.002)
            if time.monotonic() - ticked > _TICK_SECONDS:
                self._tick()
                ticked = time.monotonic()

    def close(self) -> None:
        """End the threads; what is on its way is awaited. After a halt they pass over what waits in the queue."""
        for _ in self._threads:
            self._queue.put(None)  # one for each; none may be taken out again, or a thread would wait for ever
        for thread in self._threads:
            thread.join()
        self._sending.transport.close()

    def _work(self) -> None:
        while (batch := self._queue.get()) is not None:
            try:
                if not self._sending.halt.is_set():
                    self._sending.deliver(batch)
            except DeliveryError as error:
                self._sending.stop(Stopped(str(error), error.remedy))
            except Exception as error:  # a fault of a module must not take other destinations along
                self._sending.stop(
                    Stopped(
                        f"the module of this type failed ({type(error).__name__}: {str(error)[:200]})",
                        "report it: this is a fault of Ledgerline",
                    )
                )
            finally:
                with self._lock:
                    self._open -= 1
