"""Rows of `audit_events` as the sequence of their canonical events, made when somebody first asks for one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import overload

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from warehouse.delivery.mappings.canonical import CanonicalEvent, canonical_events
from warehouse.wire import arrays


class EventRows(Sequence[CanonicalEvent]):
    """Some rows of `audit_events` or `audit_event_versions`, with the columns of `canonical.COLUMNS`."""

    def __init__(self, rows: pa.RecordBatch) -> None:
        self.rows = rows

    def __len__(self) -> int:
        return int(self.rows.num_rows)

    @overload
    def __getitem__(self, place: int) -> CanonicalEvent: ...
    @overload
    def __getitem__(self, place: slice) -> Sequence[CanonicalEvent]: ...
    def __getitem__(self, place: int | slice) -> CanonicalEvent | Sequence[CanonicalEvent]:
        return self._events[place]

    def __iter__(self) -> Iterator[CanonicalEvent]:
        return iter(self._events)

    @cached_property
    def _events(self) -> list[CanonicalEvent]:
        return canonical_events(self.rows)

    def some(self, places: Sequence[int]) -> list[CanonicalEvent]:
        """The canonical events at these places alone."""
        if not len(places):
            return []
        return canonical_events(self.rows.take(arrays.numbers(np.asarray(places, np.int64))))

    @cached_property
    def stamps(self) -> list[int]:
        """`CanonicalEvent.stamp_us` of each."""
        found: list[int] = moments(self.rows).to_pylist()
        return found


def moments(rows: pa.RecordBatch) -> pa.Array:
    """What a destination files each row under: when it happened, else was seen, else 1970; microseconds."""
    created = rows.column("created_at").cast(pa.int64())
    if not created.null_count:
        return created
    either = pc.coalesce(created, rows.column("observed_at").cast(pa.int64()))
    return either.fill_null(arrays.integers([0], pa.int64())[0])
