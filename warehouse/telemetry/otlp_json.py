"""OTLP as JSON: one export request in, a message without content out.

Promise: reads what exporters write, not only what the protobuf mapping says: integers as texts or numbers, enums
as numbers or names, camelCase and snake_case; members nobody knows are passed over and never kept. An error names
a place, never a value.
"""

import re
from collections import Counter
from typing import Any, Final

import msgspec
from msgspec import Raw, Struct

from warehouse.telemetry.allow_list import NESTED, AllowList, Value
from warehouse.telemetry.errors import NotTelemetry
from warehouse.telemetry.grouping import Grouping
from warehouse.telemetry.model import Attributes, Message, Metric, Point, Record, Signal, Span
from warehouse.telemetry.sieve import Judged, Sieve

_Integer = int | str | float | None
_EMPTY: Final = Raw(b"[]")


class _Any(Struct, rename="camel", gc=False):
    string_value: str | None = None
    bool_value: bool | None = None
    int_value: _Integer = None
    double_value: float | str | None = None
    array_value: "_Values | None" = None


class _Values(Struct):
    values: list[_Any] | None = None


class _Pair(Struct, gc=False):
    key: str = ""
    value: _Any | None = None


class _Attributed(Struct):
    """A resource or a scope."""

    attributes: Raw = _EMPTY
    name: str | None = None
    version: str | None = None


class _Point(Struct, rename="camel", gc=False):
    attributes: Raw = _EMPTY
    start_time_unix_nano: _Integer = None
    time_unix_nano: _Integer = None
    as_double: float | str | None = None
    as_int: _Integer = None
    exemplars: list[Raw] | None = None


class _Data(Struct, rename="camel"):
    data_points: list[_Point] | None = None
    aggregation_temporality: int | str | None = None
    is_monotonic: bool | None = None


class _Metric(Struct, rename="camel"):
    name: str | None = None
    unit: str | None = None
    sum: _Data | None = None
    gauge: _Data | None = None
    histogram: _Data | None = None
    exponential_histogram: _Data | None = None
    summary: _Data | None = None


class _Record(Struct, rename="camel"):
    time_unix_nano: _Integer = None
    observed_time_unix_nano: _Integer = None
    severity_number: int | str | None = None
    body: _Any | None = None
    attributes: list[_Pair] | None = None
    trace_id: str | None = None
    span_id: str | None = None
    event_name: str | None = None


class _Status(Struct):
    code: int | str | None = None
    message: str | None = None


class _Span(Struct, rename="camel"):
    trace_id: str | None = None
    span_id: str | None = None
    parent_span_id: str | None = None
    name: str | None = None
    kind: int | str | None = None
    start_time_unix_nano: _Integer = None
    end_time_unix_nano: _Integer = None
    attributes: list[_Pair] | None = None
    status: _Status | None = None
    events: list[Raw] | None = None
    links: list[Raw] | None = None


class _Scoped(Struct, rename="camel"):
    scope: _Attributed | None = None
    metrics: list[_Metric] | None = None
    log_records: list[_Record] | None = None
    spans: list[_Span] | None = None


class _Resourced(Struct, rename="camel"):
    resource: _Attributed | None = None
    scope_metrics: list[_Scoped] | None = None
    scope_logs: list[_Scoped] | None = None
    scope_spans: list[_Scoped] | None = None


class _Document(Struct, rename="camel"):
    resource_metrics: list[_Resourced] | None = None
    resource_logs: list[_Resourced] | None = None
    resource_spans: list[_Resourced] | None = None


_document = msgspec.json.Decoder(_Document)
_pairs = msgspec.json.Decoder(list[_Pair] | None)

