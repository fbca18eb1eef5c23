"""Columns of telemetry's rows that every table has, and those of points and spans: who it was, when, of what.

Promise: whole columns at a time, each value by its name alone; the same messages give the same columns.
"""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from warehouse.tables.telemetry.cells import Attributed, ByRow, Repeated, changed, filled, moments, texts
from warehouse.tables.telemetry.schema import LABELS, SPELLINGS, WHO
from warehouse.telemetry import Attributes, Group, Metric, Span

Columns = dict[str, Any]

_sorted = msgspec.json.Encoder(order="sorted").encode


def series_columns(series: Sequence[tuple[Group, Metric, Attributes]]) -> Columns:
    """What all points of a series share, a row for each series."""
    values = [attributes.values for _, _, attributes in series]
    columns = shared_columns(ByRow(values), *groups_of([group for group, _, _ in series]))
    columns["attributes"] = attributes = json_texts(values)
    for name in ("metric", "unit", "kind", "temporality", "monotonic"):
        columns[name] = [getattr(metric, "name" if name == "metric" else name) for _, metric, _ in series]
    columns["type"], columns["start_type"] = texts(ByRow(values), "type"), texts(ByRow(values), "start_type")
    counts_tokens = pa.array([metric.name == "claude_code.token.usage" for _, metric, _ in series])
    columns["token_type"] = pc.if_else(counts_tokens, columns["type"], pa.scalar(None, pa.string()))
    columns["series_key"] = [
        hashed(resource or "", group.scope, *metric[:4], own or "")
        for (group, metric, _), own, resource in zip(
            series, attributes, columns["resource"].to_pylist(), strict=True
        )
    ]
    return columns


def span_columns(spans: Sequence[tuple[Group, Span]]) -> Columns:
    """The columns of spans, but for where they came from."""
    values = [span.attributes.values for _, span in spans]
    columns = shared_columns(ByRow(values), *groups_of([group for group, _ in spans]))
    columns["attributes"] = json_texts(values)
    columns["time"], columns["end_time"] = (
        moments([getattr(span, name) for _, span in spans]) for name in ("start", "end")
    )
    columns["span_name"] = [span.name for _, span in spans]
    columns["request_id"] = texts(ByRow(values), "request_id")
    columns["trace_id"] = [span.trace_id or None for _, span in spans]
    columns["span_id"] = [span.span_id or None for _, span in spans]
    columns["parent_span_id"] = [span.parent_id or None for _, span in spans]
    columns["status"] = [span.status if span.status < 1 << 31 else None for _, span in spans]
    columns["problems"] = [["no_time"] if absent else None for absent in columns["time"].is_null().to_pylist()]
    timed = pc.and_(columns["time"].is_valid(), columns["end_time"].is_valid()).to_pylist()
    columns["duration_ms"] = [
        (span.end - span.start) // 1_000_000 if both else None
        for (_, span), both in zip(spans, timed, strict=True)
    ]
    columns["dedup_key"] = [
        f"{span.trace_id} {span.span_id}"
        if span.span_id
        else hashed(span.name, str(span.start), span.attributes.json.decode())
        for _, span in spans
    ]
    return columns


def groups_of(groups: Sequence[Group]) -> tuple[list[Group], NDArray[np.int64]]:
    """The groups of some rows by their resource and scope, each once, and which of them each row is of."""
    places: dict[tuple[int, str], int] = {}
    found: list[Group] = []
    which = []
    for group in groups:
        key = (id(group.resource), group.scope_version)
        if key not in places:
            places[key] = len(found)
            found.append(group)
        which.append(places[key])
    return found, np.array(which, np.int64)


def shared_columns(own: Attributed, groups: Sequence[Group], which: NDArray[np.int64]) -> Columns:
    """Identity and labels, a row's own attributes before those of its resource; `which` group each row is of."""
    of = Repeated([group.resource.values for group in groups], which)
    columns: Columns = {}
    for column, name in WHO.items():
        names = SPELLINGS.get(column, (name,))
        columns[column] = pc.coalesce(*(texts(rows, one) for rows in (own, of) for one in names))
    for column, name in LABELS.items():
        columns[column] = texts(own, name)
    columns["session_id"] = pc.coalesce(filled(texts(own, "session.id")), texts(of, "session.id"))
    columns["user_email"] = changed(columns["user_email"], str.lower)
    columns["user_key"] = pc.coalesce(
        *(filled(columns[name]) for name in ("user_account_id", "user_account_uuid", "user_email")),
        columns["enduser_id"],
    )
    columns["service_version"] = pc.coalesce(filled(texts(of, "service.version")), columns["app_version"])
    told = Repeated([_of_group(group) for group in groups], which)
    columns["scope_version"], columns["resource"] = texts(told, "scope_version"), texts(told, "resource")
    return columns


def _of_group(group: Group) -> Mapping[str, Any]:
    resource = group.resource.values
    return {
        "scope_version": group.scope_version or None,
        "resource": _sorted(resource).decode() if resource else None,
    }


def json_texts(values: Sequence[Mapping[str, Any]]) -> list[str | None]:
    """The column `attributes`: what was kept, sorted by name."""
    return [_sorted(own).decode() if own else None for own in values]


def hashed(*parts: str) -> str:
    """What rows share when one repeats the other."""
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:32]
