"""One destination's run: rows in, frames, batches, outcomes, receipts, entries. Knows neither tables nor the type.

Promise: every selected event is delivered with a receipt, dead with a letter, skipped with a record, or still to
come in the log. An entry is written at least every 60 seconds of work, when the destination stops, and at the end.
"""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Any

from warehouse.archive.deliveries import Served, step_of
from warehouse.delivery.ages import Ages
from warehouse.delivery.batches import Batcher, Items, Size
from warehouse.delivery.book import Book
from warehouse.delivery.chunk import Chunk, Report, Target
from warehouse.delivery.courier import Courier
from warehouse.delivery.encoding import Aside, Encoding
from warehouse.delivery.errors import DeliveryError
from warehouse.delivery.facts import facts
from warehouse.delivery.frames import Frames
from warehouse.delivery.late import LatePolicy
from warehouse.delivery.patience import Patience
from warehouse.delivery.port import limits_of
from warehouse.delivery.positions import Progress
from warehouse.delivery.sending import Sending
from warehouse.delivery.settled import Counts, Settled, Stopped
from warehouse.wire import arrays
from warehouse.wire.times import Clock, parse_rfc3339, system_clock

ENTRY_SECONDS = 30.0  # of work between two entries; the promise is 60, and a slow disk takes its part
ENTRY_EVENTS = 25_000  # receipts kept in memory
_HELD = 32_000_000  # bytes of frames that wait for their batch to be full, over all groups
_WORTH_AN_ENTRY = 100_000  # rows looked at in vain
_QUIET = timedelta(hours=1)


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
        self._limits = limits
        self._size = Size.of(limits, events=target.batch_events, raw=target.batch_bytes)
        late = LatePolicy.of(limits, target.late)
        self._encoding = Encoding(module, target.settings, late, self._size.event)
        self._group: Callable[[Any], Any] | None = getattr(module, "group", None)
        self._batchers: dict[Any, Batcher] = {}
        self._progress = Progress(book.begun, book.ahead, book.passed)
        self._ages = Ages()
        self._written_at = time.monotonic()
        self._handed_out = 0  # at the last entry
        self._sending: Sending | None = None
        self._courier: Courier | None = None
        self._stopped: Stopped | None = None
        self._checkpoint: int | None = None  # the size of the one that was sent last
        self._all_read = False  # the source has come to its end
        self._broken = False  # an entry could not be written
        book.on_receipts = self._ages.add

    def learn(self, before: Mapping[int, int]) -> None:
        """Rows of the table before the first of each entry that the source will read."""
        self._progress.learn(before)

    def stop(self, reason: str) -> None:
        """Send nothing more; what is on its way is awaited and put on record."""
        self._stopped = self._stopped or Stopped(reason, halted=False)
        if self._sending is not None:
            self._sending.stop(self._stopped)

    def go(self, source: Iterable[Chunk]) -> Report:
        """Deliver everything that `source` selects. Raises what the source raises, with all that was settled by
        then on record; and what the archive raises, with all that was settled since the last entry to be sent
        again."""
        began = time.monotonic()
        module, settings = self.target.module, self.target.settings
        try:
            self._sending = Sending(
                module,
                settings,
                module.connect(settings),
                self._limits,
                self._patience,
                clock=self._clock,
                probe=self._probe,
                stopped=self._stopped,
            )
        except DeliveryError as error:
            return self._cannot_begin(Stopped(str(error), error.remedy), began)
        except Exception as error:  # settings that a module cannot use, a secret that is not there
            remedy = str(getattr(error, "remedy", "")) or "correct its settings in [[destinations]]"
            return self._cannot_begin(Stopped(str(error), remedy), began)
        self._courier = Courier(self._sending, self._tick)
        try:
            for chunk in source:
                if not self._feed(chunk):
                    break
                self._look(chunk)
                self._tick()
            else:
                self._all_read = True
                for batcher in self._batchers.values():
                    for batch in batcher.rest():
                        self._courier.carry(batch)
            self._courier.wait()
        finally:
            self._end(began)
        return self.report

    def _look(self, chunk: Chunk) -> None:
        if self.book.action == "deliver":
            self.report.looked_at = chunk.passed - self.book.passed
        else:  # what is sent again has no place behind the position
            self.report.looked_at += len(chunk)

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
        assert self._sending is not None
        seqs, rows = (arrays.plain(chunk.facts.column(name)) for name in ("entry_seq", "entry_row"))
        first = self._progress.hand_out(seqs, rows)
        self._progress.scanned(chunk.scanned, chunk.passed)
        if not len(chunk):
            return self._sending.stopped is None
        frames, notes, unsendable = self._encoding.frames(chunk.events, self._clock())
        items = Items(range(first, first + len(chunk)), chunk.facts, frames, notes)
        events = chunk.events
        if unsendable:
            self._put_aside(items, unsendable)
            kept = [place for place in range(len(items)) if place not in unsendable]
            items, events = items.chosen(kept), [events[place] for place in kept]
        for batch in self._batched(items, events):
            if not self._courier.carry(batch):
                return False
        return self._sending.stopped is None

    def _put_aside(self, items: Items, unsendable: Aside) -> None:
        """Settle what never goes out; alike ones together."""
        assert self._sending is not None
        alike: dict[tuple[str, str | None], list[int]] = {}
        for place, settled in unsendable.items():
            alike.setdefault((settled.status, settled.reason), []).append(place)
        for (status, reason), places in alike.items():
            self._sending.settle(Settled(items.chosen(places), status, reason=reason))  # type: ignore[arg-type]

    def _batched(self, items: Items, events: Sequence[Any]) -> Iterable[Items]:
        if self._group is None:
            yield from self._batcher(None).add(items)
            return
        groups: dict[Any, list[int]] = {}
        for place, event in enumerate(events):
            groups.setdefault(self._group(event), []).append(place)
        for group, places in groups.items():
            yield from self._batcher(group).add(items.chosen(places))
        # groups that nothing has joined for longest go as they are: memory is not to grow with their number
        while sum(batcher.held for batcher in self._batchers.values()) > _HELD:
            oldest = next(iter(self._batchers))
            yield from self._batchers.pop(oldest).rest()

    def _batcher(self, group: Any) -> Batcher:
        found = self._batchers.pop(group, None) or Batcher(self._size)
        self._batchers[group] = found  # the last to be joined is the last
        return found

    # the record

    def _tick(self) -> None:
        """Called several times a second: tell how far it is, and put on record what is due to be."""
        assert self._sending is not None
        self.report.settled = self._sending.count
        self._tell(self.report)
        self._write_if_due()

    def _write_if_due(self) -> None:
        enough = self._progress.count - self._handed_out >= ENTRY_EVENTS
        if enough or time.monotonic() - self._written_at >= ENTRY_SECONDS:
            self._write()

    def _write(self, *, last: bool = False) -> None:
        assert self._sending is not None
        settled, counts = self._sending.take()
        for one in settled:
            for start, end in one.items.runs():
                self._progress.settle(start, end)
        told = any(one.items.numbers is None and one.status == "delivered" for one in settled)
        checkpoint = self._checkpoint if told else None
        stopped = self._sending.stopped if last else None
        halted = str(stopped) if stopped else None
        self.book.closing = last and self._all_read and self._progress.all_settled
        if settled or self._worth_an_entry(halted):
            try:
                entry = self.book.write(self._progress, settled, counts, checkpoint=checkpoint, halted=halted)
            except BaseException:
                # no later entry may pass over what this one was to say, and it may be in the log all the same
                self._broken = True
                self._sending.stop(Stopped("its record could not be written", halted=False))
                raise
            self._note(entry)
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
        if entry is None:
            return
        step = step_of(entry)
        self.report.add(step)
        self.report.checkpoint = step.checkpoint or self.report.checkpoint
        self.report.entries.append(entry.seq)

    def _end(self, began: float) -> None:
        assert self._courier is not None
        assert self._sending is not None
        try:
            try:
                if self._sending.stopped is None and (self.report.delivered or self._sending.any_delivered()):
                    self._send_checkpoint()
            finally:
                self._courier.close()
        finally:
            if not self._broken:
                self._write(last=True)
                delivering = self.book.action == "deliver"
                self.report.position = self._progress.position() if delivering else self.book.begun
            self.report.stopped = self._sending.stopped
            self.report.p95_age = self._ages.quantile(0.95)
            self.report.seconds = time.monotonic() - began

    # the checkpoint that goes along

    def _probe(self) -> Items | None:
        made = self.target.checkpoint()
        if made is None:
            return None
        size, event = made
        frame = self._encoding.frame(event)
        if not isinstance(frame, bytes):
            return None
        self._checkpoint = size
        moment = int(self._clock().timestamp() * 1e6)
        return Items(None, facts([event.event_id], [1], [None], [None], [moment]), Frames.of([frame]))

    def _send_checkpoint(self) -> None:
        """Tell the receiver where the log stands: a copy that nobody who writes here can change."""
        assert self._courier is not None
        items = self._probe()
        if items is not None:
            self._courier.carry(items)
            self._courier.wait()
