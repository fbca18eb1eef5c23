"""OTLP as protobuf: one export request in, a message without content out.

Promise: reads the wire format itself, because the same attributes come again and again and are then not read
again; fields nobody knows are passed over and never kept. An error names a kind of damage, never a value.
"""

from collections import Counter
from collections.abc import Iterator
from struct import Struct, error
from typing import Final

from warehouse.telemetry.allow_list import NESTED, AllowList, Value
from warehouse.telemetry.errors import NotTelemetry
from warehouse.telemetry.grouping import Grouping
from warehouse.telemetry.model import (
    NO_ATTRIBUTES,
    Attributes,
    Group,
    Message,
    Metric,
    Point,
    Record,
    Signal,
    Span,
)
from warehouse.telemetry.protobuf_wire import Malformed, blob, double, fields, signed, text, unsigned, varint
from warehouse.telemetry.sieve import Judged, Sieve

# Metric's oneof, by field number
_KINDS: Final = {5: "gauge", 7: "sum", 9: "histogram", 10: "exponential_histogram", 11: "summary"}
# Where a point's attributes and exemplars are, by kind of metric
_ATTRIBUTES: Final = {"histogram": 9, "exponential_histogram": 1, "summary": 7}
_EXEMPLARS: Final = {"histogram": 8, "exponential_histogram": 11}
_TEMPORALITY: Final = {1: "delta", 2: "cumulative"}
_LENGTHS: Final = frozenset({0x32, 0x2A})
_fixed64: Final = Struct("<Q").unpack_from
_int64: Final = Struct("<q").unpack_from
_float64: Final = Struct("<d").unpack_from
_DEEPEST: Final = 8  # arrays within arrays; none of them may enter anyway


