"""The sample events of a rule as records of the feed, so that a rule is tried on what it will read.

Promise: a sample goes through the same parser as a served page. What a sample leaves out is filled in: an id, a
time one minute after the record before, and somebody at example.com. `repeat` with `every` makes many of one;
`after` moves its time; `{n}` in a text becomes the number of the record.
"""

import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa

from warehouse.detections.rule import seconds
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
_OURS = ("repeat", "every", "after", "actor", "fold", "version")


def records(sample: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The records of one sample, each a dict as the vendor would serve it, in order of time."""
    made: list[dict[str, Any]] = []
    now = FIRST
    for written in sample:
        step = timedelta(seconds=seconds(written.get("every", "1m")))
        now += timedelta(seconds=seconds(written["after"])) if "after" in written else timedelta()
        for _ in range(int(written.get("repeat", 1))):
            number = len(made) + 1
            body = {name: _numbered(value, number) for name, value in written.items() if name not in _OURS}
            made.append(
                {
                    "id": f"activity_01Sample{number:06d}",
                    "created_at": now.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
                    "organization_id": "org_01Sample",
                    "organization_uuid": "00000000-0000-4000-8000-000000000001",
                    "actor": _numbered(_ACTOR | dict(written.get("actor", {})), number),
                }
                | body
            )
            now += step
    return made


def table(sample: Iterable[Mapping[str, Any]]) -> pa.Table:
    """The records of one sample as rows with the schema of `audit_events`, as the fold would store them."""
    sample = list(sample)
    made = records(sample)
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
