"""One destination's run: rows in, frames, batches, outcomes, receipts, entries. Knows neither tables nor the type.

Promise: every selected event is delivered with a receipt, dead with a letter, skipped with a record, or still to
come in the log. An entry is written at least every 60 seconds of work, when the destination stops, and at the end.
"""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import numpy as np
import pyarrow.compute as pc

from warehouse.archive.deliveries import Served
from warehouse.delivery.batches import NOTHING, Batcher, Items, Size, longest
from warehouse.delivery.book import Book
from warehouse.delivery.courier import Counts, Courier, Settled, Stopped
from warehouse.delivery.errors import DeliveryError
from warehouse.delivery.late import LatePolicy
from warehouse.delivery.patience import Patience
from warehouse.delivery.port import Destination, Late, Refused, limits_of
from warehouse.delivery.positions import Position, Progress
from warehouse.wire.times import Clock, parse_rfc3339, system_clock

ENTRY_SECONDS = 30.0  # of work between two entries; the promise is 60, and a slow disk takes its part
ENTRY_EVENTS = 100_000  # receipts kept in memory
_WORTH_AN_ENTRY = 100_000  # rows looked at in vain
_QUIET = timedelta(hours=1)


@dataclass
class Chunk:
    """Selected rows in the order in which they go out, as columns; `scanned`, `passed`: after the last of them.

    times: microseconds since 1970, UTC. events: what `encode` takes; a `Refused` is dead without being sent. seqs,
    rows: None where something is sent again and its place was not looked up.
    """

    ids: Sequence[str]
    versions: Sequence[int]
    seqs: Sequence[int | None]
    rows: Sequence[int | None]
    times: Sequence[int | None]
    events: Sequence[Any]
    scanned: Position
    passed: int


@dataclass
class Target:
    """A destination as configured. checkpoint: the newest signed one as an event, with the size of its log."""

    name: str
    type: str
    slice: str
    module: Destination
    settings: Any
    late: Late | None = None
    batch_events: int | None = None
    batch_bytes: int | None = None
    checkpoint: Callable[[], tuple[int, Any] | None] = lambda: None


@dataclass
class Report:
    """What a run did for one destination. `p95_age`: seconds from event to acknowledgement, None without any.

    While it runs: `settled` events, on record or not yet, and the rows `looked_at` of those it had before it.
    """

    name: str
    slice: str
    selected: int = 0
    delivered: int = 0
    retried: int = 0
    dead: int = 0
    skipped: int = 0
    restamped: int = 0
    bytes: int = 0
    batches: int = 0
    checkpoint: int | None = None
    stopped: Stopped | None = None
    position: Position | None = None
    entries: list[int] = field(default_factory=list)
    p95_age: float | None = None
    seconds: float = 0.0
    settled: int = 0
    looked_at: int = 0


