"""A courier always ends, whatever its threads are at when its receiver halts."""

import threading
from typing import Any

import pytest

from warehouse.delivery.batches import NOTHING
from warehouse.delivery.courier import Courier
from warehouse.delivery.port import Limits
from warehouse.delivery.sending import Batch, Sending
from warehouse.delivery.settled import Stopped


class _Way:
    closed = False

    def close(self) -> None:
        self.closed = True


class _Held(Sending):
    """Sends nothing; each batch is on its way until `let_go`."""

    on_their_way: threading.Semaphore
    let_go: threading.Event

    def deliver(self, batch: Batch) -> None:
        self.on_their_way.release()
        self.let_go.wait(30)


def held(way: Any, concurrency: int) -> _Held:
    limits = Limits(events=1, raw=1000, concurrency=concurrency)
    sending = _Held(module=Any, settings=None, transport=way, limits=limits)  # type: ignore[arg-type]
    sending.on_their_way, sending.let_go = threading.Semaphore(0), threading.Event()
    return sending


def test_a_courier_ends_though_all_its_threads_are_busy_when_it_halts() -> None:
    way: Any = _Way()
    sending = held(way, concurrency=2)
    courier = Courier(sending)
    for _ in range(2):
        assert courier.carry(NOTHING)
        assert sending.on_their_way.acquire(timeout=30)
    sending.stop(Stopped("refused", "look at it"))
    threading.Timer(0.6, sending.let_go.set).start()  # longer than anything waits for a place in the queue
    closing = threading.Thread(target=courier.close, daemon=True)
    closing.start()
    closing.join(30)
    assert not closing.is_alive()
    assert way.closed


def test_a_batch_that_never_got_a_place_is_not_waited_for() -> None:
    ticks: list[int] = []

    def failing() -> None:
        ticks.append(len(ticks))
        if len(ticks) == 1:
            raise OSError("the store does not answer")

    way: Any = _Way()
    sending = held(way, concurrency=1)
    courier = Courier(sending, failing)
    assert courier.carry(NOTHING)
    assert sending.on_their_way.acquire(timeout=30)
    assert courier.carry(NOTHING)  # waits in the queue
    with pytest.raises(OSError, match="does not answer"):
        courier.carry(NOTHING)
    sending.stop(Stopped("its record could not be written"))
    sending.let_go.set()
    waiting = threading.Thread(target=courier.wait, daemon=True)
    waiting.start()
    waiting.join(10)
    assert not waiting.is_alive()
    courier.close()
