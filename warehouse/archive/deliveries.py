"""Entries of the kind `delivery`: how far a destination has been served, and what became of the events.

Promise: a destination's position is kept in the log and nowhere else. An entry moves one destination only;
receipts and dead letters are objects that it names.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Literal

import msgspec
from msgspec import UNSET

from warehouse.archive.entry import Entry, ObjectRef

if TYPE_CHECKING:
    from warehouse.archive.state import LogState

RECEIPTS, DEAD_LETTERS = "receipts/", "dead_letters/"
Place = tuple[int, int]  # a table entry's number, and how many of its rows lie before
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")


class Tally(msgspec.Struct, kw_only=True, omit_defaults=True):
    """Events of a destination by what became of them. retried: sent again; bytes, batches: of all requests."""

    selected: int = 0
    delivered: int = 0
    retried: int = 0
    dead: int = 0
    skipped: int = 0
    restamped: int = 0
    bytes: int = 0
    batches: int = 0

    def add(self, more: Tally) -> None:
        """Count `more` in."""
        for name in Tally.__struct_fields__:
            setattr(self, name, getattr(self, name) + getattr(more, name))


class Step(Tally, kw_only=True, omit_defaults=True):
    """What an entry says under `delivery`.

    action: `deliver` goes on from the position; `replay` sends a window (the entry's) again; `retry` sends dead
    letters again. Neither of the last two moves the position. position: before it every selected event is
    delivered, dead or skipped with a record; `ahead` are spans behind it that are so already. passed: rows before
    the position, over all entries. selected to batches: since the destination's entry before. retried: events that
    were sent again. checkpoint: the size of the log whose checkpoint went along. halted: why the work ended early.
    closes: dead letters that were taken up again, and are done or in a new object.
    """

    action: Literal["deliver", "replay", "retry"] = "deliver"
    destination: str
    type: str
    slice: str
    begun: Place | None = None
    position: Place | None = None
    passed: int | None = None
    ahead: list[tuple[Place, Place]] = []
    mapping_version: str | None = None
    checkpoint: int | None = None
    halted: str | None = None
    closes: list[str] = []


class DeadFile(msgspec.Struct, frozen=True):
    """An object with dead letters that nobody has taken up again."""

    key: str
    version_id: str | None
    sha256: str
    bytes: int
    rows: int


class Served(msgspec.Struct):
    """What is known of a destination. Counts are over all entries; `checkpoint` is the newest that was sent."""

    type: str
    slice: str
    position: Place = (-1, 0)
    passed: int = 0
    ahead: list[tuple[Place, Place]] = []
    selected: int = 0
    delivered: int = 0
    retried: int = 0
    died: int = 0
    skipped: int = 0
    restamped: int = 0
    bytes: int = 0
    batches: int = 0
    receipts: int = 0
    checkpoint: int | None = None
    halted: str | None = None
    at: str | None = None
    seq: int | None = None
    dead: list[DeadFile] = []

    @property
    def dead_letters(self) -> int:
        """Events in the dead letters now."""
        return sum(file.rows for file in self.dead)


def step_of(entry: Entry) -> Step:
    """The step that an entry of this kind records. Raises ValueError when it says nonsense."""
    if entry.delivery is UNSET:
        raise ValueError("it is a delivery entry that says nothing of a delivery")
    step = msgspec.convert(entry.delivery, Step)
    if not _NAME.fullmatch(step.destination):
        raise ValueError("its destination has no name that could be one")
    for place in (step.begun, step.position, *(end for span in step.ahead for end in span)):
        if place is not None and (place[0] < -1 or place[1] < 0):
            raise ValueError(f"{list(place)} is no position in a log")
    return step


def apply_delivery(state: LogState, entry: Entry) -> None:
    """Take one checked entry of this kind in."""
    step = step_of(entry)
    known = dict(state.deliveries or {})
    served = known.get(step.destination) or Served(step.type, step.slice)
    served = msgspec.structs.replace(
        served,
        type=step.type,
        slice=step.slice,
        selected=served.selected + step.selected,
        delivered=served.delivered + step.delivered,
        retried=served.retried + step.retried,
        died=served.died + step.dead,
        skipped=served.skipped + step.skipped,
        restamped=served.restamped + step.restamped,
        bytes=served.bytes + step.bytes,
        batches=served.batches + step.batches,
        receipts=served.receipts + sum(ref.key.startswith(RECEIPTS) for ref in entry.objects),
        checkpoint=step.checkpoint if step.checkpoint is not None else served.checkpoint,
        halted=step.halted,
        at=entry.committed_at,
        seq=entry.seq,
        dead=[file for file in served.dead if file.key not in step.closes]
        + [_dead_file(ref) for ref in entry.objects if ref.key.startswith(DEAD_LETTERS)],
    )
    if step.action == "deliver" and step.position is not None:
        served.position, served.ahead = step.position, step.ahead
        served.passed = step.passed if step.passed is not None else served.passed
    known[step.destination] = served
    state.deliveries = known


def _dead_file(ref: ObjectRef) -> DeadFile:
    return DeadFile(
        ref.key, ref.version_id, ref.sha256, ref.bytes, ref.records if isinstance(ref.records, int) else 0
    )
