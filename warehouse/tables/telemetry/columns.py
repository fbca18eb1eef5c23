"""Columns of telemetry's rows out of attributes: who it was, what it cost, when, and what makes a row a repeat.

Promise: whole columns at a time, each value by its name alone; the same messages give the same columns.
"""

import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, Final

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from warehouse.tables.telemetry.schema import COUNTS, EVENTS, LABELS, SPELLINGS, WHO
from warehouse.telemetry import Attributes, Group, Metric, Record, Span

Values = dict[str, Any]
Columns = dict[str, Any]

LATEST: Final = 4_102_444_800_000_000_000  # nanoseconds; what is after 2100 is no time
_SKEW: Final = 24 * 3600  # seconds between a laptop's clock and the receipt
_CENT_MILLIONTHS: Final = Decimal("0.00000001")
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_TIME: Final = pa.timestamp("us", "UTC")
_sorted = msgspec.json.Encoder(order="sorted").encode


def series_columns(series: Sequence[tuple[Group, Metric, Attributes]]) -> Columns:
    """What all points of a series share, a row for each series."""
    values = [attributes.values for _, _, attributes in series]
    groups = [group for group, _, _ in series]
    columns = _shared(values, groups)
    for name in ("metric", "unit", "kind", "temporality", "monotonic"):
        columns[name] = [getattr(metric, "name" if name == "metric" else name) for _, metric, _ in series]
    columns["token_type"] = [
        one.get("type") if metric == "claude_code.token.usage" else None
        for one, metric in zip(values, columns["metric"], strict=True)
    ]
    columns["type"] = [one.get("type") for one in values]
    columns["start_type"] = [one.get("start_type") for one in values]
    columns["series_key"] = [
        _hash(resource or "", group.scope, *metric[:4], attributes or "")
        for (group, metric, _), attributes, resource in zip(
            series, columns["attributes"], columns["resource"], strict=True
        )
    ]
    return columns


def event_columns(records: Sequence[tuple[Group, Record]]) -> Columns:
    """The columns of events, but for where they came from."""
    values = [record.attributes.values for _, record in records]
    columns = _shared(values, [group for group, _ in records])
    told = [one.get("event.timestamp") for one in values]
    wire, observed = [record.time for _, record in records], [record.observed for _, record in records]
    times = [at or _moment(sent) or _moment(seen) for at, sent, seen in zip(told, wire, observed, strict=True)]
    columns["time"] = times
    columns["wire_time"], columns["observed_time"] = moments(wire), moments(observed)
    columns["problems"] = [_odd(at, seen) for at, seen in zip(times, observed, strict=True)]
    columns["event_name"] = names = [
        one.get("event.name") or record.event_name or record.body.removeprefix("claude_code.") or None
        for one, (_, record) in zip(values, records, strict=True)
    ]
    columns["severity"] = [record.severity if 0 < record.severity < 1 << 31 else None for _, record in records]
    columns["trace_id"] = [record.trace_id or None for _, record in records]
    columns["span_id"] = [record.span_id or None for _, record in records]
    for column, name in _OF_EVENTS.items():
        columns[column] = [one.get(name) for one in values]
    columns["cost_usd"] = _costs(values)
    columns["dedup_key"] = [
        _event_key(name, session, one, record, resource)
        for name, session, one, (_, record), resource in zip(
            names, columns["session_id"], values, records, columns["resource"], strict=True
        )
    ]
    return columns


_OF_EVENTS: Final = {
    **{name: name for name in COUNTS},
    "request_id": "request_id",
    "client_request_id": "client_request_id",
    "tool_use_id": "tool_use_id",
    "success": "success",
    "error_type": "error_type",
    "source": "source",
    "cost_usd_micros": "cost_usd_micros",
    "sequence": "event.sequence",
    "prompt_id": "prompt.id",
}


def span_columns(spans: Sequence[tuple[Group, Span]]) -> Columns:
    """The columns of spans, but for where they came from."""
    values = [span.attributes.values for _, span in spans]
    columns = _shared(values, [group for group, _ in spans])
    columns["time"] = [_moment(span.start) for _, span in spans]
    columns["end_time"] = [_moment(span.end) for _, span in spans]
    columns["span_name"] = [span.name for _, span in spans]
    columns["request_id"] = [one.get("request_id") for one in values]
    columns["trace_id"] = [span.trace_id or None for _, span in spans]
    columns["span_id"] = [span.span_id or None for _, span in spans]
    columns["parent_span_id"] = [span.parent_id or None for _, span in spans]
    columns["status"] = [span.status if span.status < 1 << 31 else None for _, span in spans]
    columns["problems"] = [None if at else ["no_time"] for at in columns["time"]]
    columns["duration_ms"] = [
        (span.end - span.start) // 1_000_000 if began and ended else None
        for (_, span), began, ended in zip(spans, columns["time"], columns["end_time"], strict=True)
    ]
    columns["dedup_key"] = [
        f"{span.trace_id} {span.span_id}"
        if span.span_id
        else _hash(span.name, str(span.start), span.attributes.json.decode())
        for _, span in spans
    ]
    return columns


