"""Receipts and dead letters as Parquet: what was sent when, what the receiver said, and what it would not take.

Promise: every event that was selected is in exactly one receipt of the run that settled it. Columns are only ever
added at the end. What is dead is also in the dead letters, until it is taken up again.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from io import BytesIO

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from warehouse.delivery.batches import Items
from warehouse.delivery.facts import FACTS
from warehouse.delivery.settled import Settled
from warehouse.wire import arrays

_TIME = arrays.TIME
_TEXT = pa.string()
_DEAD = arrays.text("dead")
_MILLION = arrays.numbers(np.array([1e6]))[0]

RECEIPTS = pa.schema(
    [
        pa.field("destination", _TEXT),
        pa.field("batch_id", _TEXT),
        pa.field("event_id", _TEXT),
        pa.field("version", pa.int32()),
        pa.field("status", _TEXT),
        pa.field("attempts", pa.int32()),
        pa.field("event_time", _TIME),
        pa.field("sent_at", _TIME),
        pa.field("acknowledged_at", _TIME),
        pa.field("age_seconds", pa.float64()),
        pa.field("ack", _TEXT),
        pa.field("reason", _TEXT),
        pa.field("late", _TEXT),
        pa.field("action", _TEXT),
        pa.field("mapping_version", _TEXT),
        pa.field("entry_seq", pa.int64()),
        pa.field("entry_row", pa.int64()),
    ]
)
DEAD_LETTERS = pa.schema(
    [
        pa.field("destination", _TEXT),
        pa.field("batch_id", _TEXT),
        pa.field("event_id", _TEXT),
        pa.field("version", pa.int32()),
        pa.field("status", _TEXT),
        pa.field("reason", _TEXT),
        pa.field("first_at", _TIME),
        pa.field("attempts", pa.int32()),
        pa.field("slice", _TEXT),
        pa.field("event_time", _TIME),
        pa.field("entry_seq", pa.int64()),
        pa.field("entry_row", pa.int64()),
    ]
)
_FEW = ["destination", "batch_id", "version", "status", "attempts", "sent_at", "acknowledged_at", "ack", "reason"]
_FEW += ["late", "action", "mapping_version", "entry_seq"]


def receipt_rows(
    settled: Sequence[Settled], *, destination: str, action: str, mapping_version: str | None
) -> pa.Table:
    """One row for each settled event, in the order in which they were settled."""
    counts = [len(one.items) for one in settled]
    count = sum(counts)
    known = pa.Table.from_batches([one.items.facts for one in settled], FACTS)
    sent, acknowledged = (
        _each(counts, [arrays.moment(moment) for moment in moments])
        for moments in ([one.sent_at for one in settled], [one.acknowledged_at for one in settled])
    )
    columns = [
        _same(destination, count),
        _texts(counts, [one.batch_id for one in settled]),
        known["event_id"],
        known["version"],
        _texts(counts, [one.status for one in settled]),
        _each(counts, [arrays.integers([one.attempts], pa.int32())[0] for one in settled]),
        known["event_time"],
        sent,
        acknowledged,
        _seconds(known["event_time"], acknowledged),
        _texts(counts, [one.ack for one in settled]),
        _texts(counts, [one.reason for one in settled]),
        pa.chunked_array([_notes(one.items) for one in settled], _TEXT),
        _same(action, count),
        _same(mapping_version, count),
        known["entry_seq"],
        known["entry_row"],
    ]
    return pa.Table.from_arrays(columns, schema=RECEIPTS)


def dead_rows(
    receipts: pa.Table, *, slice: str, now: datetime, tried: Mapping[tuple[str, int], tuple[datetime, int]]
) -> pa.Table:
    """The dead letters among receipts. `tried`: when an event that was dead before first died, and how often it
    was sent then, by id and version."""
    dead = receipts.filter(pc.equal(receipts["status"], _DEAD))
    names = zip(dead["event_id"].to_pylist(), dead["version"].to_pylist(), strict=True)
    before = [tried.get(name, (now, 0)) for name in names]
    firsts = [first for first, _ in before]
    attempts = [sent + now_ for (_, sent), now_ in zip(before, dead["attempts"].to_pylist(), strict=True)]
    columns = [
        *(dead[name] for name in ("destination", "batch_id", "event_id", "version", "status", "reason")),
        arrays.integers([arrays.micros(first) for first in firsts], _TIME),
        arrays.integers(attempts, pa.int32()),
        _same(slice, dead.num_rows),
        *(dead[name] for name in ("event_time", "entry_seq", "entry_row")),
    ]
    return pa.Table.from_arrays(columns, schema=DEAD_LETTERS)


def to_parquet(rows: pa.Table) -> bytes:
    """The same rows give the same bytes."""
    sink = BytesIO()
    few = [name for name in _FEW if name in rows.schema.names]
    pq.write_table(rows, sink, compression="zstd", compression_level=1, use_dictionary=few)
    return sink.getvalue()


def from_parquet(data: bytes) -> pa.Table:
    """The rows of one object. Read by this thread alone: one of Arrow's own that still holds a Python object when
    the process ends takes it down with code 134, after all work is done."""
    with pq.ParquetFile(pa.BufferReader(data), pre_buffer=False) as file:
        return file.read(use_threads=False)


def _each(counts: Sequence[int], values: Sequence[pa.Scalar]) -> pa.ChunkedArray:
    """A value of the batch, for each of its events."""
    return pa.chunked_array([pa.repeat(value, count) for value, count in zip(values, counts, strict=True)])


def _texts(counts: Sequence[int], values: Sequence[str | None]) -> pa.ChunkedArray:
    return _each(counts, [arrays.text(value) for value in values])


def _notes(items: Items) -> pa.Array:
    return pa.nulls(len(items), _TEXT) if items.notes is None else arrays.texts(items.notes)


def _same(value: str | None, count: int) -> pa.Array:
    return pa.repeat(arrays.text(value), count)


def _seconds(start: pa.ChunkedArray, end: pa.ChunkedArray) -> pa.ChunkedArray:
    """From one moment to another; null where one is not known."""
    return pc.divide(pc.subtract(end, start).cast(pa.int64()).cast(pa.float64()), _MILLION)
