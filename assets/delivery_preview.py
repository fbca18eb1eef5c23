"""What would go to each destination, and at what daily volume, without sending anything or asking for a secret.

Promise: what is due is counted event by event as a run would select it; bytes are of the frames themselves,
measured on the first of them. Writes nothing.
"""

import threading
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from assets.delivering import Configured, book_of, reader_of, slices_of
from assets.delivery_queue import Queue
from assets.workshop import Workshop
from warehouse.delivery import destinations as modules
from warehouse.delivery.chunk import Chunk
from warehouse.delivery.errors import DeliveryError
from warehouse.delivery.late import LatePolicy
from warehouse.delivery.port import Destination
from warehouse.delivery.positions import Position
from warehouse.delivery.settled import Stopped
from warehouse.delivery.slices import Slice
from warehouse.tables.catalog import connect
from warehouse.wire.times import midnight

_MEASURED = 5_000  # events that are encoded to see how long they are
_DAYS = 7


@dataclass
class Preview:
    """What a run would send now, and what a day brings. bytes: before compression, estimated; `daily_...`: of the
    last seven whole days, by the time of the events, whether they were sent or not."""

    name: str
    slice: str
    selected: int = 0
    late: int = 0
    late_policy: str = "send"
    bytes: int = 0
    types: Counter[str] = field(default_factory=Counter)
    daily_events: float = 0.0
    daily_bytes: float = 0.0
    stopped: Stopped | None = None


def preview(
    workshop: Workshop, names: Sequence[str], *, load: Callable[[str], Destination] = modules.load
) -> list[Preview]:
    """What `deliver` would send to each of these destinations now. Raises what reading the archive raises."""
    archive = workshop.archive
    archive.refresh()
    wanted = [one for one in workshop.destinations if one.name in names]
    slices, refused = slices_of(wanted, workshop)
    made = []
    for one in wanted:
        if one.name in slices:
            try:
                made.append(_of_one(workshop, one, slices[one.name], load(one.type)))
            except DeliveryError as error:
                made.append(Preview(one.name, one.slice, stopped=Stopped(str(error), error.remedy)))
    return made + [Preview(report.name, report.slice, stopped=report.stopped) for report in refused]


def _of_one(workshop: Workshop, one: Configured, slice: Slice, module: Destination) -> Preview:
    lock = threading.Lock()
    book = book_of(workshop.archive, lock, one)
    queue = Queue.since(workshop.archive, book.begun.seq)
    late = LatePolicy.of(module.LIMITS, one.late)
    found = Preview(one.name, one.slice, late_policy=late.policy)
    sizes = _Sizes(module, one)
    now = workshop.clock()
    with reader_of(workshop.archive, slice, lock) as reader:
        reader.check()
        for chunk in reader.chunks(queue, book.begun, book.ahead, book.passed):
            found.selected += len(chunk)
            found.late += len(late.outside(chunk.column("event_time"), now))
            found.types.update(getattr(event, "type", None) or event.title for event in chunk.events)
            sizes.measure(chunk)
        found.bytes = round(sizes.each * found.selected)
        found.daily_events = _a_day(workshop, slice)
        if found.daily_events and not sizes.measured:  # nothing is due: what was sent before tells the size
            for chunk in reader.chunks(Queue.since(workshop.archive, 0), Position(0, 0), (), 0):
                sizes.measure(chunk)
                if sizes.measured:
                    break
    found.daily_bytes = found.daily_events * sizes.each
    return found


class _Sizes:
    """How long the frames of events are, measured on the first of them. each: bytes on average."""

    def __init__(self, module: Destination, one: Configured) -> None:
        self._module, self._one = module, one
        self.measured = self._bytes = 0

    def measure(self, chunk: Chunk) -> None:
        for event in chunk.events[: max(_MEASURED - self.measured, 0)]:
            frame = self._module.encode(event, self._one, None)
            self.measured += 1
            self._bytes += len(frame) if isinstance(frame, bytes) else 0

    @property
    def each(self) -> float:
        return self._bytes / self.measured if self.measured else 0.0


def _a_day(workshop: Workshop, slice: Slice) -> float:
    """Events a day that the slice selected of the last seven whole days."""
    end = midnight(workshop.clock().date())
    start = end - timedelta(days=_DAYS)
    if slice.kind in ("alerts", "rule"):
        wanted, table, moment = "rule_id = ?" if slice.rule else "true", "alert_versions", "last_at"
    else:
        wanted, table, moment = slice.condition or "true", "audit_event_versions", "created_at"
    values = [start, end, *([slice.rule] if slice.rule else [])]
    with connect(workshop.archive) as db:
        query = f"select count(*) from {table} where {moment} >= ? and {moment} < ? and ({wanted})"
        row = db.execute(query, values).fetchone()
    return (row[0] if row else 0) / _DAYS
