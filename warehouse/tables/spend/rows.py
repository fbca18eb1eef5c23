"""Records of usage and cost into typed columns, with everything strange kept and named.

Promise: each record becomes one row whatever is in it; a value that does not fit its column is null there, whole
in `raw`, and named in `unknown_fields`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from hashlib import sha256
from typing import Any

from warehouse.tables.spend import known
from warehouse.tables.spend.legacy import as_current
from warehouse.tables.spend.money import ABSENT, Money, read_money
from warehouse.tables.spend.schema import TOKENS, Report
from warehouse.wire.records import canonical, content_sha256, decode
from warehouse.wire.times import parse_rfc3339
from warehouse.wire.windows import Window

_LARGEST = 2**63 - 1
_LONGEST_NAME = 200
_ROW_FIELDS = {figures: known.ROW_FIELDS | {figures} for figures in ("cost", "usage")}
_NOBODY: dict[str, Any] = dict.fromkeys(
    ("actor_type", "actor_id", "actor_email", "actor_name", "actor_deleted"), None
)


@dataclass
class Row:
    """One record. `values` are its own columns by name; money and counts are repeated as they are added up."""

    day: date
    values: dict[str, Any]
    content: str
    amount: Money = ABSENT
    list_amount: Money = ABSENT
    strange: list[str] = field(default_factory=list)
    outside: bool = False
    unknown_actor: str | None = None


def read_rows(report: Report, window: Window, records: Sequence[bytes], page: int) -> list[Row]:
    """The rows of one page (counted from 1), in page order.

    A record without a readable day of the window lies under the window's first day and says so.
    """
    rows = []
    for position, record in enumerate(records):
        strange: list[str] = []
        document = _decoded(record, strange)
        shapes = as_current(document, strange, report.figures) if report.legacy else [document]
        for number, shape in enumerate(shapes):
            row = _read(report, window, record, shape, list(strange))
            row.values |= {"page": page, "position": position}
            if number:  # of one bucket's results each is a row of its own
                row.content = row.values["content_sha256"] = sha256(f"{row.content}/{number}".encode()).hexdigest()
            rows.append(row)
    return rows


def _read(report: Report, window: Window, record: bytes, document: dict[str, Any], strange: list[str]) -> Row:
    starting_at = _moment(document, "starting_at", strange)
    ending_at = _moment(document, "ending_at", strange)
    outside = starting_at is None or not window.contains(starting_at)
    if starting_at is not None and outside:
        strange.append("starting_at (outside the window)")
    row = Row(
        day=window.start.date() if starting_at is None or outside else starting_at.date(),
        values={},
        content=content_sha256(record),
        strange=strange,
        outside=outside,
    )
    raw, raw_bytes = _text_of(record, strange)
    row.values.update(
        day=row.day,
        starting_at=starting_at,
        ending_at=ending_at,
        raw=raw,
        raw_bytes=raw_bytes,
        content_sha256=row.content,
    )
    _read_group(row, document)
    costs = report.figures == "cost"
    measured = _object(document, report.figures, strange)
    strange += _unlisted(document, _ROW_FIELDS[report.figures])
    fields = known.COST_FIELDS if costs else known.USAGE_FIELDS
    strange += [f"{report.figures}.{name}" for name in _unlisted(measured, fields)]
    if costs:
        _read_cost(row, measured)
    else:
        _read_usage(row, measured)
    return row


def _decoded(record: bytes, strange: list[str]) -> dict[str, Any]:
    try:
        document = decode(record)
    except UnicodeDecodeError:
        strange.append("(invalid UTF-8)")
        document = _repaired(record, strange)
    except (ValueError, RecursionError):
        document = _repaired(record, strange)
    if not isinstance(document, dict):
        strange.append("(not an object)")
        return {}
    return document


def _repaired(record: bytes, strange: list[str]) -> Any:
    try:
        return decode(record.decode("utf-8", "replace").encode())
    except (ValueError, RecursionError):
        strange.append("(not decodable)")
        return {}


def _text_of(record: bytes, strange: list[str]) -> tuple[str, bytes | None]:
    try:
        return record.decode(), None
    except UnicodeDecodeError:
        if "(invalid UTF-8)" not in strange:
            strange.append("(invalid UTF-8)")
        return record.decode("utf-8", "replace"), record


def _read_group(row: Row, document: dict[str, Any]) -> None:
    strange = row.strange
    group = _object(document, "group", strange)
    strange += [f"group.{name}" for name in _unlisted(group, known.GROUP_FIELDS)]
    for name in ("organization_id", "product", "model", "context_window"):
        row.values[name] = _text(group, name, strange)
    for name in ("cost_type", "token_type"):
        # in `group` as documented; beside the figures in the older shape
        row.values[name] = _text(group if name in group else document, name, strange)
    for name, values in known.VALUES.items():
        value = row.values[name]
        if value is not None and value not in values and value not in known.OLD_PRODUCTS:
            strange.append(f"{name}={value}"[:_LONGEST_NAME])
    actor = group.get("actor")
    if actor is not None and not isinstance(actor, dict):
        strange.append("group.actor (not an object)")
        actor = None
    _read_actor(row, actor)
    identity = {name: value for name, value in group.items() if name != "actor" and value is not None}
    if actor is not None:
        identity["actor"] = {name: value for name, value in actor.items() if name not in known.ACTOR_CHANGES}
    bounds = [document.get("starting_at"), document.get("ending_at")]
    row.values["row_key"] = sha256(canonical([bounds, identity])).hexdigest()


def _read_actor(row: Row, actor: dict[str, Any] | None) -> None:
    found = dict(_NOBODY)
    if actor is not None:
        kind = _text(actor, "type", row.strange)
        found["actor_type"] = kind
        fields = known.ACTOR_FIELDS.get(kind or "")
        if fields is None:
            row.unknown_actor = f"actor {kind}"[:_LONGEST_NAME]
            row.strange.append(f"actor.type={kind}"[:_LONGEST_NAME])
        else:
            row.strange += [f"actor.{name}" for name in _unlisted(actor, fields)]
            found["actor_id"] = _text(actor, known.ACTOR_ID[kind or ""], row.strange)
        found["actor_email"] = _text(actor, "email_address", row.strange) or _text(actor, "email", row.strange)
        found["actor_name"] = _text(actor, "name", row.strange)
        deleted = actor.get("deleted")
        found["actor_deleted"] = deleted if isinstance(deleted, bool) else None
    row.values.update(found)


def _read_cost(row: Row, cost: dict[str, Any]) -> None:
    row.amount = _money(cost, "amount", row)
    row.list_amount = _money(cost, "list_amount", row)
    currency = _text(cost, "currency", row.strange)
    if currency != known.CURRENCY:
        row.strange.append(f"currency={currency}"[:_LONGEST_NAME])
    row.values["currency"] = currency
    row.values["requests"] = _count(cost, "requests", row.strange)


def _money(cost: dict[str, Any], name: str, row: Row) -> Money:
    money = read_money(cost.get(name))
    if money is ABSENT:
        row.strange.append(f"{name} (missing)")
    elif money.problem is not None:
        row.strange.append(f"{name} ({money.problem})")
    row.values[name] = money.usd
    row.values[f"{name}_text"] = money.text
    return money


def _read_usage(row: Row, usage: dict[str, Any]) -> None:
    strange = row.strange
    cache = _object(usage, "cache_creation", strange)
    tools = _object(usage, "server_tool_use", strange)
    strange += [f"usage.cache_creation.{name}" for name in _unlisted(cache, known.CACHE_FIELDS)]
    strange += [f"usage.server_tool_use.{name}" for name in _unlisted(tools, known.TOOL_FIELDS)]
    places = {
        "cache_creation_5m_input_tokens": (cache, "ephemeral_5m_input_tokens"),
        "cache_creation_1h_input_tokens": (cache, "ephemeral_1h_input_tokens"),
        "web_search_requests": (tools, "web_search_requests"),
    }
    for column in TOKENS:
        home, name = places.get(column, (usage, column))
        row.values[column] = _count(home, name, strange)


def _object(holder: dict[str, Any], name: str, strange: list[str]) -> dict[str, Any]:
    value = holder.get(name)
    if isinstance(value, dict):
        return value
    strange.append(f"{name} ({'missing' if value is None else 'not an object'})")
    return {}


def _text(holder: dict[str, Any], name: str, strange: list[str]) -> str | None:
    value = holder.get(name)
    if value is None or isinstance(value, str):
        return value
    strange.append(f"{name} (not text)")
    return None


def _count(holder: dict[str, Any], name: str, strange: list[str]) -> int | None:
    value = holder.get(name)
    if value is None:
        return None
    if isinstance(value, Decimal) and value.is_finite() and value == value.to_integral_value():
        value = int(value) if abs(value) <= _LARGEST else None
    if not isinstance(value, int) or isinstance(value, bool) or abs(value) > _LARGEST:
        strange.append(f"{name} (no whole number)")
        return None
    return value


def _moment(document: dict[str, Any], name: str, strange: list[str]) -> datetime | None:
    value = document.get(name)
    try:
        if isinstance(value, str):
            return parse_rfc3339(value)
    except ValueError:
        pass
    strange.append(f"{name} (unreadable)")
    return None


def _unlisted(holder: dict[str, Any], names: frozenset[str]) -> list[str]:
    if holder.keys() <= names:
        return []
    return [str(name)[:_LONGEST_NAME] for name in sorted(holder) if name not in names]
