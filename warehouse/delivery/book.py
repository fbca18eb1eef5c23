"""One destination's part of the log: objects first (receipts, dead letters), then the entry with its position.

Promise: two processes that serve one destination do not both move its position: the second stops. What an entry
says is stored when it says it.
"""

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal

import msgspec
import pyarrow as pa

from warehouse.archive.archive import Archive
from warehouse.archive.deliveries import DEAD_LETTERS, RECEIPTS, Served, Step
from warehouse.archive.entry import Draft, Entry, ObjectRef, sha256_hex
from warehouse.archive.state import LogState
from warehouse.delivery.errors import PositionMoved
from warehouse.delivery.positions import BEGINNING, Position, Progress, Span
from warehouse.delivery.receipts import dead_rows, receipt_rows, to_parquet
from warehouse.delivery.settled import Counts, Settled

Action = Literal["deliver", "replay", "retry"]


@dataclass
class Book:
    """Writes the entries of one destination in one run. `lock` is shared by all who append to this archive.

    window: of a replay. closes: dead letters that a retry has taken up, `tried`: when each of them first died and
    how often it was sent, by id and version; they stay open until `closing`, when all of them are settled.
    """

    archive: Archive
    lock: threading.Lock
    destination: str
    type: str
    slice: str
    mapping_version: str
    action: Action = "deliver"
    window: list[str] | None = None
    closes: Sequence[str] = ()
    tried: Mapping[tuple[str, int], tuple[datetime, int]] = field(default_factory=dict)
    closing: bool = False
    on_receipts: Callable[[Any], None] = lambda _rows: None
    entries: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.served = self.archive.state.served().get(self.destination)
        self._last = self.begun
        self._dead: list[Any] = []

    @property
    def begun(self) -> Position:
        """Where the destination's last entry left off when this run began."""
        return Position(*self.served.position) if self.served else BEGINNING

    @property
    def ahead(self) -> list[Span]:
        spans = self.served.ahead if self.served else []
        return [(Position(*start), Position(*end)) for start, end in spans]

    @property
    def passed(self) -> int:
        return self.served.passed if self.served else 0

    def write(
        self,
        progress: Progress,
        settled: Sequence[Settled],
        counts: Counts,
        *,
        checkpoint: int | None = None,
        halted: str | None = None,
    ) -> Entry | None:
        """Put on record what was settled since the last entry; the newest position follows from `progress`.

        Raises PositionMoved where another process served this destination meanwhile, and what the archive raises.
        """
        step = Step(
            action=self.action,
            destination=self.destination,
            type=self.type,
            slice=self.slice,
            mapping_version=self.mapping_version,
            retried=counts.retried,
            bytes=counts.bytes,
            batches=counts.batches,
            checkpoint=checkpoint,
            halted=halted,
        )
        for one in settled:
            if one.items.numbers is None:
                continue  # a checkpoint is no selected event
            number = len(one.items)
            step.selected += number
            setattr(step, one.status, getattr(step, one.status) + number)
            step.restamped += sum(note == "restamped" for note in one.items.notes or ())
        if self.action == "deliver":
            position = progress.position()
            step.begun, step.position = (self._last.seq, self._last.row), (position.seq, position.row)
            step.passed = progress.passed(position)
            step.ahead = [((start.seq, start.row), (end.seq, end.row)) for start, end in progress.ahead()]
        if self.closing:
            step.closes = list(self.closes)
        objects = self._stored(settled)
        entry = self._append(step, objects)
        if self.action == "deliver":
            self._last = progress.position()
        return entry

    def _stored(self, settled: Sequence[Settled]) -> list[ObjectRef]:
        now = self.archive.clock()
        objects = []
        if settled:
            rows = self._receipts(settled)
            self.on_receipts(rows)
            objects.append(self._put(RECEIPTS, rows, now))
        # a refused checkpoint is no event that could be sent again: the next run sends a newer one
        dead = [one for one in settled if one.status == "dead" and one.items.numbers is not None]
        if dead:
            self._dead.append(dead_rows(self._receipts(dead), slice=self.slice, now=now, tried=self.tried))
        # what dies again in a retry is in its old letter until that one is closed
        if self.action != "retry" or self.closing:
            letters = pa.concat_tables(self._dead) if self._dead else None
            self._dead = []
            if letters is not None and letters.num_rows:
                objects.append(self._put(DEAD_LETTERS, letters, now))
        return objects

    def _receipts(self, settled: Sequence[Settled]) -> pa.Table:
        return receipt_rows(
            settled, destination=self.destination, action=self.action, mapping_version=self.mapping_version
        )

    def _put(self, prefix: str, rows: Any, now: datetime) -> ObjectRef:
        data = to_parquet(rows)
        at = now.astimezone(UTC)
        name = f"{at:%Y%m%dT%H%M%SZ}-{sha256_hex(data)[:16]}.parquet"
        stored = self.archive.put(f"{prefix}{self.destination}/dt={at:%Y-%m-%d}/{name}", data)
        return msgspec.structs.replace(stored, records=rows.num_rows, dt=f"{at:%Y-%m-%d}")

    def _append(self, step: Step, objects: list[ObjectRef]) -> Entry | None:
        expected = tuple(self._last)

        def build(state: LogState) -> Draft:
            served = state.served().get(self.destination) or Served(self.type, self.slice)
            if self.action == "deliver" and tuple(served.position) != expected:
                raise PositionMoved(
                    f"another process has delivered to {self.destination} meanwhile; what this one sent since its "
                    f"last entry may arrive twice",
                    remedy="let one process at a time deliver to a destination",
                )
            return Draft(kind="delivery", window=self.window, objects=objects, delivery=msgspec.to_builtins(step))

        with self.lock:
            entry = self.archive.append(build)
        if entry is not None:
            self.entries.append(entry.seq)
        return entry
