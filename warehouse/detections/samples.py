"""The sample events of a rule as records of the feed, so that a rule is tried on what it will read.

Promise: a sample goes through the same parser as a served page. What a sample leaves out is filled in: an id, a
time one minute after the record before, and somebody at example.com. `repeat` with `every` makes many of one;
`after` moves its time; `{n}` in a text becomes the number of the record. A record with `source: spend` (directory,
feed) is a row of that log source as it stands; in a rule of one log source every record is of that one.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pyarrow as pa

from warehouse.detections.computed import COMPUTED
from warehouse.detections.rule import Rule
from warehouse.detections.shape import seconds
from warehouse.tables.activities import Parser
from warehouse.tables.schema import AUDIT_EVENTS
from warehouse.taxonomy import load

FIRST = datetime(2026, 11, 2, 10, 0, tzinfo=UTC)
_ACTOR = {
    "type": "user_actor",
    "user_id": "user_01SampleAnna",
    "email_address": "anna@example.com",
    "ip_address": "192.0.2.10",
    "user_agent": "Mozilla/5.0",
}
# what a sample says of a record beside the record's own fields
OURS = ("repeat", "every", "after", "actor", "fold", "version", "source")
_STEPS = ("repeat", "every", "after", "source")

Sample = Iterable[Mapping[str, Any]]


def _dated(sample: Sample) -> Iterator[tuple[int, datetime, Mapping[str, Any]]]:
    """Each record of a sample with its number and its time."""
    number, now = 0, FIRST
    for written in sample:
        now += timedelta(seconds=seconds(written["after"])) if "after" in written else timedelta()
        for _ in range(int(written.get("repeat", 1))):
            number += 1
            yield number, now, written
            now += timedelta(seconds=seconds(written.get("every", "1m")))


def records(sample: Sample) -> list[dict[str, Any]]:
    """The audit records of one sample, each a dict as the vendor would serve it, in order of time."""
    return [_record(*one) for one in _dated(sample) if one[2].get("source", "audit") == "audit"]


def _record(number: int, now: datetime, written: Mapping[str, Any]) -> dict[str, Any]:
    body = {name: _numbered(value, number) for name, value in written.items() if name not in OURS}
    return {
        "id": f"activity_01Sample{number:06d}",
        "created_at": now.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        "organization_id": "org_01Sample",
        "organization_uuid": "00000000-0000-4000-8000-000000000001",
        "actor": _numbered(_ACTOR | dict(written.get("actor", {})), number),
    } | body


def tables(rule: Rule, sample: Sample) -> dict[str, pa.Table]:
    """The rows of a sample by log source, for each that the rule reads."""
    names = [part.source.name for part in rule.parts]
    sample = [{"source": names[0]} | dict(written) if len(set(names)) == 1 else written for written in sample]
    return {name: computed_rows(name, sample) if name in COMPUTED else events(sample) for name in names}


def computed_rows(source: str, sample: Sample) -> pa.Table:
    """The records of a sample that are of a computed log source, with its schema."""
    schema = COMPUTED[source].schema
    rows = []
    for number, now, written in said_of(source, sample, alone=False):
        time = datetime(now.year, now.month, now.day, tzinfo=UTC) if source == "spend" else now
        row = {"id": f"{source}/{number:06d}", "created_at": time, "commit_seq": 1, "day": f"{now:%Y-%m-%d}"}
        rows.append({field.name: _typed((row | written).get(field.name), field) for field in schema})
    return pa.Table.from_pylist(rows, schema=schema)


def said_of(source: str, sample: Sample, *, alone: bool) -> Iterator[tuple[int, datetime, dict[str, Any]]]:
    """What a sample says of each row of a computed log source, with its number and its time. `alone`: its rule
    reads no other log source, so that no record has to say of which it is."""
    for number, now, written in _dated(sample):
        if written.get("source", source if alone else "audit") == source:
            said = {name: value for name, value in written.items() if name not in _STEPS}
            yield number, now, _numbered(said, number)


def _typed(value: Any, field: pa.Field) -> Any:
    """A value of a sample as its column has it; YAML's switches and numbers are texts where the column is one."""
    if value is None or pa.types.is_timestamp(field.type) or pa.types.is_integer(field.type):
        return value
    if pa.types.is_decimal(field.type):
        return Decimal(str(value))
    return str(value).lower() if isinstance(value, bool) else str(value)


def events(sample: Sample) -> pa.Table:
    """The audit records of one sample as rows with the schema of `audit_events`, as the fold would store them."""
    sample = [w for w in sample if w.get("source", "audit") not in COMPUTED]
    made = [_record(*one) for one in _dated(sample)]
    folds = [
        (w.get("fold", "first"), int(w.get("version", 1))) for w in sample for _ in range(int(w.get("repeat", 1)))
    ]
    batch = Parser(load()).parse([json.dumps(record).encode() for record in made], 0)
    rows = len(made)
    folded = {
        "observed_at": pa.array([FIRST] * rows, pa.timestamp("us", "UTC")),
        "commit_seq": pa.array([1] * rows, pa.int64()),
        "page": pa.array([0] * rows, pa.int32()),
        "position": pa.array(range(rows), pa.int32()),
        "version": pa.array([version for _, version in folds], pa.int32()),
        "fold": pa.array([fold for fold, _ in folds]),
        "content_sha256": pa.array(batch.content),
        "unknown_event": pa.array([bool(names) for names in batch.unknown]),
        "unknown_fields": pa.array(batch.unknown_fields, pa.list_(pa.string())),
    }
    columns = {name: batch.columns[name] for name in batch.columns.column_names} | folded
    return pa.table([columns[name] for name in AUDIT_EVENTS.names], schema=AUDIT_EVENTS)


def _numbered(value: Any, number: int) -> Any:
    if isinstance(value, str):
        return value.replace("{n}", str(number))
    if isinstance(value, Mapping):
        return {name: _numbered(part, number) for name, part in value.items()}
    if isinstance(value, list):
        return [_numbered(part, number) for part in value]
    return value
