"""A queue of claim checks in memory: messages are hidden while somebody works on them, come back, come twice.

Promise: what was taken out, by whom, and how long the log was then, is remembered; so is what a human was told.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from tests.simulation.scheduler import Process
from tests.simulation.world import World
from warehouse.delivery.errors import QueueUnreachable
from warehouse.delivery.queues.port import HIDDEN_SECONDS, Claim, Message

TRIES = 3
_AT_ONCE = 10


@dataclass
class Kept:
    """One message. `due`: from when on it is seen, in microseconds of the trial."""

    text: str
    number: int
    due: int = 0
    times: int = 0


@dataclass(frozen=True)
class Removed:
    """A message that somebody said is done. `entries`: how many the log had then."""

    text: str
    by: str
    entries: int


@dataclass
class Box:
    """The messages of a trial."""

    entries: Callable[[], int]
    messages: list[Kept] = field(default_factory=list)
    dead: list[str] = field(default_factory=list)
    removed: list[Removed] = field(default_factory=list)
    told: list[str] = field(default_factory=list)
    count: int = 0

    def put(self, text: str) -> None:
        self.count += 1
        self.messages.append(Kept(text, self.count))

    def tell(self, subject: str, text: str) -> None:
        """A human is told."""
        self.told.append(text)

    def stranger(self, what: str) -> None:
        """Somebody who has no business there puts something into the queue."""
        claim = {
            "v": 1, "origin": "ledgerline/another", "seq": 0, "key": "log/entry/000000000000.json",
            "sha256": "0" * 64, "table": "audit_events", "committed_at": "2026-11-16T00:00:00Z",
        }  # fmt: skip
        self.put(json.dumps(claim) if what == "of another log" else what)

    def hidden_are_back(self) -> None:
        """The time for which messages are hidden is over."""
        for message in self.messages:
            message.due = 0


class SimulatedQueue:
    """The port of a queue, as one process has it."""

    name = "sim"
    tries: int | None = TRIES

    def __init__(self, box: Box, world: World, process: Process) -> None:
        self._box, self._world, self._process = box, world, process

    def send(self, claims: Sequence[Claim]) -> None:
        def put(kind: str) -> None:
            for claim in claims:
                for _ in range(2 if kind == "twice" else 1):
                    self._box.put(claim.to_text())

        self._do("send", put)

    def receive(self, wait_seconds: float) -> list[Message]:
        found: list[Message] = []

        def take(_: str) -> None:
            now = self._process.scheduler.us
            for kept in [one for one in self._box.messages if one.due <= now][:_AT_ONCE]:
                kept.due, kept.times = now + HIDDEN_SECONDS * 1_000_000, kept.times + 1
                found.append(Message(kept.text, kept.times, kept, str(kept.number)))

        self._do("receive", take)
        return found

    def done(self, messages: Sequence[Message]) -> None:
        def remove(_: str) -> None:
            for message in messages:
                if message.handle in self._box.messages:
                    self._box.messages.remove(message.handle)
                    self._box.removed.append(Removed(message.text, self._process.name, self._box.entries()))

        if messages:
            self._do("done", remove)

    def failed(self, message: Message) -> bool:
        def give_back(_: str) -> None:
            if message.times >= TRIES and message.handle in self._box.messages:
                self._box.messages.remove(message.handle)
                self._box.dead.append(message.text)
            message.handle.due = 0

        self._do("failed", give_back)
        return message.times >= TRIES

    def waiting(self) -> int | None:
        return len(self._box.messages)

    def dead(self) -> int | None:
        return len(self._box.dead)

    def close(self) -> None:
        pass

    def _do(self, verb: str, effect: Callable[[str], None]) -> None:
        number = self._process.begin_step()
        kind = self._world.meet("queue", self._process, verb)
        if kind == "unreachable":
            raise QueueUnreachable("the queue sim did not answer")
        effect(kind)
        self._process.end_step(number)
        if kind == "lost answer":
            raise QueueUnreachable("the queue sim did not answer in time")
