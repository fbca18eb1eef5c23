"""The canonical event: one row of `audit_events` in the shape from which every schema is mapped.

Promise: every row becomes one event, whatever is in it. The record inside is verbatim; where it is not usable
JSON it is carried as a text. What is tagged `unknown_event` is never `informational`. A revision is told by
`version` and `fold`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from warehouse.delivery.mappings.event_kind import NOTHING, EventKind, Subject, kinds
from warehouse.wire import arrays
from warehouse.wire.times import parse_rfc3339

SOURCE: Final = "anthropic:claude"
# The frozen version of all mapping tables: a test holds their digest to it, so no change goes out unnamed.
MAPPING_VERSION: Final = "2026-11-01"

# The columns of `audit_events` that are read; more may be there.
COLUMNS: Final = (
    "id",
    "created_at",
    "type",
    "actor_type",
    "actor_id",
    "actor_email",
    "ip_address",
    "user_agent",
    "organization_id",
    "organization_uuid",
    "unknown_event",
    "unknown_fields",
    "raw",
    "observed_at",
    "commit_seq",
    "version",
    "fold",
)

_MICROSECONDS = pa.timestamp("us")
_ZULU, _NOTHING = arrays.text("Z"), arrays.text("")
_EMPTY = arrays.of_bytes([b""])[0]
_FEED, _RETURN, _LINE_END = ord("\n"), ord("\r"), re.compile(rb"[\r\n]")
_NEVER = "1970-01-01T00:00:00.000000Z"
_text = msgspec.json.Encoder().encode


class CanonicalEvent(msgspec.Struct, gc=False):
    """One event. Times are UTC: `..._us` in microseconds since 1970, the texts ISO 8601 with six decimals and `Z`.

    `event_time` is the true time, None where the record has no readable one. `stamp` is what a destination takes
    as its own time field: the event's time, else the time we saw it, else what `restamped` was told.
    """

    event_id: str
    event_time: str | None
    event_us: int | None
    type: str
    actor_type: str | None
    actor_id: str | None
    actor_email: str | None
    client_ip: str | None
    user_agent: str | None
    organization_id: str | None
    organization_uuid: str | None
    unknown_event: bool
    unknown_fields: list[str] | None
    raw: msgspec.Raw
    observed_us: int | None
    commit_seq: int | None
    version: int
    fold: str
    kind: EventKind
    outcome: str
    severity: str
    subject: Subject
    stamp: str
    stamp_us: int

    @property
    def id(self) -> str:
        """The vendor's id of the record, as `delivery.port` asks for it."""
        return self.event_id

    @property
    def time(self) -> str:
        """When it happened, as far as is known, as `delivery.port` asks for it."""
        return self.stamp

    @property
    def category(self) -> str:
        """The taxonomy's category; `unknown` for a type nobody has listed."""
        return self.kind.taken.category

    @property
    def verb(self) -> str:
        """What the actor did or tried to do, in the taxonomy's words."""
        return self.kind.taken.verb

    @property
    def document_id(self) -> str:
        """The event's id, with its version behind it from the second on: unlike for each state of a record, alike
        for a resend. For a receiver that refuses what it holds already."""
        return self.event_id if self.version <= 1 else f"{self.event_id}.v{self.version}"


def canonical_events(rows: pa.Table | pa.RecordBatch) -> list[CanonicalEvent]:
    """The events of some rows of `audit_events` or `audit_event_versions`, in their order.

    Raises KeyError when a column of `COLUMNS` is missing.
    """
    all_kinds = kinds().get
    raw_of = msgspec.Raw
    events: list[CanonicalEvent] = []
    add = events.append
    for (
        event_id, created, created_us, kind_name, actor_type, actor_id, actor_email, ip, agent, org, org_uuid,
        unknown, strange, raw, observed, observed_us, seq, version, fold,
    ) in zip(*_columns(rows), strict=True):  # fmt: skip
        kind = all_kinds(kind_name)
        if strange is not None and any(name[:1] == "(" for name in strange):
            raw, subject = _careful(raw, kind)  # noqa: PLW2901
        elif kind.reads:
            try:
                subject = kind.subject(raw)
            except (ValueError, RecursionError):
                raw, subject = _careful(raw, kind)  # noqa: PLW2901
        else:
            subject = NOTHING
        tagged = unknown or not kind.listed
        told = subject.told
        event = CanonicalEvent(
            event_id, created, created_us, kind.type, actor_type, actor_id, actor_email, ip, agent, org,
            org_uuid, tagged, strange or None, raw_of(raw), observed_us, seq, version or 1, fold or "first", kind,
            kind.taken.outcome if told is None else kind.outcome(told),
            kind.severity_tagged if tagged else kind.severity,
            subject,
            created or observed or _NEVER,
            created_us if created_us is not None else observed_us or 0,
        )  # fmt: skip
        add(event)
    return events


def canonical_event(row: Mapping[str, Any]) -> CanonicalEvent:
    """The event of one row given as a mapping; absent columns count as null. For many, use `canonical_events`."""
    columns = [arrays.one(row.get(name), ROWS.field(name).type) for name in COLUMNS]
    return canonical_events(pa.RecordBatch.from_arrays(columns, schema=ROWS))[0]


def restamped(event: CanonicalEvent, moment: datetime | str) -> CanonicalEvent:
    """A copy stamped `moment` (RFC 3339 where it is a text), for a destination that refuses or rewrites old times;
    its `event_time` stays. Raises ValueError when the text is no time."""
    stamp = parse_rfc3339(moment) if isinstance(moment, str) else moment.astimezone(UTC)
    micros = int(stamp.timestamp()) * 1_000_000 + stamp.microsecond
    text = stamp.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    return msgspec.structs.replace(event, stamp=text, stamp_us=micros)


