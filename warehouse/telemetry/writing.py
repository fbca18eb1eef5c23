"""A message without content as one line of OTLP JSON: what the archive keeps of a telemetry file.

Promise: the same message gives the same bytes; reading a line gives the message it was written from.
"""

from collections.abc import Iterable
from typing import Final

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from warehouse.telemetry.model import Group, Message, Metric, Point, Record, RecordColumns, Span

_encode: Final = msgspec.json.Encoder().encode
_NAMES: Final = {
    "metrics": (b"resourceMetrics", b"scopeMetrics", b"metrics"),
    "logs": (b"resourceLogs", b"scopeLogs", b"logRecords"),
    "traces": (b"resourceSpans", b"scopeSpans", b"spans"),
}
_TEMPORALITY: Final = {"delta": b"1", "cumulative": b"2"}
_DATA: Final = {
    "sum": b"sum",
    "gauge": b"gauge",
    "histogram": b"histogram",
    "exponential_histogram": b"exponentialHistogram",
    "summary": b"summary",
}


def write_line(message: Message) -> bytes:
    """The line, with its line break."""
    outer, middle, inner = _NAMES[message.signal]
    written = (
        map(_items, message.groups) if message.columns is None else _by_group(message.columns, message.groups)
    )
    groups = b",".join(
        _group(group, middle, inner, items) for group, items in zip(message.groups, written, strict=True)
    )
    return b'{"%s":[%s]}\n' % (outer, groups)


def joined(texts: pa.Array, bounds: NDArray[np.int64]) -> pa.Array:
    """The texts between each bound and the next, with commas between them."""
    return pc.binary_join(pa.ListArray.from_arrays(pa.array(bounds.astype(np.int32)), texts), b",")


def _by_group(columns: RecordColumns, groups: list[Group]) -> Iterable[bytes]:
    bounds = np.searchsorted(columns.group, np.arange(len(groups) + 1))
    written: list[bytes] = joined(columns.lines, bounds).to_pylist()
    return written


def _items(group: Group) -> bytes:
    return b",".join(
        [
            *(_metric(one) for one in group.metrics),
            *(_record(one) for one in group.records),
            *(_span(one) for one in group.spans),
        ]
    )


def _group(group: Group, middle: bytes, inner: bytes, items: bytes) -> bytes:
    return b'{"resource":{"attributes":%s},"%s":[{"scope":{"name":%s,"version":%s},"%s":[%s]}]}' % (
        group.resource.json,
        middle,
        _encode(group.scope),
        _encode(group.scope_version),
        inner,
        items,
    )


def _metric(metric: Metric) -> bytes:
    head = b'{"name":%s,"unit":%s' % (_encode(metric.name), _encode(metric.unit))
    if metric.kind not in _DATA:
        return head + b"}"
    points = b",".join([_point(point) for point in metric.points])
    rest = b""
    if metric.temporality in _TEMPORALITY:
        rest += b',"aggregationTemporality":' + _TEMPORALITY[metric.temporality]
    if metric.monotonic:
        rest += b',"isMonotonic":true'
    return head + b',"%s":{"dataPoints":[%s]%s}}' % (_DATA[metric.kind], points, rest)


def _point(point: Point) -> bytes:
    attributes, start, time, value = point
    if type(value) is int:
        told = b',"asInt":"%d"' % value
    elif value is None:
        told = b""
    elif value - value == 0:
        told = b',"asDouble":' + _encode(value)
    else:
        told = b',"asDouble":"%s"' % (b"Infinity" if value > 0 else b"-Infinity" if value < 0 else b"NaN")
    return b'{"startTimeUnixNano":"%d","timeUnixNano":"%d"%s,"attributes":%s}' % (
        start,
        time,
        told,
        attributes.json,
    )


def told_of_record(severity: int, event_name: str, body: str, trace_id: str, span_id: str) -> bytes:
    """The members of a record between its times and its attributes."""
    told = b""
    if severity:
        told += b',"severityNumber":%d' % severity
    if body:
        told += b',"body":{"stringValue":%s}' % _encode(body)
    for name, value in ((b"eventName", event_name), (b"traceId", trace_id), (b"spanId", span_id)):
        if value:
            told += b',"%s":%s' % (name, _encode(value))
    return told


def _record(record: Record) -> bytes:
    return b'{"timeUnixNano":"%d","observedTimeUnixNano":"%d"%s,"attributes":%s}' % (
        record.time,
        record.observed,
        told_of_record(record.severity, record.event_name, record.body, record.trace_id, record.span_id),
        record.attributes.json,
    )


def _span(span: Span) -> bytes:
    return (
        b'{"traceId":%s,"spanId":%s,"parentSpanId":%s,"name":%s,"kind":%d,"startTimeUnixNano":"%d",'
        b'"endTimeUnixNano":"%d","attributes":%s,"status":{"code":%d}}'
    ) % (
        _encode(span.trace_id),
        _encode(span.span_id),
        _encode(span.parent_id),
        _encode(span.name),
        span.kind,
        span.start,
        span.end,
        span.attributes.json,
        span.status,
    )
