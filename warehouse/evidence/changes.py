"""What the vendor changed in records after they were archived: field by field, before and after.

Promise: a value is shown only where a masked record would keep it (`masking_rules`): ids, times, numbers and plain
words of listed fields. Of any other field its name and kind are told, so that nothing that the vendor was asked to
remove stands on a page again; of a restricted person not even what the mask hides is counted.
"""

import json
import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import duckdb

from warehouse.tables.masking_rules import KEPT_FIELDS, KEPT_OF_ACTOR, MASKED_RECORDS_BEGIN, PLAIN
from warehouse.wire.times import rfc3339
from warehouse.wire.windows import Window

_SHOWN: Final = frozenset(KEPT_FIELDS) | {f"actor.{name}" for name in KEPT_OF_ACTOR}
_PLAIN = re.compile(PLAIN)
_LONGEST = 120  # letters of a value that may be shown
_MARK = re.compile(r"\[[a-z]{1,20}\]")  # what stands for something removed: `[redacted]`
_ABSENT = object()

_CHANGED = """
select n.id, n.type, n.created_at, n.version, n.fold, n.observed_at, o.raw, n.raw
from audit_event_versions as n
left join audit_event_versions as o on o.id = n.id and o.version = n.version - 1
where n.version > 1 and n.created_at >= timestamptz '{start}' and n.created_at < timestamptz '{end}'
order by n.observed_at, n.id, n.version
limit {limit}
"""


@dataclass(frozen=True, slots=True)
class FieldChange:
    """One field that differs; a value that may not be shown is told by its kind (`a text of 23 letters`)."""

    name: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Change:
    """One version after the first. `masked`: a restricted person stands in it, so its fields are not compared."""

    id: str
    type: str
    created_at: datetime
    version: int
    fold: str
    observed_at: datetime
    fields: tuple[FieldChange, ...]
    masked: bool


def changes(db: duckdb.DuckDBPyConnection, period: Window, limit: int) -> list[Change]:
    """The first changes of a period in order of when they were noticed, over the archive's tables."""
    rows = db.execute(
        _CHANGED.format(start=rfc3339(period.start), end=rfc3339(period.end), limit=int(limit))
    ).fetchall()
    found = []
    for event_id, kind, at, version, fold, seen, before, after in rows:
        masked = any((raw or "").startswith(MASKED_RECORDS_BEGIN) for raw in (before, after))
        fields = () if masked or fold == "withdrawn" else _differences(before, after)
        found.append(Change(event_id, kind, at, version, fold, seen, fields, masked))
    return found


def _differences(before: str | None, after: str | None) -> tuple[FieldChange, ...]:
    old, new = _fields(before), _fields(after)
    names = sorted({*old, *new})
    return tuple(
        FieldChange(name, _told(name, old.get(name, _ABSENT)), _told(name, new.get(name, _ABSENT)))
        for name in names
        if old.get(name, _ABSENT) != new.get(name, _ABSENT)
    )


def _fields(raw: str | None) -> dict[str, Any]:
    """The members of a record, those of its actor by `actor.NAME`; nothing where it is no JSON object."""
    try:
        record = json.loads(raw or "")
    except ValueError:
        return {}
    if not isinstance(record, dict):
        return {}
    actor = record.get("actor")
    if isinstance(actor, dict):
        record = {name: value for name, value in record.items() if name != "actor"}
        record |= {f"actor.{name}": value for name, value in actor.items()}
    return record


def _told(name: str, value: Any) -> str:
    if value is _ABSENT:
        return "absent"
    text = json.dumps(value, ensure_ascii=False, sort_keys=True)
    if value is None or (name in _SHOWN and len(text) <= _LONGEST and _PLAIN.search(text)):
        return text
    if isinstance(value, str) and _MARK.fullmatch(value):
        return value
    if isinstance(value, str):
        return f"a text of {len(value):,} letters"
    if isinstance(value, list | dict):
        return f"a {'list' if isinstance(value, list) else 'group'} of {len(value):,}"
    return "a number" if not isinstance(value, bool) else "a yes or no"
