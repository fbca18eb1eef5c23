"""Rows of `audit_events` for these tests, made by the archive's own parser from verbatim records."""

import json
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa

from warehouse.tables.activities import Parser
from warehouse.tables.schema import AUDIT_EVENTS
from warehouse.taxonomy import EventType, load

OBSERVED = datetime(2026, 11, 23, 1, 5, tzinfo=UTC)
ACTOR = {
    "type": "user_actor",
    "email_address": "ana@example.com",
    "user_id": "user_01Ana",
    "ip_address": "203.0.113.7",
    "user_agent": "Mozilla/5.0 (Macintosh)",
}


def record(type: Any = "claude_chat_viewed", /, **fields: Any) -> dict[str, Any]:
    """A record as the feed serves it; `fields` replace or add top-level fields."""
    return {
        "id": "activity_01ABC",
        "created_at": "2026-11-23T01:02:03.456789Z",
        "organization_id": "org_01",
        "organization_uuid": "91012d09-e48b-438e-a489-1bebfd8fa6f9",
        "actor": ACTOR,
        "type": type,
        **fields,
    }


def rows(*records: dict[str, Any] | bytes, version: int = 1, fold: str = "first") -> pa.Table:
    """The rows that the archive would hold of these records."""
    served = [one if type(one) is bytes else json.dumps(one, separators=(",", ":")).encode() for one in records]
    batch = Parser(load()).parse(served, 1)
    count = len(served)
    table = batch.columns
    for name, values in {
        "observed_at": [OBSERVED] * count,
        "commit_seq": [7] * count,
        "page": [1] * count,
        "position": list(range(count)),
        "version": [version] * count,
        "fold": [fold] * count,
        "content_sha256": batch.content,
        "unknown_event": [bool(unlisted) for unlisted in batch.unknown],
        "unknown_fields": batch.unknown_fields,
    }.items():
        table = table.append_column(name, pa.array(values, AUDIT_EVENTS.field(name).type))
    return table.cast(AUDIT_EVENTS)


def every_type() -> list[dict[str, Any]]:
    """A record of each listed type, with a value in each of its declared fields."""
    return [record(known.type, id=f"activity_{known.type}", **_values(known)) for known in load().types.values()]


def _values(known: EventType) -> dict[str, Any]:
    return {field.name: _value(field.name, field.declared, field.values) for field in known.fields}


def _value(name: str, declared: str, values: frozenset[str] | None) -> Any:
    if values:
        return min(values)
    if name.endswith("_email"):
        return f"{name}@example.com"
    if name in ("principal_type", "target_type"):
        return "user"
    made: dict[str, Any] = {
        "array of string": [f"{name} 1"],
        "array": [],
        "object": {},
        "map": {},
        "number": 200,
        "boolean": True,
    }
    return next((value for word, value in made.items() if word in declared), f"{name} of example.com")
