"""Messages of telemetry into rows: typed columns, who it was, and what is odd about a row.

Promise: no point, event or span is dropped; what cannot be a number is null and named in `problems`. The rows are
a function of the message and of where it came from, so they can be made again from the archive.
"""

import hashlib
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any, Final

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from warehouse.tables.telemetry.schema import (
    COUNTS,
    LABELS,
    OTEL_EVENTS,
    OTEL_METRIC_POINTS,
    OTEL_SPANS,
    POINTS,
    SPELLINGS,
    WHO,
    Table,
)
from warehouse.telemetry import Attributes, Group, Message, Metric, Record, Span
from warehouse.wire.times import parse_rfc3339

Values = dict[str, Any]

FLUSH_ROWS: Final = 65_536
_LATEST: Final = 4_102_444_800_000_000  # microseconds; what is after 2100 is no time
_SKEW: Final = 24 * 3_600_000_000  # microseconds between a laptop's clock and the receipt
_MICROS: Final = Decimal(1_000_000)
_CENT_MILLIONTHS: Final = Decimal("0.00000001")
_sorted = msgspec.json.Encoder(order="sorted").encode
# Columns of points that follow from their series alone.
_OF_SERIES: Final = tuple(
    name
    for name in POINTS.names
    if name not in ("time", "start_time", "value", "problems")
    and name not in ("source_file", "source_sha256", "position", "commit_seq", "landed_at")
)


