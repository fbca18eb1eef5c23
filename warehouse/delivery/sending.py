"""One batch at a receiver: sent, judged by the answer, sent again, in halves, or given up. Starts no threads.

Promise: a batch that is sent again is the same bytes. An event that fails for ever is told from a receiver that is
down by whether anything else gets through: it is dead only where something passed after it had failed.
"""

import hashlib
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from warehouse.delivery.batches import Items, halves
from warehouse.delivery.patience import Patience
from warehouse.delivery.port import Destination, Limits, Outcome, Request, Response, Transport
from warehouse.delivery.settled import Counts, Settled, Stopped
from warehouse.wire.times import Clock, system_clock

_LONGEST_REASON = 500


@dataclass
class Batch:
    """Events on their way together, and how often they were tried."""

    items: Items
    tries: int = 0  # since it was judged last
    attempts: int = 0
    begun: float = 0.0  # monotonic, of the last try
    before: float = 0.0  # of the one before it, or the same
    request: Request | None = None
    batch_id: str = ""
    sent: bool = False  # whether any of it may have reached the receiver


@dataclass
class Sending:
    """How batches are sent to one receiver; shared by the threads that do it.

    probe: an event of no account that shows whether the receiver takes anything.
    """

    module: Destination
    settings: Any
    transport: Transport
    limits: Limits
    patience: Patience = field(default_factory=Patience)
    clock: Clock = system_clock
    probe: Callable[[], Items | None] = lambda: None
    stopped: Stopped | None = None
    count: int = 0  # selected events that are settled
    _counts: Counts = field(default_factory=Counts)
    _settled: list[Settled] = field(default_factory=list)
    _passed_at: float = float("-inf")  # monotonic, when anything was last delivered

    def __post_init__(self) -> None:
        self._lock = threading.Lock()
        self.halt = threading.Event()  # set: nothing more is sent
        if self.stopped is not None:
            self.halt.set()
        self._quiet_until = 0.0

    def stop(self, stopped: Stopped) -> None:
        """Send nothing more. The first reason stays."""
        with self._lock:
            self.stopped = self.stopped or stopped
        self.halt.set()

    def settle(self, settled: Settled) -> None:
        """Note the fate of events."""
        settled.items = settled.items.bare()
        with self._lock:
            self._settled.append(settled)
            self.count += len(settled.items) if settled.items.numbers is not None else 0

    def take(self) -> tuple[list[Settled], Counts]:
        """What was settled since the last call, and what it took."""
        with self._lock:
            settled, self._settled = self._settled, []
            counts, self._counts = self._counts, Counts()
        return settled, counts

    def any_delivered(self) -> bool:
        """Whether an event of the log is among what was settled since it was last taken."""
        with self._lock:
            return any(one.status == "delivered" and one.items.numbers is not None for one in self._settled)

    def deliver(self, batch: Batch) -> None:
        """One batch until every event of it is settled, or the courier is stopped."""
        waiting = deque([batch])
        while waiting and not self.halt.is_set():
            waiting.extendleft(reversed(self._send(waiting.popleft())))

    def _send(self, batch: Batch) -> list[Batch]:
        """Send once; returns what has to be sent again, in order."""
        request = self._packed(batch)
        if self.limits.packed is not None and len(request.body) > self.limits.packed:
            return self._split(batch, f"is over {self.limits.packed} bytes when compressed", None)
        if not self._rest(self._quiet_until - time.monotonic()):
            return []
        batch.before, batch.begun = batch.begun or time.monotonic(), time.monotonic()
        batch.tries += 1
        batch.attempts += 1
        sent_at = self.clock()
        response = self.transport.send(request)
        answered_at = self.clock()
        outcomes = self.module.classify(response, len(batch.items))
        if len(outcomes) != len(batch.items):
            raise ValueError(f"{len(outcomes)} outcomes for {len(batch.items)} events")
        if response.sent:
            with self._lock:
                self._counts.batches += 1
                self._counts.bytes += len(request.body)
                if batch.sent:
                    self._counts.retried += len(batch.items)
            batch.sent = True
        return self._judged(batch, outcomes, response, (sent_at, answered_at))

    def _packed(self, batch: Batch) -> Request:
        if batch.request is None:
            batch.request = self.module.pack(batch.items.frames, self.settings)
            batch.batch_id = hashlib.sha256(batch.request.body).hexdigest()[:32]
        return batch.request

    def _judged(
        self, batch: Batch, outcomes: Sequence[Outcome], response: Response, times: tuple[datetime, datetime]
    ) -> list[Batch]:
        again: list[Batch] = []
        retry: list[int] = []
        after: float | None = None
        why = ""
        for outcome, places in _alike(outcomes):
            reason = _reason(outcome, response)
            if outcome.kind == "delivered" or outcome.kind == "dead":  # noqa: PLR1714 - narrows the type
                items = batch.items if len(places) == len(batch.items) else batch.items.chosen(places)
                self._done(batch, items, outcome.kind, reason, outcome.ack or response.ack, times)
            elif outcome.kind == "halt":
                self.stop(Stopped(reason or "the receiver refuses the configuration", outcome.remedy))
            elif outcome.kind == "split":
                again += self._split(_some(batch, places), reason, times)
            else:
                retry += places
                why, after = (
                    why or reason,
                    max(after or 0.0, outcome.after) if outcome.after is not None else after,
                )
        if retry and not self.halt.is_set():
            again += self._again(_some(batch, sorted(retry)), why, after, times)
        return again

    def _done(
        self,
        batch: Batch,
        items: Items,
        status: Literal["delivered", "dead"],
        reason: str,
        ack: str | None,
        times: tuple[datetime, datetime],
    ) -> None:
        if status == "delivered":
            self._passed_at = time.monotonic()
        self.settle(
            Settled(
                items,
                status,
                batch.batch_id,
                batch.attempts,
                *times,
                ack=ack,
                reason=None if status == "delivered" else reason or "refused without a reason",
            )
        )

    def _split(self, batch: Batch, reason: str, times: tuple[datetime, datetime] | None) -> list[Batch]:
        if len(batch.items) == 1:
            now = self.clock()
            self._done(batch, batch.items, "dead", reason, None, times or (now, now))
            return []
        return [Batch(half, attempts=batch.attempts, sent=batch.sent) for half in halves(batch.items)]

    def _again(
        self, batch: Batch, reason: str, after: float | None, times: tuple[datetime, datetime]
    ) -> list[Batch]:
        if after is not None and after > self.patience.asked:
            self.stop(Stopped(f"the receiver asks to wait {after:.0f} s: {reason}", halted=False))
            return []
        if batch.tries >= self.patience.tries:
            return self._exhausted(batch, reason, times)
        wait = self.patience.wait(batch.tries) if after is None else after
        if after is not None:  # the receiver speaks for all its connections
            self._quiet_until = max(self._quiet_until, time.monotonic() + after)
        return [batch] if self._rest(wait) else []

    def _exhausted(self, batch: Batch, reason: str, times: tuple[datetime, datetime]) -> list[Batch]:
        """A batch has failed too often: is it the batch, or the receiver? Something must have passed since."""
        if self._passed_at <= batch.before and not self._probed():
            self.stop(Stopped(f"{batch.attempts} tries failed, the last with: {reason}", halted=False))
            return []
        if len(batch.items) == 1:
            refused = f"failed {batch.attempts} times while others passed: {reason}"
            self._done(batch, batch.items, "dead", refused, None, times)
            return []
        few = max(self.patience.tries - 1, 0)  # one more try: it has had its waits
        return [Batch(half, few, batch.attempts, sent=batch.sent) for half in halves(batch.items)]

    def _probed(self) -> bool:
        """Whether the receiver takes an event that cannot be the cause."""
        items = self.probe()
        if items is None:
            return False
        batch = Batch(items, attempts=1)
        response = self.transport.send(self._packed(batch))
        passed = all(outcome.kind == "delivered" for outcome in self.module.classify(response, len(items)))
        if passed:
            now = self.clock()
            self._done(batch, items, "delivered", "", response.ack, (now, now))
        return passed

    def _rest(self, seconds: float) -> bool:
        """Wait, unless stopped meanwhile; whether to go on."""
        return not (self.halt.wait(seconds) if seconds > 0 else self.halt.is_set())


def _alike(outcomes: Sequence[Outcome]) -> list[tuple[Outcome, list[int]]]:
    """Outcomes with the places of the events that have them."""
    first = outcomes[0]
    if outcomes.count(first) == len(outcomes):
        return [(first, list(range(len(outcomes))))]
    found: dict[Outcome, list[int]] = {}
    for place, outcome in enumerate(outcomes):
        found.setdefault(outcome, []).append(place)
    return list(found.items())


def _some(batch: Batch, places: Sequence[int]) -> Batch:
    """The batch itself where all of it is meant, else a new one of these events."""
    if len(places) == len(batch.items):
        return batch
    return Batch(
        batch.items.chosen(places), batch.tries, batch.attempts, batch.begun, batch.before, sent=batch.sent
    )


def _reason(outcome: Outcome, response: Response) -> str:
    said = outcome.reason or response.error or (f"answered {response.status}" if response.status else "")
    return said[:_LONGEST_REASON]
