"""Typed columns from records: quickly where every value has the expected kind, carefully where one has not.

Promise: both ways give the same columns for the same records; the quick one gives up rather than differ.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.json as pj

from warehouse.tables.schema import ACTOR_ID_FIELD, EXTRA_FIELDS, PARSED
from warehouse.wire.arrays import micros
from warehouse.wire.times import parse_rfc3339

Strange = dict[int, list[str]]  # by position in the page: what is odd about a record

_TEXT = pa.string()
_ENVELOPE = ("id", "created_at", "type", "organization_id", "organization_uuid")
_ACTOR_FIELDS = (
    "type",
    *sorted(set(ACTOR_ID_FIELD.values())),
    "email_address",
    "unauthenticated_email_address",
    "ip_address",
    "user_agent",
)
_WANTED = pa.schema(
    [
        *[pa.field(name, _TEXT) for name in _ENVELOPE],
        pa.field("actor", pa.struct([pa.field(name, _TEXT) for name in _ACTOR_FIELDS])),
        *[pa.field(name, _TEXT) for name in EXTRA_FIELDS],
    ]
)
_YEAR_1 = micros(datetime.min.replace(tzinfo=UTC))
_PARSING = pj.ParseOptions(explicit_schema=_WANTED, unexpected_field_behavior="ignore")


def quick_columns(records: Sequence[bytes]) -> pa.Table | None:
    """The columns by Arrow's own JSON reader, which runs beside Python; None where any record is unusual.

    It refuses numbers where texts belong, repeated keys and broken escapes; broken UTF-8 and times of another
    form are refused here.
    """
    if not records:
        return PARSED.empty_table()
    try:
        raw = pa.array(records, pa.binary()).cast(_TEXT)
        lines = b"\n".join(records)
        reading = pj.ReadOptions(use_threads=False, block_size=len(lines) + 1)
        read = pj.read_json(pa.py_buffer(lines), read_options=reading, parse_options=_PARSING)
        if read.num_rows != len(records):
            return None
        texts = read["created_at"]
        if texts.null_count or not pc.all(pc.ends_with(texts, "Z")).as_py():
            return None
        times = texts.cast(PARSED.field("created_at").type)
        if not _in_python(times):
            return None
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        return None
    actor = dict(zip(_ACTOR_FIELDS, read["actor"].combine_chunks().flatten(), strict=True))
    columns = [
        read["id"],
        times,
        texts,
        read["type"],
        read["organization_id"],
        read["organization_uuid"],
        actor["type"],
        _actor_id(actor),
        _either(actor["email_address"], actor["unauthenticated_email_address"]),
        actor["ip_address"],
        actor["user_agent"],
        *[read[name] for name in EXTRA_FIELDS],
        raw,
        pa.nulls(len(records), pa.binary()),
    ]
    return pa.Table.from_arrays(columns, schema=PARSED)


def _actor_id(actor: dict[str, pa.Array]) -> pa.Array:
    """The field that says who it is, by actor kind; null for kinds nobody has listed."""
    kinds = actor["type"]
    found = pa.nulls(len(kinds), _TEXT)
    for kind in pc.unique(kinds).to_pylist():
        if kind in ACTOR_ID_FIELD:
            found = pc.if_else(pc.fill_null(pc.equal(kinds, kind), False), actor[ACTOR_ID_FIELD[kind]], found)
    return found


def _either(first: pa.Array, second: pa.Array) -> pa.Array:
    """The first where it is a text with something in it, else the second."""
    given = pc.fill_null(pc.not_equal(first, ""), False)
    return pc.if_else(given, first, second)


def careful_columns(
    records: Sequence[bytes],
    documents: Sequence[dict[str, Any]],
    ids: Sequence[str],
    strange: Strange,
) -> pa.Table:
    """The columns value by value. What does not fit is null here, named in `strange`, and whole in `raw`."""
    types = [document.get("type") for document in documents]
    actors: list[dict[str, Any]] = [
        actor if type(actor := document.get("actor")) is dict else {} for document in documents
    ]
    texts = [document.get("created_at") for document in documents]
    raw, raw_bytes = _raw_columns(records, strange)
    id_fields = ACTOR_ID_FIELD
    kinds = [actor.get("type") for actor in actors]
    columns = [
        pa.array(ids, pa.string()),
        _times(texts, strange),
        _text("created_at", texts, strange),
        _text("type", types, strange),
        _text("organization_id", [d.get("organization_id") for d in documents], strange),
        _text("organization_uuid", [d.get("organization_uuid") for d in documents], strange),
        _text("actor.type", kinds, strange),
        _text(
            "actor.id",
            [
                actor.get(id_fields.get(kind, "")) if type(kind) is str else None
                for actor, kind in zip(actors, kinds, strict=True)
            ],
            strange,
        ),
        _text(
            "actor.email_address",
            [actor.get("email_address") or actor.get("unauthenticated_email_address") for actor in actors],
            strange,
        ),
        _text("actor.ip_address", [actor.get("ip_address") for actor in actors], strange),
        _text("actor.user_agent", [actor.get("user_agent") for actor in actors], strange),
        *[_text(name, [d.get(name) for d in documents], strange) for name in EXTRA_FIELDS],
        raw,
        raw_bytes,
    ]
    return pa.Table.from_arrays(columns, schema=PARSED)


def _raw_columns(records: Sequence[bytes], strange: Strange) -> tuple[pa.Array, pa.Array]:
    binary = pa.array(records, pa.binary())
    try:
        return binary.cast(pa.string()), pa.nulls(len(records), pa.binary())
    except pa.ArrowInvalid:
        texts: list[str] = []
        exact: list[bytes | None] = []
        for position, record in enumerate(records):
            try:
                texts.append(record.decode())
                exact.append(None)
            except UnicodeDecodeError:
                texts.append(record.decode("utf-8", "replace"))
                exact.append(record)
                if "(invalid UTF-8)" not in strange.get(position, []):
                    strange.setdefault(position, []).append("(invalid UTF-8)")
        return pa.array(texts, pa.string()), pa.array(exact, pa.binary())


def _text(name: str, values: list[Any], strange: Strange) -> pa.Array:
    """A text column; a value of another kind is null here, named as strange, and whole in `raw`."""
    try:
        return pa.array(values, pa.string())
    except (pa.ArrowInvalid, pa.ArrowTypeError, UnicodeEncodeError):
        return pa.array(
            [_only_text(name, position, value, strange) for position, value in enumerate(values)], pa.string()
        )


def _only_text(name: str, position: int, value: Any, strange: Strange) -> str | None:
    if value is None:
        return None
    if type(value) is str:
        return value.encode("utf-8", "replace").decode()
    strange.setdefault(position, []).append(f"{name} (not text)")
    return None


def _times(texts: list[Any], strange: Strange) -> pa.Array:
    kind = PARSED.field("created_at").type
    try:
        if all(type(text) is str and text[-1:] == "Z" for text in texts):
            times = pa.array(texts, pa.string()).cast(kind)
            if _in_python(times):
                return times
    except (pa.ArrowInvalid, UnicodeEncodeError):
        pass
    return pa.array([_time(text, position, strange) for position, text in enumerate(texts)], kind)


def _in_python(times: pa.Array | pa.ChunkedArray) -> bool:
    """Arrow takes a year 0, and Python's datetime none before 1. Both end with 9999."""
    least = pc.min(times).cast(pa.int64()).as_py()
    return least is None or bool(least >= _YEAR_1)


def _time(text: Any, position: int, strange: Strange) -> datetime | None:
    try:
        return parse_rfc3339(text)
    except (ValueError, TypeError, OverflowError):
        strange.setdefault(position, []).append("created_at (unreadable)")
        return None