class ProtobufReader:
    """Reads one request after the other. Not for several threads."""

    def __init__(self, allow: AllowList) -> None:
        self._make = Grouping(allow)
        self._sieve = Sieve(allow)
        self._bodies: dict[bytes, Value] = {}

    def read(self, data: bytes, signal: Signal, where: str) -> list[Message]:
        """The message of a request of one signal. Raises NotTelemetry, naming `where`."""
        removed: Counter[str] = Counter()
        try:
            groups = [
                group
                for number, _, value in fields(data)
                if number == 1
                for group in self._resourced(blob(value), signal, removed)
            ]
        except Malformed as problem:
            raise NotTelemetry(f"{where} is no OTLP {signal} in protobuf ({problem})") from None
        except (error, IndexError, OverflowError):
            raise NotTelemetry(f"{where} is no OTLP {signal} in protobuf (a field is cut off)") from None
        return [Message(signal, groups, removed)]

    def _resourced(self, data: bytes, signal: Signal, removed: Counter[str]) -> Iterator[Group]:
        resource, scoped = NO_ATTRIBUTES, []
        for number, _, value in fields(data):
            if number == 1:
                resource = self._sieve.remembered(blob(value), lambda data: self._judge(_of_resource(data)))
            elif number == 2:
                scoped.append(blob(value))
        removed.update(resource.removed)
        for part in scoped:
            yield self._scoped(part, signal, resource, removed)

    def _scoped(self, data: bytes, signal: Signal, resource: Attributes, removed: Counter[str]) -> Group:
        scope, items = b"", []
        for number, _, value in fields(data):
            if number == 1:
                scope = blob(value)
            elif number == 2:
                items.append(blob(value))
        name = version = ""
        pairs = []
        for number, _, value in fields(scope):
            if number == 1:
                name = text(value)
            elif number == 2:
                version = text(value)
            elif number == 3:
                pairs.append(blob(value))
        removed.update(self._sieve.attributes(self._judge(pairs)).removed)
        return self._make.group(
            resource,
            name,
            version,
            removed,
            metrics=[self._metric(one, removed) for one in items] if signal == "metrics" else [],
            records=[self._record(one, removed) for one in items] if signal == "logs" else [],
            spans=[self._span(one, removed) for one in items] if signal == "traces" else [],
        )

    def _metric(self, data: bytes, removed: Counter[str]) -> Metric:
        name = unit = ""
        kind, body = "none", b""
        for number, _, value in fields(data):
            if number == 1:
                name = text(value)
            elif number == 3:
                unit = text(value)
            elif number in _KINDS:
                kind, body = _KINDS[number], blob(value)
        points: list[Point] = []
        temporality, monotonic = 0, False
        for number, _, value in fields(body):
            if number == 1 and kind in _ATTRIBUTES:
                points.append(self._other_point(blob(value), kind, removed))
            elif number == 1:
                points.append(self._point(blob(value), removed))
            elif number == 2 and kind != "summary":
                temporality = unsigned(value)
            elif number == 3 and kind == "sum":
                monotonic = bool(unsigned(value))
        told = _TEMPORALITY.get(temporality, "unspecified")
        return self._make.metric(name, unit, kind, told, monotonic, points, removed)

    def _point(self, data: bytes, removed: Counter[str]) -> Point:
        """The one that there are millions of. The common writers put the attributes last, and all of them at once:
        what follows the numbers is looked up whole."""
        pos, end = 0, len(data)
        start = time = 0
        number: int | float | None = None
        while pos < end:
            tag = data[pos]
            if tag == 0x3A:  # attributes
                break
            if tag == 0x11:
                start = _fixed64(data, pos + 1)[0]
            elif tag == 0x19:
                time = _fixed64(data, pos + 1)[0]
            elif tag == 0x21:
                number = _float64(data, pos + 1)[0]
            elif tag == 0x31:
                number = _int64(data, pos + 1)[0]
            else:
                return self._odd_point(data, removed)
            pos += 9
        rest = data[pos:]
        if rest:
            try:
                attributes = self._sieve.remembered(rest, self._judge_run)
            except _OtherOrder:
                return self._odd_point(data, removed)
            if attributes.removed:
                removed.update(attributes.removed)
        else:
            attributes = NO_ATTRIBUTES
        return Point(attributes, start, time, number)

    def _odd_point(self, data: bytes, removed: Counter[str]) -> Point:
        """The same in whatever order its fields stand."""
        start = time = 0
        number: int | float | None = None
        pairs = []
        for field, _, value in fields(data):
            if field == 7:
                pairs.append(blob(value))
            elif field == 2:
                start = unsigned(value)
            elif field == 3:
                time = unsigned(value)
            elif field == 4:
                number = double(value)
            elif field == 6:
                number = signed(value)
            elif field == 5:
                removed["(exemplar)"] += 1
        attributes = self._sieve.attributes(self._judge(pairs))
        removed.update(attributes.removed)
        return Point(attributes, start, time, number)

    def _other_point(self, data: bytes, kind: str, removed: Counter[str]) -> Point:
        """A point of a histogram or summary: when, and of what; it has no value that could be summed."""
        start = time = 0
        pairs = []
        for field, _, value in fields(data):
            if field == _ATTRIBUTES[kind]:
                pairs.append(blob(value))
            elif field == 2:
                start = unsigned(value)
            elif field == 3:
                time = unsigned(value)
            elif field == _EXEMPLARS.get(kind):
                removed["(exemplar)"] += 1
        attributes = self._sieve.attributes(self._judge(pairs))
        removed.update(attributes.removed)
        return Point(attributes, start, time, None)

    def _judge(self, pairs: list[bytes]) -> list[Judged]:
        judge = self._sieve.judge_encoded
        return [judge(pair, _pair) for pair in pairs]

    def _judge_run(self, data: bytes) -> list[Judged]:
        return self._judge(_only_attributes(data))

    def _record(self, data: bytes, removed: Counter[str]) -> Record:
        """The fields that each event has, one byte of tag and at most two of length; else the general way."""
        pos, end = 0, len(data)
        time = observed = severity = 0
        body: Value = ""
        pairs: list[bytes] = []
        while pos < end:
            tag = data[pos]
            if tag in _LENGTHS:  # attribute, body
                size = data[pos + 1]
                pos += 2
                if size > 0x7F:
                    if data[pos] > 0x7F:
                        return self._odd_record(data, removed)
                    size += (data[pos] << 7) - 0x80
                    pos += 1
                if pos + size > end:
                    raise Malformed("a field is longer than what is left")
                part = data[pos : pos + size]
                pos += size
                if tag == 0x32:
                    pairs.append(part)
                else:
                    body = self._body(part)
            elif tag == 0x09:
                time = _fixed64(data, pos + 1)[0]
                pos += 9
            elif tag == 0x59:
                observed = _fixed64(data, pos + 1)[0]
                pos += 9
            elif tag == 0x10 and data[pos + 1] < 0x80:
                severity = data[pos + 1]
                pos += 2
            else:
                return self._odd_record(data, removed)
        attributes = self._sieve.attributes(self._judge(pairs))
        if attributes.removed:
            removed.update(attributes.removed)
        return self._make.record(attributes, time, observed, severity, body, "", "", "", removed)

    def _body(self, data: bytes) -> Value:
        found = self._bodies.get(data, NESTED)
        if found is NESTED:
            found = _any(data)
            if len(data) < 100 and len(self._bodies) < 1000:
                self._bodies[data] = found
        return found

    def _odd_record(self, data: bytes, removed: Counter[str]) -> Record:
        time = observed = severity = 0
        body: Value = ""
        event_name = trace_id = span_id = ""
        pairs = []
        for number, _, value in fields(data):
            if number == 6:
                pairs.append(blob(value))
            elif number == 1:
                time = unsigned(value)
            elif number == 11:
                observed = unsigned(value)
            elif number == 2:
                severity = unsigned(value)
            elif number == 5:
                body = _any(blob(value))
            elif number == 9:
                trace_id = blob(value).hex()
            elif number == 10:
                span_id = blob(value).hex()
            elif number == 12:
                event_name = text(value)
        attributes = self._sieve.attributes(self._judge(pairs))
        if attributes.removed:
            removed.update(attributes.removed)
        return self._make.record(
            attributes, time, observed, severity, body, event_name, trace_id, span_id, removed
        )

    def _span(self, data: bytes, removed: Counter[str]) -> Span:
        numbers = dict.fromkeys((6, 7, 8), 0)
        ids = {1: "", 2: "", 4: ""}
        name, status, told, events, links = "", 0, False, 0, 0
        pairs = []
        for number, _, value in fields(data):
            if number in ids:
                ids[number] = blob(value).hex()
            elif number in numbers:
                numbers[number] = unsigned(value)
            elif number == 5:
                name = text(value)
            elif number == 9:
                pairs.append(blob(value))
            elif number == 11:
                events += 1
            elif number == 13:
                links += 1
            elif number == 15:
                for part, _, inner in fields(blob(value)):
                    if part == 2:
                        told = bool(blob(inner))
                    elif part == 3:
                        status = unsigned(inner)
        attributes = self._sieve.attributes(self._judge(pairs))
        removed.update(attributes.removed)
        return self._make.span(
            attributes,
            name,
            numbers[6],
            numbers[7],
            numbers[8],
            (ids[1], ids[2], ids[4]),
            status,
            removed,
            told=told,
            events=events,
            links=links,
        )


