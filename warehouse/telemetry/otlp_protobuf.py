"""OTLP as protobuf: one export request in, a message without content out.

Promise: reads the wire format itself, because the same attributes come again and again and are then not read
again; fields nobody knows are passed over and never kept. An error names a kind of damage, never a value.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from struct import Struct, error
from typing import Final

import numpy as np

from warehouse.telemetry.allow_list import AllowList, Value
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
from warehouse.telemetry.protobuf_values import OtherOrder, any_value, pair_of, pairs_of_resource, run_of_pairs
from warehouse.telemetry.protobuf_wire import Malformed, blob, double, fields, messages, signed, text, unsigned
from warehouse.telemetry.record_columns import ColumnReader
from warehouse.telemetry.record_scan import MOST, OddForm, Places
from warehouse.telemetry.sieve import Judged, Sieve

# Metric's oneof, by field number
_KINDS: Final = {5: "gauge", 7: "sum", 9: "histogram", 10: "exponential_histogram", 11: "summary"}
# Where attributes and exemplars are in points without a number, by kind of metric; a summary has no exemplars
_AT: Final = {"histogram": (9, 8), "exponential_histogram": (1, 11), "summary": (7, 0)}
_TEMPORALITY: Final = {1: "delta", 2: "cumulative"}
_FEWEST: Final = 64  # log records in a request that are worth columns
_fixed64: Final = Struct("<Q").unpack_from
_int64: Final = Struct("<q").unpack_from
_float64: Final = Struct("<d").unpack_from


class ProtobufReader:
    """Reads one request after the other. Not for several threads."""

    def __init__(self, allow: AllowList) -> None:
        self._make = Grouping(allow)
        self._sieve = Sieve(allow)
        self._columns = ColumnReader(self._sieve, self._make)

    def read(self, data: bytes, signal: Signal, where: str) -> list[Message]:
        """The message of a request of one signal. Raises NotTelemetry, naming `where`."""
        removed: Counter[str] = Counter()
        try:
            if signal == "logs" and (message := self._in_columns(data, removed)) is not None:
                return [message]
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

    def _in_columns(self, data: bytes, removed: Counter[str]) -> Message | None:
        """A request of many log records, all of them at once. None for few, and for what is not in the plain form:
        that is read record by record, which takes longer and knows what is wrong."""
        starts, ends, of_group = [], [], []
        groups: list[Group] = []
        gone = Counter[str]()
        for outer in _of(data, 0, len(data), 1):
            resource = NO_ATTRIBUTES
            for one in _of(data, *outer, 1):
                resource = self._resource(data[slice(*one)])
            gone.update(resource.removed)
            for inner in _of(data, *outer, 2):
                scope = b""
                for number, start, end in messages(data, *inner):
                    if number == 1:
                        scope = data[start:end]
                    elif number == 2:
                        starts.append(start)
                        ends.append(end)
                        of_group.append(len(groups))
                groups.append(self._group(resource, scope, gone))
        if not _FEWEST <= len(starts) <= MOST:
            return None
        try:
            columns = self._columns.read(data, *_places(starts, ends, of_group), removed=gone)
        except OddForm:
            return None
        removed.update(gone)
        return Message("logs", groups, removed, columns)

    def _resourced(self, data: bytes, signal: Signal, removed: Counter[str]) -> Iterator[Group]:
        resource, scoped = NO_ATTRIBUTES, []
        for number, _, value in fields(data):
            if number == 1:
                resource = self._resource(blob(value))
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
        return self._group(
            resource,
            scope,
            removed,
            metrics=[self._metric(one, removed) for one in items] if signal == "metrics" else (),
            records=[self._record(one, removed) for one in items] if signal == "logs" else (),
            spans=[self._span(one, removed) for one in items] if signal == "traces" else (),
        )

    def _resource(self, data: bytes) -> Attributes:
        return self._sieve.remembered(data, lambda data: self._judge(pairs_of_resource(data)))

    def _group(
        self,
        resource: Attributes,
        scope: bytes,
        removed: Counter[str],
        *,
        metrics: Sequence[Metric] = (),
        records: Sequence[Record] = (),
        spans: Sequence[Span] = (),
    ) -> Group:
        name = version = ""
        pairs = []
        for number, _, value in fields(scope):
            if number == 1:
                name = text(value)
            elif number == 2:
                version = text(value)
            elif number == 3:
                pairs.append(blob(value))
        self._judged(pairs, removed)
        return self._make.group(
            resource, name, version, removed, metrics=list(metrics), records=list(records), spans=list(spans)
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
            if number == 1 and kind in _AT:
                points.append(self._general_point(blob(value), kind, removed))
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
                return self._general_point(data, "sum", removed)
            pos += 9
        rest = data[pos:]
        if rest:
            try:
                attributes = self._sieve.remembered(rest, self._judge_run)
            except OtherOrder:
                return self._general_point(data, "sum", removed)
            if attributes.removed:
                removed.update(attributes.removed)
        else:
            attributes = NO_ATTRIBUTES
        return Point(attributes, start, time, number)

    def _general_point(self, data: bytes, kind: str, removed: Counter[str]) -> Point:
        """A point of any kind, in whatever order its fields stand. One of a histogram or summary has no value that
        could be summed: when, and of what."""
        attributes_at, exemplars_at = _AT.get(kind, (7, 5))
        start = time = 0
        number: int | float | None = None
        pairs = []
        for field, _, value in fields(data):
            if field == attributes_at:
                pairs.append(blob(value))
            elif field == exemplars_at:
                removed["(exemplar)"] += 1
            elif field == 2:
                start = unsigned(value)
            elif field == 3:
                time = unsigned(value)
            elif kind in _AT:
                continue
            elif field == 4:
                number = double(value)
            elif field == 6:
                number = signed(value)
        return Point(self._judged(pairs, removed), start, time, number)

    def _judged(self, pairs: list[bytes], removed: Counter[str]) -> Attributes:
        """The attributes that stay; the others are counted."""
        attributes = self._sieve.attributes(self._judge(pairs))
        if attributes.removed:
            removed.update(attributes.removed)
        return attributes

    def _judge(self, pairs: list[bytes]) -> list[Judged]:
        judge = self._sieve.judge_encoded
        return [judge(pair, pair_of) for pair in pairs]

    def _judge_run(self, data: bytes) -> list[Judged]:
        return self._judge(run_of_pairs(data))

    def _record(self, data: bytes, removed: Counter[str]) -> Record:
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
                body = any_value(blob(value))
            elif number == 9:
                trace_id = blob(value).hex()
            elif number == 10:
                span_id = blob(value).hex()
            elif number == 12:
                event_name = text(value)
        attributes = self._judged(pairs, removed)
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
        attributes = self._judged(pairs, removed)
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


def _places(starts: list[int], ends: list[int], groups: list[int]) -> tuple[Places, Places, Places]:
    return np.array(starts, np.int64), np.array(ends, np.int64), np.array(groups, np.int64)


def _of(data: bytes, start: int, end: int, wanted: int) -> Iterator[tuple[int, int]]:
    """Where the messages of one number are."""
    return ((begin, stop) for number, begin, stop in messages(data, start, end) if number == wanted)
