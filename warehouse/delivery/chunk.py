"""What the engine is fed, whom it serves, and what it reports: rows in, a destination, figures out."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
import pyarrow as pa

from warehouse.archive.deliveries import Tally
from warehouse.delivery.port import Destination, Late
from warehouse.delivery.positions import Position
from warehouse.delivery.settled import Stopped


@dataclass
class Chunk:
    """Selected rows in the order in which they go out, as columns; `scanned`, `passed`: after the last of them.

    facts: see there. events: what `encode` takes; a `Refused` is dead without being sent.
    """

    facts: Any
    events: Sequence[Any]
    scanned: Position
    passed: int

    def __len__(self) -> int:
        return len(self.events)

    def column(self, name: str) -> list[Any]:
        """One of the facts of each event, as Python has it; moments as microseconds."""
        column = self.facts.column(name)
        found: list[Any] = (column.cast(pa.int64()) if name == "event_time" else column).to_pylist()
        return found


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


class Report(Tally):
    """What a run did for one destination. `p95_age`: seconds from event to acknowledgement, None without any.

    While it runs: `settled` events, on record or not yet, and the rows `looked_at` of those it had before it (of
    what is sent again: the events that were found).
    """

    name: str
    slice: str
    checkpoint: int | None = None
    stopped: Stopped | None = None
    position: Position | None = None
    entries: list[int] = msgspec.field(default_factory=list)
    p95_age: float | None = None
    seconds: float = 0.0
    settled: int = 0
    looked_at: int = 0