def to_canonical(event: CanonicalEvent) -> dict[str, Any]:
    """The canonical event as it goes out where no schema is asked for: what has no value is left out."""
    known = event.kind.taken
    subject = event.subject
    thing: dict[str, Any] = {"type": known.object}
    if subject.object_id is not None:
        thing["id"] = subject.object_id
    if subject.object_name is not None:
        thing["name"] = subject.object_name
    document: dict[str, Any] = {
        "event_id": event.event_id,
        "event_time": event.event_time,
        "source": SOURCE,
        "mapping_version": MAPPING_VERSION,
        "type": event.type,
        "category": known.category,
        "verb": known.verb,
        "outcome": event.outcome,
        "severity": event.severity,
        "actor": _actor(event.actor_type, event.actor_id, event.actor_email),
        "client": _client(event.client_ip, event.user_agent),
        "object": thing,
        "org": given(id=event.organization_id, uuid=event.organization_uuid),
        "unknown_event": event.unknown_event,
        "archive": {"commit_seq": event.commit_seq, "version": event.version, "fold": event.fold},
        "raw": event.raw,
    }
    if event.event_time is None:
        del document["event_time"]
    if subject.user_id or subject.user_email or subject.group_id:
        document["target"] = given(
            user_id=subject.user_id, user_email=subject.user_email, group_id=subject.group_id
        )
    if event.unknown_fields:
        document["unknown_fields"] = event.unknown_fields
    return document


def _actor(kind: str | None, id: str | None, email: str | None) -> dict[str, Any]:
    if kind is not None and id is not None and email is not None:  # nearly always, and much quicker
        return {"type": kind, "id": id, "email": email}
    return given(type=kind, id=id, email=email)


def _client(ip: str | None, agent: str | None) -> dict[str, Any]:
    return (
        {"ip": ip, "user_agent": agent} if ip is not None and agent is not None else given(ip=ip, user_agent=agent)
    )


def given(**values: Any) -> dict[str, Any]:
    """Those of `values` that are not None: a SIEM is told nothing rather than the word null."""
    if None in values.values():
        return {name: value for name, value in values.items() if value is not None}
    return values


_TIME = pa.timestamp("us", "UTC")
# The types of `COLUMNS`, as the archive's tables have them.
ROWS: Final = pa.schema(
    [
        (
            name,
            {
                "created_at": _TIME,
                "observed_at": _TIME,
                "unknown_event": pa.bool_(),
                "unknown_fields": pa.list_(pa.string()),
                "commit_seq": pa.int64(),
                "version": pa.int32(),
            }.get(name, pa.string()),
        )
        for name in COLUMNS
    ]
)


def _columns(rows: pa.Table | pa.RecordBatch) -> list[list[Any]]:
    """The columns as Python objects, in the order of the loop above: column by column is ten times as quick as row
    by row. The two times come twice, as text and as a number."""
    found: list[list[Any]] = []
    created = rows.column("created_at")
    for name in COLUMNS:
        column = rows.column(name)
        if name == "created_at":
            found += [_texts(column), column.cast(pa.int64()).to_pylist()]
        elif name == "observed_at":  # its text only serves where a record has no time
            found += [_texts(column) if created.null_count else [None] * rows.num_rows]
            found += [column.cast(pa.int64()).to_pylist()]
        elif name == "raw":
            found.append(lines_of(column).to_pylist())
        else:
            found.append([None] * rows.num_rows if column.null_count == rows.num_rows else column.to_pylist())
    return found


def _texts(times: Any) -> list[str | None]:
    found: list[str | None] = time_texts(times).to_pylist()
    return found


def time_texts(times: Any) -> Any:
    """Moments as texts, as `CanonicalEvent` has them; an Arrow array of either."""
    texts = times.cast(_MICROSECONDS).cast(pa.string())
    return pc.binary_join_element_wise(pc.binary_replace_slice(texts, 10, 11, "T"), _ZULU, _NOTHING)


def lines_of(raw: Any) -> Any:
    """The records as bytes, each on one line: destinations take a line for an event. Only white space goes.

    An Arrow array; where a record is not there, an empty one.
    """
    column = raw.cast(pa.binary())
    column = column.fill_null(_EMPTY) if column.null_count else column
    pieces = column.chunks if isinstance(column, pa.ChunkedArray) else [column]
    if not any(map(_breaks, pieces)):  # one look at all is far quicker than one look at each
        return column
    return arrays.of_bytes([_one_line(one) if _LINE_END.search(one) else one for one in column.to_pylist()])


def _breaks(column: pa.Array) -> bool:
    """Whether any value has the end of a line in it; nothing is copied to see it."""
    if not len(column):
        return False
    _, offsets, values = column.buffers()
    first, end = np.frombuffer(offsets, np.int32)[[column.offset, column.offset + len(column)]]
    held = np.frombuffer(values, np.uint8)[first:end] if values is not None else np.zeros(0, np.uint8)
    if not held.size or held.min() > _RETURN:  # nearly always: white space is rare in what is served
        return False
    return bool(((held == _FEED) | (held == _RETURN)).any())


def _one_line(record: bytes) -> bytes:
    try:
        return bytes(msgspec.json.format(record, indent=-1))
    except (ValueError, RecursionError):
        return record


def _careful(raw: bytes, kind: EventKind) -> tuple[bytes, Subject]:
    """A record with something wrong in it (broken text, a key twice, no object): its text as a JSON string, which
    every receiver takes, and of its subject what can be read."""
    try:
        subject = kind.subject(raw)
    except (ValueError, RecursionError):
        subject = NOTHING
    return _text(raw.decode("utf-8", "replace")), subject