class RowMaker:
    """Rows of one file after the other, in batches. `flush` gives what is there, as tables by name."""

    def __init__(self) -> None:
        self._series: dict[tuple[Any, ...], int] = {}
        self._series_rows: list[Values] = []
        self._points: dict[str, list[Any]] = {
            name: [] for name in ("series", "time", "start_time", "value", "problems")
        }
        self._events: dict[str, list[Any]] = {name: [] for name in _BEFORE_ORIGIN[OTEL_EVENTS.name]}
        self._spans: dict[str, list[Any]] = {name: [] for name in _BEFORE_ORIGIN[OTEL_SPANS.name]}
        self.counts = {"points": 0, "events": 0, "spans": 0}

    def add(self, message: Message) -> None:
        for group in message.groups:
            for metric in group.metrics:
                self._add_points(group, metric)
            for record in group.records:
                self._add_event(group, record)
            for span in group.spans:
                self._add_span(group, span)

    @property
    def waiting(self) -> int:
        return len(self._points["series"]) + len(self._events["time"]) + len(self._spans["time"])

    def flush(self) -> dict[str, pa.Table]:
        """The rows so far, without the columns of their origin; they are forgotten here."""
        made = {}
        if self._points["series"]:
            made[OTEL_METRIC_POINTS.name] = self._points_table()
        for table, columns in ((OTEL_EVENTS, self._events), (OTEL_SPANS, self._spans)):
            if columns["time"]:
                schema = pa.schema([table.schema.field(name) for name in columns])
                made[table.name] = pa.table(columns, schema=schema)
        counts = self.counts
        self.__init__()  # type: ignore[misc]
        self.counts = counts
        return made

    # points

    def _add_points(self, group: Group, metric: Metric) -> None:
        of_metric = (group.resource.json, group.scope, group.scope_version, *metric[:5])
        known, columns = self._series, self._points
        series, times, starts = columns["series"], columns["time"], columns["start_time"]
        values, problems = columns["value"], columns["problems"]
        odd_metric = _odd_metric(metric)
        for attributes, start, time, value in metric.points:
            key = (*of_metric, attributes.json)
            number = known.get(key)
            if number is None:
                number = known[key] = len(self._series_rows)
                self._series_rows.append(_series_row(group, metric, attributes))
            series.append(number)
            micros = time // 1000
            starts.append(start // 1000 if 0 < start // 1000 < _LATEST else None)
            odd = odd_metric
            if not 0 < micros < _LATEST:
                micros, odd = None, [*odd, "no_time"]  # type: ignore[assignment]
            times.append(micros)
            if value is None:
                odd = odd if metric.kind not in ("sum", "gauge") else [*odd, "no_value"]
            elif value - value != 0:
                odd = [*odd, "not_finite"]
            elif value < 0 and metric.monotonic:
                odd = [*odd, "negative_counter"]
            values.append(value)
            problems.append(odd or None)
        self.counts["points"] += len(metric.points)

    def _points_table(self) -> pa.Table:
        columns = self._points
        per_series = {name: [row[name] for row in self._series_rows] for name in _OF_SERIES}
        statics = pa.table(per_series, schema=pa.schema([POINTS.field(name) for name in _OF_SERIES]))
        rows = statics.take(pa.array(columns["series"], pa.int64()))
        made = {name: rows[name] for name in _OF_SERIES}
        made["time"] = _micros(columns["time"])
        made["start_time"] = _micros(columns["start_time"])
        made["value"] = pa.array([_finite(one) for one in columns["value"]], pa.float64())
        made["problems"] = pa.array(columns["problems"], POINTS.field("problems").type)
        names = _BEFORE_ORIGIN[OTEL_METRIC_POINTS.name]
        return pa.table([made[name] for name in names], schema=pa.schema([POINTS.field(name) for name in names]))

    # events

    def _add_event(self, group: Group, record: Record) -> None:
        values = record.attributes.values
        name = values.get("event.name") or record.event_name or record.body.removeprefix("claude_code.") or None
        odd: list[str] = []
        wire, observed = _wire_time(record.time), _wire_time(record.observed)
        told = values.get("event.timestamp")
        time = parse_rfc3339(told) if told is not None else wire or observed
        if time is None:
            odd.append("no_time")
        elif observed is not None and abs(_microseconds(time) - _microseconds(observed)) > _SKEW:
            odd.append("clock_skew")
        row = {
            **_who(group, record.attributes),
            "time": time,
            "event_name": name,
            "observed_time": observed,
            "wire_time": wire,
            "attributes": _json(values),
            "resource": _json(group.resource.values),
            "severity": record.severity or None,
            "trace_id": record.trace_id or None,
            "span_id": record.span_id or None,
            "sequence": values.get("event.sequence"),
            "prompt_id": values.get("prompt.id"),
            "source": values.get("source"),
            "cost_usd_micros": values.get("cost_usd_micros"),
            "cost_usd": _cost(values),
            "problems": odd or None,
        }
        for column in ("request_id", "client_request_id", "tool_use_id", "success", "error_type", *COUNTS):
            row[column] = values.get(column)
        row["dedup_key"] = _event_key(row, told, record)
        for column, cells in self._events.items():
            cells.append(row[column])
        self.counts["events"] += 1

    # spans

    def _add_span(self, group: Group, span: Span) -> None:
        values = span.attributes.values
        start, end = _wire_time(span.start), _wire_time(span.end)
        row = {
            **_who(group, span.attributes),
            "time": start,
            "end_time": end,
            "span_name": span.name,
            "request_id": values.get("request_id"),
            "attributes": _json(values),
            "resource": _json(group.resource.values),
            "trace_id": span.trace_id or None,
            "span_id": span.span_id or None,
            "parent_span_id": span.parent_id or None,
            "duration_ms": (span.end - span.start) // 1_000_000 if start and end else None,
            "status": span.status,
            "dedup_key": f"{span.trace_id} {span.span_id}"
            if span.span_id
            else _hash(span.name, str(span.start), span.attributes.json.decode()),
            "problems": None if start else ["no_time"],
        }
        for column, cells in self._spans.items():
            cells.append(row[column])
        self.counts["spans"] += 1


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
    for day in sorted(pc.unique(days).to_pylist()):
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


def _series_row(group: Group, metric: Metric, attributes: Attributes) -> Values:
    values = attributes.values
    own, resource = _json(values), _json(group.resource.values)
    key = _hash(resource or "", group.scope, metric.name, metric.unit, metric.kind, metric.temporality, own or "")
    return {
        **_who(group, attributes),
        "metric": metric.name,
        "unit": metric.unit,
        "temporality": metric.temporality,
        "kind": metric.kind,
        "monotonic": metric.monotonic,
        "token_type": values.get("type") if metric.name == "claude_code.token.usage" else None,
        "type": values.get("type"),
        "start_type": values.get("start_type"),
        "attributes": own,
        "resource": resource,
        "series_key": key,
    }


def _who(group: Group, attributes: Attributes) -> Values:
    """Identity and labels: the row's own attributes win over those of its resource."""
    own, shared = attributes.values, group.resource.values
    row: Values = {column: _either(own, shared, SPELLINGS.get(column, (name,))) for column, name in WHO.items()}
    row |= {column: own.get(name) for column, name in LABELS.items()}
    row["session_id"] = own.get("session.id") or shared.get("session.id")
    row["user_email"] = row["user_email"].lower() if row["user_email"] else None
    row["user_key"] = row["user_account_id"] or row["user_account_uuid"] or row["user_email"] or row["enduser_id"]
    row["service_version"] = shared.get("service.version") or row["app_version"]
    row["scope_version"] = group.scope_version or None
    return row


def _either(own: Values, shared: Values, names: tuple[str, ...]) -> str | None:
    for values in (own, shared):
        for name in names:
            if (found := values.get(name)) is not None:
                return str(found)
    return None


def _json(values: Values) -> str | None:
    return _sorted(values).decode() if values else None


def _cost(values: Values) -> Decimal | None:
    """The cost of a request in USD: exactly, where the client says micro-dollars."""
    micros = values.get("cost_usd_micros")
    if micros is not None:
        return (Decimal(micros) / _MICROS).quantize(_CENT_MILLIONTHS)
    told = values.get("cost_usd")
    if told is None:
        return None
    amount = Decimal(repr(told) if isinstance(told, float) else told)
    return amount.quantize(_CENT_MILLIONTHS) if abs(amount) < Decimal(10) ** 20 else None


def _event_key(row: Values, told: str | None, record: Record) -> str:
    """What two records share when one repeats the other (reference: dedupe rules of the log events)."""
    name = row["event_name"] or ""
    if name == "api_request" and (request := row["request_id"] or row["client_request_id"]):
        return f"api_request {request}"
    if name.startswith("tool_") and row["tool_use_id"]:
        return f"{name} {row['tool_use_id']}"
    if row["session_id"] and row["sequence"] is not None:
        return _hash(row["session_id"], str(row["sequence"]), told or str(record.time), name)
    return _hash(name, str(record.time), told or "", record.attributes.json.decode(), row["resource"] or "")


def _hash(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:32]


def _wire_time(nanos: int) -> datetime | None:
    micros = nanos // 1000
    return _EPOCH + timedelta(microseconds=micros) if 0 < micros < _LATEST else None


_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def _microseconds(moment: datetime) -> int:
    return (moment - _EPOCH) // timedelta(microseconds=1)


def _finite(value: int | float | None) -> float | None:
    return float(value) if value is not None and value - value == 0 else None


def _micros(values: list[int | None]) -> pa.Array:
    return pa.array(values, pa.int64()).cast(pa.timestamp("us", "UTC"))
