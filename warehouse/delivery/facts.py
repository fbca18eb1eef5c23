"""What a receipt says of an event by itself: id, version, place in the log, time; as columns, never row by row."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from warehouse.wire import arrays

# event_time: null where the record has none. entry_seq, entry_row: null where something is sent again and its
# place was not looked up, and for what has no place in the log.
FACTS = pa.schema(
    [
        pa.field("event_id", pa.string()),
        pa.field("version", pa.int32()),
        pa.field("entry_seq", pa.int64()),
        pa.field("entry_row", pa.int64()),
        pa.field("event_time", arrays.TIME),
    ]
)


def facts(
    ids: Sequence[str],
    versions: Sequence[int],
    seqs: Sequence[int | None],
    rows: Sequence[int | None],
    times: Sequence[int | None],
) -> pa.RecordBatch:
    """Facts out of Python's values, a column each."""
    columns = [
        arrays.texts(ids),
        *(
            arrays.integers(values, FACTS.field(name).type)
            for name, values in zip(FACTS.names[1:], (versions, seqs, rows, times), strict=True)
        ),
    ]
    return pa.RecordBatch.from_arrays(columns, schema=FACTS)


def facts_of_rows(rows: pa.RecordBatch, seqs: Any = None, places: Any = None) -> pa.RecordBatch:
    """Those of rows of `audit_events`; seqs, places: numpy arrays, or Arrow's, or nothing."""
    absent = pa.nulls(rows.num_rows, pa.int64())
    version = rows.column("version").cast(pa.int32())
    columns = [
        rows.column("id").cast(pa.string()),
        version.fill_null(_ONE) if version.null_count else version,
        *(
            absent if one is None else arrays.numbers(one) if isinstance(one, np.ndarray) else one
            for one in (seqs, places)
        ),
        rows.column("created_at").cast(arrays.TIME),
    ]
    return pa.RecordBatch.from_arrays(columns, schema=FACTS)


_ONE = arrays.integers([1], pa.int32())[0]
NONE = facts([], [], [], [], [])