# Members in the spelling of protobuf itself, by that of its JSON mapping.
_SNAKE: Final = {
    name: re.sub(r"_([a-z])", lambda match: match[1].upper(), name)
    for name in """
        resource_metrics resource_logs resource_spans scope_metrics scope_logs scope_spans log_records
        data_points start_time_unix_nano end_time_unix_nano observed_time_unix_nano time_unix_nano as_double
        as_int aggregation_temporality is_monotonic exponential_histogram severity_number trace_id span_id
        parent_span_id event_name string_value bool_value int_value double_value array_value kvlist_value
        bytes_value
    """.split()  # noqa: SIM905 - a list of names reads better as text
}
_SNAKE_KEY: Final = re.compile(rb'"(?:' + "|".join(_SNAKE).encode() + rb')"\s*:')
_SAID_SAFELY: Final = re.compile(
    r"(JSON is malformed: [a-z ,'/-]*\(byte \d+\)|Input data was truncated|Expected `[^`]*`(?:, got `[\w |]*`)?)"
    r"( - at `\$[\w.\[\]]*`)?"
)
_TEMPORALITY: Final = {1: "delta", 2: "cumulative"}
_KINDS: Final = ("sum", "gauge", "histogram", "exponential_histogram", "summary")


class JsonReader:
    """Reads one document after the other. Not for several threads."""

    def __init__(self, allow: AllowList) -> None:
        self._grouping = Grouping(allow)
        self._sieve = Sieve(allow)

    def read(self, text: bytes, where: str) -> list[Message]:
        """The messages of a document, one for each signal in it. Raises NotTelemetry, naming `where`."""
        try:
            document = _document.decode(text)
            if _SNAKE_KEY.search(text):
                document = _document.decode(msgspec.json.encode(_in_camel_case(msgspec.json.decode(text))))
            parts: tuple[tuple[Signal, list[_Resourced] | None], ...] = (
                ("metrics", document.resource_metrics),
                ("logs", document.resource_logs),
                ("traces", document.resource_spans),
            )
            found = [self._message(signal, resourced) for signal, resourced in parts if resourced is not None]
        except (msgspec.MsgspecError, UnicodeError, RecursionError, OverflowError, ValueError) as error:
            raise NotTelemetry(f"{where} is no OTLP JSON ({safe_reason(error)})") from None
        if not found:
            raise NotTelemetry(
                f"{where} is JSON without resourceMetrics, resourceLogs or resourceSpans, so it is no OTLP"
            )
        return found

    def _message(self, signal: Signal, resourced: list[_Resourced]) -> Message:
        removed: Counter[str] = Counter()
        make, groups = self._grouping, []
        for one in resourced:
            resource = self._attributes(one.resource)
            removed.update(resource.removed)
            scoped = {"metrics": one.scope_metrics, "logs": one.scope_logs, "traces": one.scope_spans}[signal]
            for part in scoped or ():
                scope = part.scope or _Attributed()
                removed.update(self._sieve.remembered(bytes(scope.attributes), self._judge_list).removed)
                groups.append(
                    make.group(
                        resource,
                        scope.name or "",
                        scope.version or "",
                        removed,
                        metrics=[self._metric(metric, removed) for metric in part.metrics or ()],
                        records=[self._record(record, removed) for record in part.log_records or ()],
                        spans=[self._span(span, removed) for span in part.spans or ()],
                    )
                )
        return Message(signal, groups, removed)

    def _attributes(self, one: _Attributed | None) -> Attributes:
        return self._sieve.remembered(bytes(one.attributes if one is not None else _EMPTY), self._judge_list)

    def _judge_list(self, encoded: bytes) -> list[Judged]:
        return self._judge(_pairs.decode(encoded))

    def _judge(self, pairs: list[_Pair] | None) -> list[Judged]:
        judge = self._sieve.judge
        return [judge(pair.key, _value(pair.value)) for pair in pairs or ()]

    def _metric(self, metric: _Metric, removed: Counter[str]) -> Metric:
        kind = next((name for name in _KINDS if getattr(metric, name) is not None), "none")
        data: _Data = getattr(metric, kind, None) or _Data()
        points = []
        remembered, judge = self._sieve.remembered, self._judge_list
        for point in data.data_points or ():
            attributes = remembered(bytes(point.attributes), judge)
            if attributes.removed:
                removed.update(attributes.removed)
            if point.exemplars:
                removed["(exemplar)"] += len(point.exemplars)
            value = _double(point.as_double) if point.as_int is None else _integer(point.as_int)
            points.append(
                Point(attributes, _integer(point.start_time_unix_nano), _integer(point.time_unix_nano), value)
            )
        temporality = _enum(data.aggregation_temporality, {"DELTA": 1, "CUMULATIVE": 2})
        return self._grouping.metric(
            metric.name or "",
            metric.unit or "",
            kind,
            _TEMPORALITY.get(temporality, "unspecified"),
            bool(data.is_monotonic),
            points,
            removed,
        )

    def _record(self, record: _Record, removed: Counter[str]) -> Record:
        attributes = self._sieve.attributes(self._judge(record.attributes))
        removed.update(attributes.removed)
        body = _value(record.body) if record.body is not None else ""
        return self._grouping.record(
            attributes,
            _integer(record.time_unix_nano),
            _integer(record.observed_time_unix_nano),
            _enum(record.severity_number, {}),
            body,
            record.event_name or "",
            record.trace_id or "",
            record.span_id or "",
            removed,
        )

    def _span(self, span: _Span, removed: Counter[str]) -> Span:
        attributes = self._sieve.attributes(self._judge(span.attributes))
        removed.update(attributes.removed)
        status = span.status or _Status()
        return self._grouping.span(
            attributes,
            span.name or "",
            _enum(span.kind, {"INTERNAL": 1, "SERVER": 2, "CLIENT": 3, "PRODUCER": 4, "CONSUMER": 5}),
            _integer(span.start_time_unix_nano),
            _integer(span.end_time_unix_nano),
            (span.trace_id or "", span.span_id or "", span.parent_span_id or ""),
            _enum(status.code, {"OK": 1, "ERROR": 2}),
            removed,
            told=bool(status.message),
            events=len(span.events or ()),
            links=len(span.links or ()),
        )


