"""Messages of telemetry into rows: typed columns, who it was, and what is odd about a row.

Promise: no point, event or span is dropped; what cannot be a number is null and named in `problems`. The rows are
a function of the message and of where it came from, so they can be made again from the archive.
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from warehouse.tables.telemetry.cells import LATEST, moments
from warehouse.tables.telemetry.columns import series_columns, span_columns
from warehouse.tables.telemetry.event_columns import columns_of_columns, columns_of_records
from warehouse.tables.telemetry.schema import OTEL_EVENTS, OTEL_METRIC_POINTS, OTEL_SPANS, POINTS, Table
from warehouse.telemetry import Attributes, Group, Message, Metric, Record, Span

FLUSH_ROWS: Final = 65_536
_SERIES: Final = 50_000  # remembered from batch to batch: those of a few thousand sessions, some 100 MB
# Columns of points that follow from their series alone.
_OF_SERIES: Final = tuple(
    name
    for name in POINTS.names
    if name not in ("time", "start_time", "value", "problems")
    and name not in ("source_file", "source_sha256", "position", "commit_seq", "landed_at")
)


_OF_SERIES_SCHEMA: Final = pa.schema([POINTS.field(name) for name in _OF_SERIES])


class RowMaker:
    """Rows of one file after the other, in batches. `flush` gives what is there, as tables by name."""

    def __init__(self) -> None:
        self.counts = {"points": 0, "events": 0, "spans": 0}
        self._begin_series()
        self._begin()

    def _begin_series(self) -> None:
        """Series come again minute after minute: their columns are made once, and taken from then on."""
        self._series: dict[tuple[Any, ...], int] = {}
        self._new_series: list[tuple[Group, Metric, Attributes]] = []
        self._statics = _OF_SERIES_SCHEMA.empty_table()

    def _begin(self) -> None:
        self._points: tuple[list[int], list[int], list[int], list[Any], list[Any]] = ([], [], [], [], [])
        self._records: list[tuple[Group, Record]] = []
        self._events: list[pa.Table] = []  # made of records so far, in order
        self._waiting_events = 0
        self._spans: list[tuple[Group, Span]] = []

    def add(self, message: Message) -> None:
        for group in message.groups:
            for metric in group.metrics:
                self._add_points(group, metric)
            self._records += [(group, record) for record in group.records]
            self._spans += [(group, span) for span in group.spans]
            self.counts["spans"] += len(group.spans)
        if message.columns is not None:
            self._add_events()
            self._events.append(_table(OTEL_EVENTS, columns_of_columns(message.groups, message.columns)))
        self.counts["events"] += message.events
        self._waiting_events += message.events

    @property
    def waiting(self) -> int:
        return len(self._points[0]) + self._waiting_events + len(self._spans)

    def flush(self) -> dict[str, pa.Table]:
        """The rows so far, without the columns of their origin; they are forgotten here, but for their series."""
        made = {}
        if self._points[0]:
            made[OTEL_METRIC_POINTS.name] = self._points_table()
        self._add_events()
        if self._events:
            made[OTEL_EVENTS.name] = pa.concat_tables(self._events).combine_chunks()
        if self._spans:
            made[OTEL_SPANS.name] = _table(OTEL_SPANS, span_columns(self._spans))
        self._begin()
        return made

    def _add_events(self) -> None:
        if self._records:
            self._events.append(_table(OTEL_EVENTS, columns_of_records(self._records)))
            self._records = []

    def _add_points(self, group: Group, metric: Metric) -> None:
        of_metric = (group.resource.json, group.scope, group.scope_version, *metric[:5])
        known = self._series
        series, times, starts, values, problems = self._points
        odd_metric = _odd_metric(metric)
        for attributes, start, time, value in metric.points:
            key = (*of_metric, attributes.json)
            number = known.get(key)
            if number is None:
                number = known[key] = len(known)
                self._new_series.append((group, metric, attributes))
            series.append(number)
            times.append(time)
            starts.append(start)
            values.append(value)
            odd = odd_metric
            if not 0 < time < LATEST:
                odd = [*odd, "no_time"]
            if value is None:
                odd = odd if metric.kind not in ("sum", "gauge") else [*odd, "no_value"]
            elif value - value != 0:
                odd = [*odd, "not_finite"]
            elif value < 0 and metric.monotonic:
                odd = [*odd, "negative_counter"]
            problems.append(odd or None)
        self.counts["points"] += len(metric.points)

    def _points_table(self) -> pa.Table:
        series, times, starts, values, problems = self._points
        if self._new_series:
            new = pa.table(series_columns(self._new_series), schema=_OF_SERIES_SCHEMA)
            self._statics, self._new_series = pa.concat_tables([self._statics, new]).combine_chunks(), []
        rows = self._statics.take(pa.array(series, pa.int64()))
        if len(self._series) > _SERIES:
            self._begin_series()
        made = {name: rows[name] for name in _OF_SERIES}
        made["time"], made["start_time"] = moments(times), moments(starts)
        made["value"] = pa.array([_finite(one) for one in values], pa.float64())
        made["problems"] = pa.array(problems, POINTS.field("problems").type)
        return _table(OTEL_METRIC_POINTS, made)


def _table(table: Table, columns: dict[str, Any]) -> pa.Table:
    names = _BEFORE_ORIGIN[table.name]
    return pa.table(
        [columns[name] for name in names], schema=pa.schema([table.schema.field(name) for name in names])
    )


_BEFORE_ORIGIN: Final = {
    table.name: [
        name
        for name in table.schema.names
        if name not in ("source_file", "source_sha256", "position", "commit_seq", "landed_at")
    ]
    for table in (OTEL_METRIC_POINTS, OTEL_EVENTS, OTEL_SPANS)
}


def complete(
    table: Table, rows: pa.Table, *, source: str, sha256: str, first: int, seq: int, landed_at: datetime
) -> pa.Table:
    """The rows with where they came from; `first` is the position of the first of them in the commit."""
    count = rows.num_rows
    origin = {
        "source_file": pa.repeat(pa.scalar(source, pa.string()), count),
        "source_sha256": pa.repeat(pa.scalar(sha256, pa.string()), count),
        "position": pa.array(range(first, first + count), pa.int64()),
        "commit_seq": pa.repeat(pa.scalar(seq, pa.int64()), count),
        "landed_at": pa.repeat(pa.scalar(landed_at, table.schema.field("landed_at").type), count),
    }
    columns = [origin[name] if name in origin else rows[name] for name in table.schema.names]
    return pa.table(columns, schema=table.schema)


def by_day(rows: pa.Table, landed_at: datetime) -> Iterator[tuple[date, pa.Table]]:
    """The rows by the UTC day of their time. Those without a time, and those whose time is more than 400 days
    before or 2 days after the landing (a broken clock), stand under the day of the landing."""
    days = rows["time"].cast(pa.timestamp("us")).cast(pa.date32())
    landed = landed_at.astimezone(UTC).date()
    oldest, newest = landed - timedelta(days=400), landed + timedelta(days=2)
    near = pc.and_(pc.greater_equal(days, pa.scalar(oldest)), pc.less_equal(days, pa.scalar(newest)))
    days = pc.if_else(pc.fill_null(near, False), days, pa.scalar(landed, pa.date32()))
    found = sorted(pc.unique(days).to_pylist())
    if len(found) == 1:
        yield found[0], rows
        return
    for day in found:
        yield day, rows.filter(pc.equal(days, pa.scalar(day, pa.date32())))


def _odd_metric(metric: Metric) -> list[str]:
    odd = []
    if metric.kind != "sum":
        odd.append("not_a_sum")
    elif not metric.monotonic:
        odd.append("not_monotonic")
    if metric.kind == "sum" and metric.temporality == "unspecified":
        odd.append("no_temporality")
    return odd


def _finite(value: int | float | None) -> float | None:
    return float(value) if value is not None and value - value == 0 else None
