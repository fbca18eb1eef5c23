"""No queue beside the log: nothing is sent, nothing received; whoever forwards asks the log."""

import time
from collections.abc import Sequence

from warehouse.config.settings import Delivery
from warehouse.delivery.queues.port import Claim, Message


class LogQueue:
    """The log itself. `receive` only waits."""

    name = "log"
    tries: int | None = None

    def send(self, claims: Sequence[Claim]) -> None:
        pass

    def receive(self, wait_seconds: float) -> list[Message]:
        time.sleep(wait_seconds)
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
