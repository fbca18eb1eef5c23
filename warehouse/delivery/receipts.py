"""Receipts and dead letters as Parquet: what was sent when, what the receiver said, and what it would not take.

Promise: every event that was selected is in exactly one receipt of the run that settled it. Columns are only ever
added at the end. What is dead is also in the dead letters, until it is taken up again.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from io import BytesIO
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from warehouse.delivery.settled import Settled

_TIME = pa.timestamp("us", "UTC")
_TEXT = pa.string()

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
    times = _column(settled, "times", pa.int64()).cast(_TIME)
    acknowledged = _each(settled, counts, [one.acknowledged_at for one in settled], _TIME)
    age = pc.divide(pc.subtract(acknowledged, times).cast(pa.int64()).cast(pa.float64()), 1e6)
    columns = [
        _same(destination, count),
        _each(settled, counts, [one.batch_id for one in settled], _TEXT),
        _column(settled, "ids", _TEXT),
        _column(settled, "versions", pa.int32()),
        _each(settled, counts, [one.status for one in settled], _TEXT),
        _each(settled, counts, [one.attempts for one in settled], pa.int32()),
        times,
        _each(settled, counts, [one.sent_at for one in settled], _TIME),
        acknowledged,
        age,
        _each(settled, counts, [one.ack for one in settled], _TEXT),
        _each(settled, counts, [one.reason for one in settled], _TEXT),
        _column(settled, "notes", _TEXT),
        _same(action, count),
        _same(mapping_version, count),
        _column(settled, "seqs", pa.int64()),
        _column(settled, "rows", pa.int64()),
    ]
    return pa.Table.from_arrays(columns, schema=RECEIPTS)


def dead_rows(
    receipts: pa.Table, *, slice: str, now: datetime, tried: Mapping[tuple[str, int], tuple[datetime, int]]
) -> pa.Table:
    """The dead letters among receipts. `tried`: when an event that was dead before first died, and how often it
    was sent then, by id and version."""
    dead = receipts.filter(pc.equal(receipts["status"], "dead"))
    names = zip(dead["event_id"].to_pylist(), dead["version"].to_pylist(), strict=True)
    before = [tried.get(name, (now, 0)) for name in names]
    firsts = [first for first, _ in before]
    attempts = [sent + now_ for (_, sent), now_ in zip(before, dead["attempts"].to_pylist(), strict=True)]
    columns = [
        *(dead[name] for name in ("destination", "batch_id", "event_id", "version", "status", "reason")),
        pa.array(firsts, _TIME),
        pa.array(attempts, pa.int32()),
        _same(slice, dead.num_rows),
        *(dead[name] for name in ("event_time", "entry_seq", "entry_row")),
    ]
    return pa.Table.from_arrays(columns, schema=DEAD_LETTERS)


def to_parquet(rows: pa.Table) -> bytes:
    """The same rows give the same bytes."""
    sink = BytesIO()
    few = [name for name in _FEW if name in rows.schema.names]
    pq.write_table(rows, sink, compression="zstd", compression_level=3, use_dictionary=few)
    return sink.getvalue()


def from_parquet(data: bytes) -> pa.Table:
    return pq.read_table(BytesIO(data), partitioning=None)


def _column(settled: Iterable[Settled], name: str, kind: pa.DataType) -> pa.ChunkedArray:
    """A column of the items, batch after batch; null where a batch has none."""
    parts = []
    for one in settled:
        values = getattr(one.items, name)
        parts.append(pa.nulls(len(one.items), kind) if values is None else pa.array(values, kind))
    return pa.chunked_array(parts, kind)


def _each(
    settled: Sequence[Settled], counts: Sequence[int], values: Sequence[Any], kind: pa.DataType
) -> pa.ChunkedArray:
    """A value of the batch, for each of its events."""
    return pa.chunked_array(
        [pa.repeat(pa.scalar(value, kind), count) for value, count in zip(values, counts, strict=True)], kind
    )


def _same(value: Any, count: int) -> pa.Array:
    return pa.repeat(pa.scalar(value, _TEXT), count)
