"""A record of engagement into typed columns. Unknown things are tagged, what cannot be read is null and named.

Promise: nothing is invented and nothing dropped: the record itself stands beside its columns, verbatim.
"""

from datetime import UTC, date
from decimal import ROUND_HALF_EVEN, Context, Decimal
from typing import Any
from urllib.parse import quote

from warehouse.tables.engagement.schema import BY_STREAM, Column, Measure
from warehouse.tables.spend.money import DECIMALS, read_money
from warehouse.tables.versions import Row
from warehouse.wire.records import content_sha256, decode
from warehouse.wire.times import parse_rfc3339

_LARGEST = 2**63 - 1
_LONGEST_NAME = 200
_UNIT = Decimal(1).scaleb(-DECIMALS)
_EXACT = Context(prec=200)
_KNOWN = {
    stream: (
        frozenset(column.path for column in measure.columns),
        tuple(measure.aside),
        frozenset(
            ".".join(parts[:length])
            for column in (*(one.path for one in measure.columns), *measure.aside)
            for parts in [column.split(".")]
            for length in range(1, len(parts))
        ),
    )
    for stream, measure in BY_STREAM.items()
}


def read_row(measure: Measure, record: bytes, asked: date | None, first: date) -> Row:
    """One record as a row. `asked`: the day that was asked for, where the query names it; else the record says its
    own, and `first` (the window's first day) stands for one that cannot be read."""
    strange: list[str] = []
    document = _document(record, strange)
    day = asked or _own_day(document, strange) or first
    values = {column.name: _value(document, column, strange) for column in measure.columns}
    strange += _unlisted(document, measure)
    content = content_sha256(record)
    try:
        raw, raw_bytes = record.decode(), None
    except UnicodeDecodeError:
        raw, raw_bytes = record.decode("utf-8", "replace"), record
        strange.append("(invalid UTF-8)")
    return {
        "day": day,
        **values,
        "record_key": _key(measure, day, values) or f"{day}/(no id) {content}",
        "raw": raw,
        "raw_bytes": raw_bytes,
        "content_sha256": content,
        "unknown_fields": strange or None,
    }


def _document(record: bytes, strange: list[str]) -> dict[str, Any]:
    try:
        document = decode(record)
    except (ValueError, RecursionError):
        strange.append("(not decodable)")
        return {}
    if not isinstance(document, dict):
        strange.append("(not an object)")
        return {}
    return document


def _own_day(document: dict[str, Any], strange: list[str]) -> date | None:
    """`starting_at`; the support guide calls it `starting_date`."""
    value = document.get("starting_at", document.get("starting_date"))
    try:
        if isinstance(value, str):
            whole = f"{value}T00:00:00Z" if len(value) == len("2026-11-20") else value
            return parse_rfc3339(whole).astimezone(UTC).date()
    except ValueError:
        pass
    strange.append("starting_at (unreadable)")
    return None


def _key(measure: Measure, day: date, values: dict[str, Any]) -> str | None:
    """The day and what the record is about; None where its first name is missing."""
    parts = [values[name] for name in measure.key]
    if parts and parts[0] is None:
        return None
    return "/".join([str(day), *("" if part is None else quote(str(part), safe=" @:") for part in parts)])


def _value(document: dict[str, Any], column: Column, strange: list[str]) -> Any:
    value: Any = document
    for name in column.path.split("."):
        value = value.get(name) if isinstance(value, dict) else None
    if value is None:
        return None
    read = {"text": _text, "flag": _flag, "count": _count, "cents": _cents, "rate": _rate}[column.form](value)
    if read is None:
        strange.append(f"{column.path} (unreadable)")
    return read


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def _flag(value: Any) -> bool | None:
    return value if isinstance(value, bool) else None


def _count(value: Any) -> int | None:
    if isinstance(value, bool) or not isinstance(value, int | Decimal) or not -_LARGEST <= value <= _LARGEST:
        return None
    return int(value) if value == int(value) else None


def _cents(value: Any) -> Decimal | None:
    return read_money(value).usd


def _rate(value: Any) -> Decimal | None:
    if isinstance(value, bool) or not isinstance(value, int | Decimal) or not -_LARGEST <= value <= _LARGEST:
        return None
    return Decimal(value).quantize(_UNIT, ROUND_HALF_EVEN, _EXACT)


def _unlisted(document: dict[str, Any], measure: Measure) -> list[str]:
    """Paths that are neither columns nor listed aside; an object that is unknown is named once."""
    leaves, aside, inner = _KNOWN[measure.stream]
    found: list[str] = []

    def look(holder: dict[str, Any], path: str) -> None:
        for name in sorted(holder):
            full, value = f"{path}{name}", holder[name]
            if full in aside or full in leaves:
                continue
            if full in inner and (value is None or isinstance(value, dict)):
                look(value or {}, f"{full}.")
            else:
                found.append(full[:_LONGEST_NAME])

    look(document, "")
    return found
