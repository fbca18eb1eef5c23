"""Columns of events out of log records: what it was, what it cost, when, and what makes an event a repeat.

Promise: the same whether the records came one by one or in columns.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from warehouse.tables.telemetry.cells import (
    LATEST,
    TIME,
    Attributed,
    ByColumn,
    ByRow,
    changed,
    filled,
    moments,
    texts,
)
from warehouse.tables.telemetry.columns import Columns, groups_of, hashed, json_texts, shared_columns
from warehouse.tables.telemetry.schema import COUNTS, EVENTS
from warehouse.telemetry import Group, Heads, Record, RecordColumns

_SKEW: Final = 24 * 3600  # seconds between a laptop's clock and the receipt
_CENT_MILLIONTHS: Final = Decimal("0.00000001")
_TEXTS: Final = {
    "request_id": "request_id",
    "client_request_id": "client_request_id",
    "tool_use_id": "tool_use_id",
    "error_type": "error_type",
    "source": "source",
    "prompt_id": "prompt.id",
}
_WHOLE: Final = {
    **{name: name for name in COUNTS},
    "cost_usd_micros": "cost_usd_micros",
    "sequence": "event.sequence",
}


@dataclass(frozen=True)
class _Rows:
    """Records as columns. `attributes` is the column of that name, `otlp` the same as it was sent, both texts."""

    own: Attributed
    groups: Sequence[Group]
    which: NDArray[np.int64]
    time: NDArray[np.uint64]
    observed: NDArray[np.uint64]
    heads: Heads
    attributes: Any
    otlp: Sequence[str] | pa.Array


def columns_of_records(records: Sequence[tuple[Group, Record]]) -> Columns:
    """The columns of events, but for where they came from."""
    values = [record.attributes.values for _, record in records]
    return _columns(
        _Rows(
            ByRow(values),
            *groups_of([group for group, _ in records]),
            np.array([record.time for _, record in records], np.uint64),
            np.array([record.observed for _, record in records], np.uint64),
            Heads(*([getattr(record, name) for _, record in records] for name in Heads._fields)),
            json_texts(values),
            [record.attributes.json.decode() for _, record in records],
        )
    )


def columns_of_columns(groups: Sequence[Group], columns: RecordColumns) -> Columns:
    """The same of records that came in columns."""
    empty = pa.scalar("", pa.string())
    plain = columns.plain.cast(pa.string())
    wrapped = pc.binary_join_element_wise("{", plain, "}", "")
    return _columns(
        _Rows(
            ByColumn(columns.values, len(columns.time)),
            groups,
            columns.group,
            columns.time,
            columns.observed,
            columns.heads,
            pc.if_else(pc.equal(plain, empty), pa.scalar(None, pa.string()), wrapped),
            pc.binary_join_element_wise("[", columns.attributes.cast(pa.string()), "]", ""),
        )
    )


def _columns(rows: _Rows) -> Columns:
    own = rows.own
    columns = shared_columns(own, rows.groups, rows.which)
    columns["attributes"] = rows.attributes
    told = own.column("event.timestamp", TIME)
    columns["wire_time"], columns["observed_time"] = moments(rows.time), moments(rows.observed)
    columns["time"] = pc.coalesce(told, columns["wire_time"], columns["observed_time"])
    columns["problems"] = _problems(columns["time"], rows.observed)
    body = pa.array(rows.heads.body, pa.string())
    columns["event_name"] = pc.coalesce(
        filled(texts(own, "event.name")),
        filled(pa.array(rows.heads.event_name, pa.string())),
        changed(body, lambda one: one.removeprefix("claude_code.") or None),
    )
    columns["severity"] = [one if 0 < one < 1 << 31 else None for one in rows.heads.severity]
    columns["trace_id"], columns["span_id"] = (
        filled(pa.array(one, pa.string())) for one in (rows.heads.trace_id, rows.heads.span_id)
    )
    for column, name in _TEXTS.items():
        columns[column] = texts(own, name)
    for column, name in _WHOLE.items():
        columns[column] = own.column(name, pa.int64())
    columns["success"] = own.column("success", pa.bool_())
    columns["cost_usd"] = _costs(own, columns["cost_usd_micros"])
    columns["dedup_key"] = _event_keys(columns, told, rows)
    return columns


def _problems(at: pa.Array, observed: NDArray[np.uint64]) -> pa.Array:
    absent = np.asarray(at.is_null())
    seconds = np.asarray(at.cast(pa.int64()).fill_null(0)) / 1e6
    seen = (observed > 0) & (observed < LATEST)
    skewed = seen & (np.abs(seconds - observed / 1e9) > _SKEW)
    return _problem_lists().take(pa.array(np.where(absent, 1, np.where(skewed, 2, 0))))


@cache
def _problem_lists() -> pa.Array:
    """None, no time, a skewed clock. Made when first needed: Arrow loads pandas to make an array."""
    return pa.array([None, ["no_time"], ["clock_skew"]], EVENTS.field("problems").type)


def _costs(own: Attributed, micros: pa.Array) -> pa.Array:
    """The cost of a request in USD: exactly, where the client says micro-dollars, else as its text has it."""
    kind = EVENTS.field("cost_usd").type
    exact = pc.multiply(micros.cast(pa.decimal128(19, 0)), pa.scalar(Decimal("0.00000100"))).cast(kind)
    return pc.coalesce(exact, own.column("cost_usd", kind, _cost))


def _cost(told: Any) -> Decimal | None:
    amount = Decimal(repr(told) if isinstance(told, float) else told)
    return amount.quantize(_CENT_MILLIONTHS) if abs(amount) < Decimal(10) ** 20 else None


def _event_keys(columns: Columns, told: pa.Array, rows: _Rows) -> pa.Array:
    """What two records share when one repeats the other (the vendor's ids; else session, sequence, time, name)."""
    name = columns["event_name"]
    request = pc.coalesce(filled(columns["request_id"]), filled(columns["client_request_id"]))
    use = filled(columns["tool_use_id"])
    known = pc.coalesce(
        pc.if_else(pc.equal(name, "api_request"), pc.binary_join_element_wise("api_request ", request, ""), None),
        pc.if_else(pc.starts_with(name, "tool_"), pc.binary_join_element_wise(name, use, " "), None),
    )
    rest = np.flatnonzero(np.asarray(known.is_null()))
    if not len(rest):
        return known
    some = pa.array(rest)
    hashes = [
        _hashed(*one)
        for one in zip(
            *(
                column.take(some).to_pylist()
                for column in (name, columns["session_id"], columns["sequence"], told)
            ),
            rows.time[rest].tolist(),
            pa.array(rows.otlp, pa.string()).take(some).to_pylist(),
            columns["resource"].take(some).to_pylist(),
            strict=True,
        )
    ]
    return pc.replace_with_mask(known, known.is_null(), pa.array(hashes, pa.string()))


def _hashed(
    name: str | None,
    session: str | None,
    sequence: int | None,
    told: Any,
    time: int,
    otlp: str,
    resource: str | None,
) -> str:
    at = told.isoformat() if told is not None else str(time)
    if session and sequence is not None:
        return hashed(session, str(sequence), at, name or "")
    return hashed(name or "", str(time), at, otlp, resource or "")