def safe_reason(error: BaseException) -> str:
    """What a decoder says, where it is known to repeat nothing of the text."""
    said = _SAID_SAFELY.fullmatch(str(error))
    if isinstance(error, RecursionError):
        return "it is nested too deeply"
    return said[0] if said else f"a value that cannot be one: {type(error).__name__}"


def _value(value: _Any | None) -> Value:  # noqa: PLR0911 - one for each kind of value
    if value is None:
        return NESTED
    if value.string_value is not None:
        return value.string_value
    if value.int_value is not None:
        try:
            return _integer(value.int_value)
        except ValueError:
            return NESTED
    if value.bool_value is not None:
        return value.bool_value
    if value.double_value is not None:
        try:
            return _double(value.double_value)
        except ValueError:
            return NESTED
    if value.array_value is not None:
        return [_value(one) for one in value.array_value.values or ()]
    return NESTED


def _integer(value: _Integer) -> int:
    """0 where there is none. Raises ValueError for what is no integer of 64 bits."""
    if value is None or value == "":
        return 0
    if type(value) is str and not re.fullmatch(r"[+-]?[0-9]{1,20}", value):
        raise ValueError
    number = int(value)
    if number != value and type(value) is float:
        raise ValueError
    if not -(1 << 63) <= number < 1 << 64:
        raise ValueError
    return number


def _double(value: float | str | None) -> float | None:
    if value is None or type(value) is float:
        return value
    if type(value) is str and not re.fullmatch(r"-?Infinity|NaN|[-+0-9.eE]{1,40}", value):
        raise ValueError
    return float(value)


def _enum(value: int | str | None, names: dict[str, int]) -> int:
    """An enum's number, given as one or by its name; 0 for one that nobody knows."""
    if type(value) is str:
        if value.isascii() and value.isdigit() and len(value) < 4:
            return int(value)
        return next((number for name, number in names.items() if value.upper().endswith(f"_{name}")), 0)
    return value if type(value) is int and 0 <= value < 1 << 31 else 0


def _in_camel_case(node: Any) -> Any:
    if isinstance(node, dict):
        return {_SNAKE.get(name, name): _in_camel_case(value) for name, value in node.items()}
    return [_in_camel_case(one) for one in node] if isinstance(node, list) else node
