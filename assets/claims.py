"""Claim checks: a commit of events puts one into the queue, and a forwarder delivers when one comes out.

Promise: a queue that is down never fails a commit; what it missed is delivered with the next claim or schedule,
because the log says what is due. A message that is no claim of this log's ends in the dead letters and a human is
told.
"""

import logging
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import wait as wait_for
from dataclasses import dataclass, field
from threading import Event, Lock

from assets.delivering import deliver
from assets.workshop import Workshop
from warehouse.archive import keys
from warehouse.archive.archive import Archive
from warehouse.archive.entry import Entry, sha256_hex
from warehouse.archive.errors import KeyMissing
from warehouse.delivery.chunk import Report
from warehouse.delivery.errors import DeliveryError, QueueUnreachable
from warehouse.delivery.queues.port import VERSION, Claim, Message, Queue, read_claim
from warehouse.tables.schema import TABLE

_log = logging.getLogger("ledgerline.claims")
# After a failure the queue is left alone for so long, so that a backfill does not wait for each of its commits.
_REST_SECONDS = 60.0
ANNOUNCED = (TABLE, "alerts")


class Announcer:
    """Puts a claim into the queue for each commit of events or alerts. Called by the archive; never raises.

    open: makes the queue when the first claim is due. Thread-safe.
    """

    def __init__(self, open: Callable[[], Queue], origin: Callable[[], str | None]) -> None:
        self._open, self._origin = open, origin
        self._queue: Queue | None = None
        self._resting_until = 0.0
        self._lock = Lock()

    def __call__(self, entry: Entry) -> None:
        table = _announced(entry)
        with self._lock:
            if table is None or time.monotonic() < self._resting_until:
                return
            try:
                self._queue = self._queue or self._open()
                self._queue.send([claim_of(entry, self._origin() or "", table)])
            except Exception as problem:  # whatever it is, the commit stands and the log has it
                self._resting_until = time.monotonic() + _REST_SECONDS
                said = str(problem) if isinstance(problem, DeliveryError) else type(problem).__name__
                _log.warning("no claim check for entry %d: %s; the log has it all the same", entry.seq, said)

    def close(self) -> None:
        if self._queue is not None:
            self._queue.close()


def claim_of(entry: Entry, origin: str, table: str) -> Claim:
    """The claim check of an entry."""
    return Claim(
        v=VERSION,
        origin=origin,
        seq=entry.seq,
        key=keys.entry(entry.seq),
        sha256=sha256_hex(entry.to_bytes()),
        table=table,
        committed_at=entry.committed_at,
    )


@dataclass
class Forwarded:
    """What one round of the forwarder did. poison: messages that cannot be used, with the reason; dead: those of
    them that are in the dead letters now.
    """

    claims: int = 0
    poison: list[str] = field(default_factory=list)
    dead: int = 0
    reports: list[Report] = field(default_factory=list)


Tell = Callable[[str, str], object]


def forward_once(
    workshop: Workshop,
    queue: Queue,
    tell: Tell,
    *,
    wait_seconds: float = 0.0,
    always: bool = False,
) -> Forwarded:
    """Receive claims, deliver what is due, and take the claims out of the queue once that is settled or recorded.

    always: deliver without a claim too. tell: called with a subject and a text when a message is dead. A
    destination that stopped keeps its position, so its claims are done all the same. Raises QueueUnreachable,
    QueueUnusable, and what `deliver` raises: then the claims come back.
    """
    done, good = _received(workshop, queue, tell, wait_seconds, Lock())
    if good or always:
        done.reports = deliver(workshop)
    queue.done(good)
    return done


def _received(
    workshop: Workshop, queue: Queue, tell: Tell, wait_seconds: float, lock: Lock
) -> tuple[Forwarded, list[Message]]:
    """What the queue held, and those of it that are claims of this log; `lock`: of all who use the archive."""
    done = Forwarded()
    good: list[Message] = []
    messages = queue.receive(wait_seconds)
    if messages:
        with lock:
            workshop.archive.refresh()
    for message in messages:
        try:
            check(workshop.archive, read_claim(message.text))
        except ValueError as reason:
            done.poison.append(str(reason))
            if queue.failed(message):
                done.dead += 1
                tell(
                    f"a message of the {queue.name} queue is in its dead letters",
                    f"message {message.identity}: {reason}. It was received {message.times} times. Nothing of the "
                    "archive is missing because of it. Look at it in the dead-letter queue, and find out who "
                    "sends there.",
                )
        else:
            good.append(message)
    done.claims = len(good)
    return done, good


def follow(
    workshop: Workshop,
    queue: Queue,
    tell: Tell,
    *,
    names: Sequence[str] | None = None,
    stop: Event,
    every_seconds: float = 60.0,
    each: Callable[[Forwarded], None] = lambda _done: None,
) -> None:
    """Forward until `stop` is set: at once when a claim comes, and every `every_seconds` whatever the queue says,
    so that a lost claim or a destination that was down waits no longer than that.

    Each destination has rounds of its own, one after the other: what comes while it is at work is due in its next
    one, and the others do not wait for it. A claim is taken out when it has asked for them: the log keeps what is
    due. A queue that does not answer is asked again; meanwhile the log is. each: told what has ended. Raises
    QueueUnusable and what `deliver` raises, once the other rounds have put on record what they did.
    """
    lock, due = Lock(), time.monotonic()
    wanted = [one.name for one in workshop.destinations if names is None or one.name in names]
    asked: set[str] = set()  # destinations that are to have a round
    rounds: dict[str, Future[list[Report]]] = {}

    def ended() -> list[Report]:
        found = [name for name in wanted if name in rounds and rounds[name].done()]
        return [report for name in found for report in rounds.pop(name).result()]

    with ThreadPoolExecutor(max(1, len(wanted)), thread_name_prefix="rounds") as pool:
        try:
            while not stop.is_set():
                wait = min(5.0, max(0.0, due - time.monotonic()))
                always = wait == 0.0
                done = Forwarded()
                try:
                    done, good = _received(workshop, queue, tell, wait, lock)
                    queue.done(good)
                except QueueUnreachable as problem:
                    _log.warning("%s; the log is asked instead", problem)
                    stop.wait(max(wait, 1.0))
                if always or done.claims:
                    asked.update(wanted)
                    due = time.monotonic() + every_seconds
                done.reports = ended()
                for name in asked - rounds.keys():
                    rounds[name] = pool.submit(deliver, workshop, [name], stop=stop, lock=lock)
                    asked.remove(name)
                each(done)
            wait_for(rounds.values())
            each(Forwarded(reports=ended()))
        finally:
            stop.set()


def check(archive: Archive, claim: Claim) -> None:
    """Raises ValueError, with the reason, for a claim that the archive does not bear out."""
    if claim.origin != archive.state.origin:
        raise ValueError("it is of another log")
    if claim.key != keys.entry(claim.seq):
        raise ValueError("its key is not that of its entry")
    try:
        found = archive.store.get(claim.key)
    except KeyMissing:
        raise ValueError(f"the log has no entry {claim.seq}") from None
    if sha256_hex(found) != claim.sha256:
        raise ValueError(f"entry {claim.seq} has another hash")


def _announced(entry: Entry) -> str | None:
    """The table of a commit that destinations wait for."""
    if entry.kind != "table":
        return None
    tables = {ref.table or entry.table for ref in entry.objects}
    return next((table for table in ANNOUNCED if table in tables), None)