def moments(nanos: Sequence[int]) -> pa.Array:
    """Nanoseconds since 1970 as times; null for what is none."""
    micros = [one // 1000 if 0 < one < LATEST else None for one in nanos]
    return pa.array(micros, pa.int64()).cast(_TIME)


def _shared(values: Sequence[Values], groups: Sequence[Group]) -> Columns:
    """Identity, labels and JSON: a row's own attributes win over those of its resource."""
    shared = [group.resource.values for group in groups]
    both = list(zip(values, shared, strict=True))
    columns: Columns = {}
    for column, name in WHO.items():
        names = SPELLINGS.get(column, (name,))
        if len(names) == 1:
            columns[column] = [own[name] if name in own else of.get(name) for own, of in both]
        else:
            columns[column] = [_either(own, of, names) for own, of in both]
    for column, name in LABELS.items():
        columns[column] = [own.get(name) for own in values]
    columns["session_id"] = [own.get("session.id") or of.get("session.id") for own, of in both]
    columns["user_email"] = [one.lower() if one else None for one in columns["user_email"]]
    columns["user_key"] = [
        account or uuid or email or machine
        for account, uuid, email, machine in zip(
            *(columns[name] for name in ("user_account_id", "user_account_uuid", "user_email", "enduser_id")),
            strict=True,
        )
    ]
    columns["service_version"] = [
        of.get("service.version") or own for of, own in zip(shared, columns["app_version"], strict=True)
    ]
    columns["scope_version"] = [group.scope_version or None for group in groups]
    columns["attributes"] = [_sorted(own).decode() if own else None for own in values]
    told: dict[int, str | None] = {}
    for group in groups:
        if id(group.resource) not in told:
            told[id(group.resource)] = _sorted(group.resource.values).decode() if group.resource.values else None
    columns["resource"] = [told[id(group.resource)] for group in groups]
    return {name: _texts(cells) if name in _MAY_BE_NUMBERS else cells for name, cells in columns.items()}


# Texts by the list may be sent as numbers or true and false.
_MAY_BE_NUMBERS: Final = frozenset({*WHO, *LABELS, "session_id", "user_key", "service_version"})


def _texts(cells: list[Any]) -> list[str | None]:
    return [one if type(one) is str or one is None else str(one) for one in cells]


def _either(own: Values, of: Values, names: Sequence[str]) -> Any:
    for values in (own, of):
        for name in names:
            if name in values:
                return values[name]
    return None


def _moment(nanos: int) -> datetime | None:
    return _EPOCH + timedelta(microseconds=nanos // 1000) if 0 < nanos < LATEST else None


def _odd(at: datetime | None, observed: int) -> list[str] | None:
    if at is None:
        return ["no_time"]
    skewed = 0 < observed < LATEST and abs(at.timestamp() - observed / 1e9) > _SKEW
    return ["clock_skew"] if skewed else None


def _costs(values: Sequence[Values]) -> pa.Array:
    """The cost of a request in USD: exactly, where the client says micro-dollars, else as its text has it."""
    kind = EVENTS.field("cost_usd").type
    micros = pa.array([one.get("cost_usd_micros") for one in values], pa.int64())
    exact = pc.multiply(micros.cast(pa.decimal128(19, 0)), pa.scalar(Decimal("0.00000100"))).cast(kind)
    told = [
        _cost(one["cost_usd"]) if "cost_usd" in one and "cost_usd_micros" not in one else None for one in values
    ]
    return pc.coalesce(exact, pa.array(told, kind))


def _cost(told: Any) -> Decimal | None:
    amount = Decimal(repr(told) if isinstance(told, float) else told)
    return amount.quantize(_CENT_MILLIONTHS) if abs(amount) < Decimal(10) ** 20 else None


def _event_key(name: str | None, session: str | None, values: Values, record: Record, resource: str | None) -> str:
    """What two records share when one repeats the other (the vendor's ids; else session, sequence, time, name)."""
    name = name or ""
    if name == "api_request" and (request := values.get("request_id") or values.get("client_request_id")):
        return f"api_request {request}"
    if name.startswith("tool_") and (use := values.get("tool_use_id")):
        return f"{name} {use}"
    told = values.get("event.timestamp")
    at = told.isoformat() if told is not None else str(record.time)
    if session and (sequence := values.get("event.sequence")) is not None:
        return _hash(session, str(sequence), at, name)
    return _hash(name, str(record.time), at, record.attributes.json.decode(), resource or "")


def _hash(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:32]