class _OtherOrder(Exception):
    """Something other than attributes stands after the attributes."""


def _only_attributes(data: bytes) -> list[bytes]:
    """The pairs of a run of attributes (field 7), up to the end but for flags."""
    pairs, pos, end = [], 0, len(data)
    while pos < end:
        tag = data[pos]
        if tag == 0x3A:
            size, pos = varint(data, pos + 1)
            if pos + size > end:
                raise Malformed("a field is longer than what is left")
            pairs.append(data[pos : pos + size])
            pos += size
        elif tag == 0x40:  # flags
            _, pos = varint(data, pos + 1)
        else:
            raise _OtherOrder
    return pairs


def _of_resource(data: bytes) -> list[bytes]:
    return [blob(value) for number, _, value in fields(data) if number == 1]


def _pair(data: bytes) -> tuple[str, Value]:
    """Name and value: quickly the common form (name, then one text, integer or double), else the general way."""
    try:
        end = data[1] + 2
        if data[0] == 0x0A and end < 0x80 and data[end] == 0x12 and data[end + 1] + end + 2 == len(data):
            kind, begin = data[end + 2], end + 3
            if kind == 0x0A and data[begin] + begin + 1 == len(data) and data[begin] < 0x80:
                return data[2:end].decode(), data[begin + 1 :].decode()
            if kind == 0x18:
                value, after = varint(data, begin)
                if after == len(data):
                    return data[2:end].decode(), value - (1 << 64) if value >> 63 else value
            if kind == 0x21 and begin + 8 == len(data):
                return data[2:end].decode(), _float64(data, begin)[0]
    except UnicodeDecodeError:
        raise Malformed("a text is no UTF-8") from None
    except IndexError:
        pass
    return _any_pair(data)


def _any_pair(data: bytes) -> tuple[str, Value]:
    name, value = "", NESTED
    for number, _, part in fields(data):
        if number == 1:
            name = text(part)
        elif number == 2:
            value = _any(blob(part))
    return name, value


def _any(data: bytes, depth: int = 0) -> Value:
    """A value; NESTED for lists of pairs, bytes, nothing, and what is nested too deeply to matter."""
    found: Value = NESTED
    for number, _, value in fields(data):
        if number == 1:
            found = text(value)
        elif number == 2:
            found = bool(unsigned(value))
        elif number == 3:
            found = signed(value)
        elif number == 4:
            found = double(value)
        elif number == 5 and depth < _DEEPEST:
            found = [_any(blob(one), depth + 1) for part, _, one in fields(blob(value)) if part == 1]
        else:
            found = NESTED
    return found
