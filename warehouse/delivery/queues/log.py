"""No queue beside the log: nothing is sent, nothing received; whoever forwards asks the log."""

from collections.abc import Sequence
from threading import Event

from warehouse.config.delivery import Delivery
from warehouse.delivery.queues.port import Claim, Message


class LogQueue:
    """The log itself. `receive` only waits, until `stop` is set at most."""

    name = "log"
    tries: int | None = None

    def __init__(self, stop: Event | None = None) -> None:
        self._stop = stop or Event()

    def send(self, claims: Sequence[Claim]) -> None:
        pass

    def receive(self, wait_seconds: float) -> list[Message]:
        self._stop.wait(wait_seconds)
        return []

    def done(self, messages: Sequence[Message]) -> None:
        pass

    def failed(self, message: Message) -> bool:
        return False

    def waiting(self) -> int | None:
        return None

    def dead(self) -> int | None:
        return None

    def close(self) -> None:
        pass


def open_queue(settings: Delivery) -> LogQueue:
    return LogQueue()
