"""A message without content as one line of OTLP JSON: what the archive keeps of a telemetry file.

Promise: the same message gives the same bytes; reading a line gives the message it was written from.
"""

from typing import Final

import msgspec

from warehouse.telemetry.model import Group, Message, Metric, Point, Record, Span

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
    groups = b",".join(_group(group, middle, inner) for group in message.groups)
    return b'{"%s":[%s]}\n' % (outer, groups)


def _group(group: Group, middle: bytes, inner: bytes) -> bytes:
    items = (
        [_metric(one) for one in group.metrics]
        + [_record(one) for one in group.records]
        + [_span(one) for one in group.spans]
    )
    return b'{"resource":{"attributes":%s},"%s":[{"scope":{"name":%s,"version":%s},"%s":[%s]}]}' % (
        group.resource.json,
        middle,
        _encode(group.scope),
        _encode(group.scope_version),
        inner,
        b",".join(items),
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


def _record(record: Record) -> bytes:
    told = b""
    if record.severity:
        told += b',"severityNumber":%d' % record.severity
    if record.body:
        told += b',"body":{"stringValue":%s}' % _encode(record.body)
    for name, value in (
        (b"eventName", record.event_name),
        (b"traceId", record.trace_id),
        (b"spanId", record.span_id),
    ):
        if value:
            told += b',"%s":%s' % (name, _encode(value))
    return b'{"timeUnixNano":"%d","observedTimeUnixNano":"%d"%s,"attributes":%s}' % (
        record.time,
        record.observed,
        told,
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