class Run:
    """One destination's run over chunks. `stop` may be called from another thread."""

    def __init__(
        self,
        target: Target,
        book: Book,
        *,
        patience: Patience | None = None,
        clock: Clock = system_clock,
        on_progress: Callable[[Report], None] = lambda _report: None,
    ) -> None:
        self.target, self.book = target, book
        self.report = Report(target.name, target.slice)
        self._patience, self._clock, self._tell = patience or Patience(), clock, on_progress
        module, limits = target.module, limits_of(target.module, target.settings)
        self._size = Size.of(limits, events=target.batch_events, raw=target.batch_bytes)
        self._late = LatePolicy.of(limits, target.late)
        self._group: Callable[[Any], Any] | None = getattr(module, "group", None)
        self._batchers: dict[Any, Batcher] = {}
        self._progress = Progress(book.begun, book.ahead, book.passed)
        self._ages = Ages()
        self._written_at = time.monotonic()
        self._handed_out = 0  # at the last entry
        self._courier: Courier | None = None
        self._stopped: Stopped | None = None
        self._checkpoint: int | None = None  # the size of the one that was sent last
        book.on_receipts = self._ages.add

    def learn(self, before: Mapping[int, int]) -> None:
        """Rows of the table before the first of each entry that the source will read."""
        self._progress.learn(before)

    def stop(self, reason: str) -> None:
        """Send nothing more; what is on its way is awaited and put on record."""
        self._stopped = self._stopped or Stopped(reason, halted=False)
        if self._courier is not None:
            self._courier.stop(self._stopped)

    def go(self, source: Iterable[Chunk]) -> Report:
        """Deliver everything that `source` selects. Raises what the archive and the source raise; what was settled
        by then is on record."""
        began = time.monotonic()
        try:
            self._courier = Courier(
                self.target.module,
                self.target.settings,
                self.target.module.connect(self.target.settings),
                limits_of(self.target.module, self.target.settings),
                self._patience,
                clock=self._clock,
                tick=self._tick,
                probe=self._probe,
                stopped=self._stopped,
            )
        except DeliveryError as error:
            return self._cannot_begin(Stopped(str(error), error.remedy), began)
        except Exception as error:  # settings that a module cannot use, a secret that is not there
            remedy = str(getattr(error, "remedy", "")) or "correct its settings in [[destinations]]"
            return self._cannot_begin(Stopped(str(error), remedy), began)
        try:
            for chunk in source:
                if not self._feed(chunk):
                    break
                self.report.looked_at = chunk.passed - self.book.passed
                self._tick()
            else:
                for batcher in self._batchers.values():
                    for batch in batcher.rest():
                        self._courier.carry(batch)
            self._courier.wait()
        finally:
            self._end(began)
        return self.report

    def _cannot_begin(self, stopped: Stopped, began: float) -> Report:
        self.report.stopped, self.report.position = stopped, self.book.begun
        known = self.book.served
        if known is None or known.halted != str(stopped):  # once: the log is no diary of the same trouble
            self._note(self.book.write(self._progress, [], Counts(), halted=str(stopped)))
        self.report.seconds = time.monotonic() - began
        return self.report

    # from rows to batches

    def _feed(self, chunk: Chunk) -> bool:
        """Encode a chunk and hand its full batches over; False once stopped."""
        assert self._courier is not None
        first = self._progress.hand_out(chunk.seqs, chunk.rows)
        self._progress.scanned(chunk.scanned, chunk.passed)
        if not chunk.ids:
            return self._courier.stopped is None
        frames, notes, unsendable = self._encoded(chunk)
        items = Items(
            range(first, first + len(chunk.ids)),
            chunk.ids,
            chunk.versions,
            chunk.seqs,
            chunk.rows,
            chunk.times,
            frames,
            notes,
        )
        events = chunk.events
        if unsendable:
            self._put_aside(items, unsendable)
            kept = [place for place in range(len(items)) if place not in unsendable]
            items, events = items.chosen(kept), [events[place] for place in kept]
        for batch in self._batched(items, events):
            if not self._courier.carry(batch):
                return False
        return self._courier.stopped is None

    def _encoded(self, chunk: Chunk) -> tuple[list[bytes], list[str | None] | None, dict[int, Settled]]:
        """Frames, what is to be noted of each, and by place those that cannot or shall not be sent."""
        encode, settings = self.target.module.encode, self.target.settings
        aside: dict[int, Settled] = {}
        notes: list[str | None] | None = None
        made: list[Any]
        try:
            made = [encode(event, settings, None) for event in chunk.events]
        except Exception:  # one of them; its neighbours are not to suffer
            made = [self._careful(event, None) for event in chunk.events]
        now = self._clock()
        # by what it would be filed under: an alert's detection, and where a record tells no time, when it was seen
        outside = self._late.outside([event.stamp_us for event in chunk.events], now)
        if outside and self._late.policy == "restamp":
            moment = f"{now:%Y-%m-%dT%H:%M:%S.%fZ}"
            notes = [None] * len(made)
            for place in outside:
                made[place], notes[place] = self._careful(chunk.events[place], moment), "restamped"
        elif outside:
            words = self._late.words()
            for place in outside:
                made[place] = b""
                aside[place] = Settled(NOTHING, "skipped", reason=words)
        if set(map(type, made)) != {bytes}:
            for place, frame in enumerate(made):
                if not isinstance(frame, bytes):
                    aside[place] = Settled(NOTHING, "dead", reason=frame.reason)
                    made[place] = b""
        if longest(made) > self._size.event:
            for place, frame in enumerate(made):
                if len(frame) > self._size.event and place not in aside:
                    reason = f"is {len(frame)} bytes when encoded, and the receiver takes {self._size.event}"
                    aside[place] = Settled(NOTHING, "dead", reason=reason)
                    made[place] = b""
        return made, notes, aside

    def _careful(self, event: Any, restamp: str | None) -> bytes | Refused:
        if isinstance(event, Refused):
            return event
        try:
            return self.target.module.encode(event, self.target.settings, restamp)
        except Exception as error:
            return Refused(reason=f"cannot be encoded ({type(error).__name__})")

    def _put_aside(self, items: Items, unsendable: dict[int, Settled]) -> None:
        """Settle what never goes out; alike ones together."""
        assert self._courier is not None
        alike: dict[tuple[str, str | None], list[int]] = {}
        for place, settled in unsendable.items():
            alike.setdefault((settled.status, settled.reason), []).append(place)
        for (status, reason), places in alike.items():
            self._courier.settle(Settled(items.chosen(places), status, reason=reason))  # type: ignore[arg-type]

    def _batched(self, items: Items, events: Sequence[Any]) -> Iterable[Items]:
        if self._group is None:
            yield from self._batcher(None).add(items)
            return
        groups: dict[Any, list[int]] = {}
        for place, event in enumerate(events):
            groups.setdefault(self._group(event), []).append(place)
        for group, places in groups.items():
            yield from self._batcher(group).add(items.chosen(places))

    def _batcher(self, group: Any) -> Batcher:
        return self._batchers.setdefault(group, Batcher(self._size))

    # the record

    def _tick(self) -> None:
        """Called several times a second: tell how far it is, and put on record what is due to be."""
        assert self._courier is not None
        self.report.settled = self._courier.count
        self._tell(self.report)
        self._write_if_due()

    def _write_if_due(self) -> None:
        enough = self._progress.count - self._handed_out >= ENTRY_EVENTS
        if enough or time.monotonic() - self._written_at >= ENTRY_SECONDS:
            self._write()

    def _write(self, *, last: bool = False) -> None:
        assert self._courier is not None
        settled, counts = self._courier.take()
        for one in settled:
            for start, end in one.items.runs():
                self._progress.settle(start, end)
        told = any(one.items.numbers is None and one.status == "delivered" for one in settled)
        checkpoint = self._checkpoint if told else None
        stopped = self._courier.stopped if last else None
        halted = str(stopped) if stopped else None
        self.book.closing = last and self._progress.all_settled
        if settled or self._worth_an_entry(halted):
            entry = self.book.write(self._progress, settled, counts, checkpoint=checkpoint, halted=halted)
            self._note(entry)
        if self.book.action == "deliver":
            self._progress.forget()
        self._written_at, self._handed_out = time.monotonic(), self._progress.count

    def _worth_an_entry(self, halted: str | None) -> bool:
        """Whether to put on record that rows were looked at, and none of them was selected."""
        served = self.book.served or Served(self.target.type, self.target.slice)
        if (self.book.closing and self.book.closes) or halted != served.halted:
            return True
        if self.book.action != "deliver":
            return False
        position = self._progress.position()
        if tuple(position) == tuple(served.position):
            return False
        passed = self._progress.passed(position) - served.passed
        at = served.at
        return passed >= _WORTH_AN_ENTRY or at is None or self._clock() - parse_rfc3339(at) >= _QUIET

    def _note(self, entry: Any) -> None:
        report = self.report
        if entry is None:
            return
        step = entry.delivery
        for name in ("selected", "delivered", "retried", "dead", "skipped", "restamped", "bytes", "batches"):
            setattr(report, name, getattr(report, name) + step.get(name, 0))
        report.checkpoint = step.get("checkpoint") or report.checkpoint
        report.entries.append(entry.seq)

    def _end(self, began: float) -> None:
        assert self._courier is not None
        courier = self._courier
        try:
            if courier.stopped is None and (self.report.delivered or self._anything_delivered()):
                self._send_checkpoint()
            courier.close()
        finally:
            self._write(last=True)
            self.report.stopped = courier.stopped
            self.report.position = self._progress.position() if self.book.action == "deliver" else self.book.begun
            self.report.p95_age = self._ages.quantile(0.95)
            self.report.seconds = time.monotonic() - began

    def _anything_delivered(self) -> bool:
        assert self._courier is not None
        return any(one.status == "delivered" and one.items.numbers is not None for one in self._courier._settled)

    # the checkpoint that goes along

    def _probe(self) -> Items | None:
        made = self.target.checkpoint()
        if made is None:
            return None
        size, event = made
        frame = self._careful(event, None)
        if not isinstance(frame, bytes):
            return None
        self._checkpoint = size
        moment = int(self._clock().timestamp() * 1e6)
        return Items(None, [event.event_id], [1], [None], [None], [moment], [frame])

    def _send_checkpoint(self) -> None:
        """Tell the receiver where the log stands: a copy that nobody who writes here can change."""
        assert self._courier is not None
        items = self._probe()
        if items is not None:
            self._courier.carry(items)
            self._courier.wait()


class Ages:
    """How old events were when they were acknowledged, counted in steps of 2 %, so that any number fits."""

    def __init__(self) -> None:
        self._bins = np.zeros(1500, np.int64)

    def add(self, receipts: Any) -> None:
        """Take in the receipts of delivered events."""
        delivered = receipts.filter(
            pc.and_(pc.equal(receipts["status"], "delivered"), pc.is_valid(receipts["entry_seq"]))
        )
        ages = delivered["age_seconds"].drop_null().to_numpy()
        if len(ages):
            places = np.clip(np.log(np.maximum(ages, 0.001) / 0.001) / np.log(1.02), 0, 1499).astype(np.int64)
            self._bins += np.bincount(places, minlength=1500)

    def quantile(self, share: float) -> float | None:
        total = int(self._bins.sum())
        if not total:
            return None
        place = int(np.searchsorted(np.cumsum(self._bins), share * total))
        return round(0.001 * 1.02 ** (place + 1), 3)
