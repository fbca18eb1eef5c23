"""Records of the activity feed into typed columns, with everything strange kept and named.

Promise: each record becomes one row whatever is in it. A column holds the value the record has, or null; a type,
actor kind, field or value that nobody has listed is tagged, never dropped and never silent.
"""

import gc
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from warehouse.archive.state import caller_identity
from warehouse.tables.schema import ACTOR_ID_FIELD, EXTRA_FIELDS, PARSED
from warehouse.taxonomy import Taxonomy
from warehouse.wire.records import canonical, decode, has_duplicate_keys
from warehouse.wire.times import parse_rfc3339

ACCESS = "compliance_api_accessed"


@dataclass(frozen=True)
class Footprint:
    """One `compliance_api_accessed` record: somebody asked the compliance API something."""

    event_id: str
    request_id: str | None
    key_id: str | None
    ip_address: str | None
    user_agent: str | None
    created_at: str | None
    url: str | None

    @property
    def identity(self) -> str:
        """Who asked, as far as the feed tells: key, address and agent."""
        return caller_identity(self.key_id, self.ip_address, self.user_agent)


@dataclass
class Batch:
    """The rows of one page, column by column. Lists run parallel to the rows of `columns` (schema PARSED)."""

    page: int
    columns: pa.Table
    ids: list[str]
    content: list[str]
    unknown: list[tuple[str, ...]]  # the unlisted type and actor kind of a record, as names; mostly empty
    unknown_fields: list[list[str] | None]
    footprints: list[Footprint] = field(default_factory=list)

    @property
    def rows(self) -> int:
        return len(self.ids)

    def span(self) -> tuple[datetime, datetime] | None:
        """Least and greatest `created_at` (both inclusive), or None when no row has one."""
        ends = pc.min_max(self.columns["created_at"]).as_py()
        return None if ends["min"] is None else (ends["min"], ends["max"])


class Parser:
    """Turns pages into batches. Keeps what it learned about record shapes, so use one for many pages."""

    def __init__(self, taxonomy: Taxonomy) -> None:
        self._taxonomy = taxonomy
        self._shapes: dict[tuple[Any, ...], tuple[tuple[str, ...], list[str] | None]] = {}
        self._enums: dict[str, list[tuple[str, frozenset[str]]]] = {}

    def parse(self, records: Sequence[bytes], page: int) -> Batch:
        """One page's verbatim records (in page order) as a batch; `page` counts from 1."""
        # Decoding makes very many small objects and no cycles; the collector would walk them for nothing.
        collecting = gc.isenabled()
        gc.disable()
        try:
            return self._parse(records, page)
        finally:
            if collecting:
                gc.enable()

    def _parse(self, records: Sequence[bytes], page: int) -> Batch:
        strange: dict[int, list[str]] = {}
        documents, content = self._decode(records, strange)
        served_ids = [document.get("id") for document in documents]
        types = [document.get("type") for document in documents]
        actors: list[dict[str, Any]] = [
            actor if type(actor := document.get("actor")) is dict else {} for document in documents
        ]
        unknown, unknown_fields = self._judge(documents, types, actors)
        ids = self._name_the_nameless(served_ids, content, strange)
        columns = self._columns(records, documents, ids, types, actors, strange)
        for position, names in strange.items():
            unknown_fields[position] = [*(unknown_fields[position] or []), *names]
        return Batch(
            page=page,
            columns=columns,
            ids=ids,
            content=content,
            unknown=unknown,
            unknown_fields=unknown_fields,
            footprints=[
                _footprint(document, actor, event_id)
                for document, actor, kind, event_id in zip(documents, actors, types, ids, strict=True)
                if kind == ACCESS
            ],
        )

    def _decode(
        self, records: Sequence[bytes], strange: dict[int, list[str]]
    ) -> tuple[list[dict[str, Any]], list[str]]:
        try:
            documents: list[Any] = list(map(decode, records))
            forms = list(map(canonical, documents))
        except (ValueError, RecursionError, TypeError):
            documents, forms = [], []
            for position, record in enumerate(records):
                document, form, problem = _decode_with_care(record)
                documents.append(document)
                forms.append(form)
                if problem:
                    strange.setdefault(position, []).append(problem)
        for position, (record, form) in enumerate(zip(records, forms, strict=True)):
            # A shorter canonical form may only mean white space; a repeated key must not be lost in it.
            if len(form) != len(record) and has_duplicate_keys(record):
                strange.setdefault(position, []).append("(duplicate keys)")
                forms[position] = record
        for position, document in enumerate(documents):
            if type(document) is not dict:
                strange.setdefault(position, []).append("(not an object)")
                documents[position] = {}
        return documents, [sha256(form).hexdigest() for form in forms]

    def _name_the_nameless(self, ids: list[Any], content: list[str], strange: dict[int, list[str]]) -> list[str]:
        named = []
        for position, value in enumerate(ids):
            if type(value) is str and value:
                named.append(value)
            else:
                named.append(f"(no id) {content[position]}")
                strange.setdefault(position, []).append("id (missing)")
        return named

    def _judge(
        self, documents: list[dict[str, Any]], types: list[Any], actors: list[dict[str, Any]]
    ) -> tuple[list[tuple[str, ...]], list[list[str] | None]]:
        """Per record: is its type or actor kind unknown, and which fields or values has nobody listed.

        Records of one shape (same type, same keys) get the same answer, so it is looked up by shape.
        """
        shapes, enums = self._shapes, self._enums
        events: list[tuple[str, ...]] = []
        fields: list[list[str] | None] = []
        for document, kind, actor in zip(documents, types, actors, strict=True):
            shape = (kind, actor.get("type"), *document, None, *actor)
            try:
                answer = shapes.get(shape)
            except TypeError:  # an unhashable type, such as a list where a text belongs
                answer = self._judge_shape("", document, actor)
            if answer is None:
                answer = shapes[shape] = self._judge_shape(kind, document, actor)
                if kind not in enums:
                    enums[kind] = list(self._taxonomy.enums(kind).items()) if type(kind) is str else []
            unknown, names = answer
            if type(kind) is str:
                for name, values in enums[kind]:
                    value = document.get(name)
                    if type(value) is str and value not in values:
                        names = [*(names or []), f"{name}={value}"[:200]]
            events.append(unknown)
            fields.append(names)
        return events, fields

    def _judge_shape(
        self, kind: Any, document: dict[str, Any], actor: dict[str, Any]
    ) -> tuple[tuple[str, ...], list[str] | None]:
        taxonomy = self._taxonomy
        names: list[str] = []
        known_type = type(kind) is str and kind in taxonomy.types
        if known_type:
            known = taxonomy.known_fields(kind)
            if known is not None:
                names += sorted(str(name) for name in document if name not in known)
        actor_kind = actor.get("type")
        actor_fields = taxonomy.known_actor_fields(actor_kind) if type(actor_kind) is str else None
        if actor_fields is not None:
            names += sorted(f"actor.{name}" for name in actor if name not in actor_fields)
        unlisted = []
        if not known_type:
            unlisted.append(str(kind)[:200])
        if actor_fields is None:
            unlisted.append(f"actor {actor_kind}"[:200])
        return tuple(unlisted), names or None

    def _columns(
        self,
        records: Sequence[bytes],
        documents: list[dict[str, Any]],
        ids: list[str],
        types: list[Any],
        actors: list[dict[str, Any]],
        strange: dict[int, list[str]],
    ) -> pa.Table:
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


def _decode_with_care(record: bytes) -> tuple[Any, bytes, str | None]:
    """A record that a strict decoder refuses: what can be read of it, its content form, and what is wrong."""
    try:
        document = decode(record)
        return document, canonical(document), None
    except (UnicodeDecodeError, RecursionError, TypeError, ValueError):
        problem = "(not decodable)"
    try:
        repaired = record.decode("utf-8", "replace")
        if "\ufffd" in repaired:
            problem = "(invalid UTF-8)"
            return decode(repaired.encode()), record, problem
        document = _without_surrogates(record)
        return document, record, "(lone surrogate)"
    except (ValueError, RecursionError):
        return {}, record, problem


def _without_surrogates(record: bytes) -> Any:
    """Python's own reader takes lone surrogates; in columns they become U+FFFD, in `raw` they stay escaped."""
    import json  # noqa: PLC0415 - only ever needed for broken records

    text = json.dumps(json.loads(record), ensure_ascii=False)
    return decode(text.encode("utf-8", "replace"))


def _raw_columns(records: Sequence[bytes], strange: dict[int, list[str]]) -> tuple[pa.Array, pa.Array]:
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


def _text(name: str, values: list[Any], strange: dict[int, list[str]]) -> pa.Array:
    """A text column; a value of another kind is null here, named as strange, and whole in `raw`."""
    try:
        return pa.array(values, pa.string())
    except (pa.ArrowInvalid, pa.ArrowTypeError, UnicodeEncodeError):
        return pa.array(
            [_only_text(name, position, value, strange) for position, value in enumerate(values)], pa.string()
        )


def _only_text(name: str, position: int, value: Any, strange: dict[int, list[str]]) -> str | None:
    if value is None:
        return None
    if type(value) is str:
        return value.encode("utf-8", "replace").decode()
    strange.setdefault(position, []).append(f"{name} (not text)")
    return None


def _times(texts: list[Any], strange: dict[int, list[str]]) -> pa.Array:
    kind = PARSED.field("created_at").type
    try:
        if all(type(text) is str and text[-1:] == "Z" for text in texts):
            return pa.array(texts, pa.string()).cast(kind)
    except (pa.ArrowInvalid, UnicodeEncodeError):
        pass
    return pa.array([_time(text, position, strange) for position, text in enumerate(texts)], kind)


def _time(text: Any, position: int, strange: dict[int, list[str]]) -> datetime | None:
    try:
        return parse_rfc3339(text)
    except (ValueError, TypeError, OverflowError):
        strange.setdefault(position, []).append("created_at (unreadable)")
        return None


def _footprint(document: dict[str, Any], actor: dict[str, Any], event_id: str) -> Footprint:
    def text(value: Any) -> str | None:
        return value if type(value) is str else None

    return Footprint(
        event_id=event_id,
        request_id=text(document.get("request_id")),
        key_id=text(actor.get("api_key_id") or actor.get("admin_api_key_id")),
        ip_address=text(actor.get("ip_address")),
        user_agent=text(actor.get("user_agent")),
        created_at=text(document.get("created_at")),
        url=text(document.get("url")),
    )


def tally(batch: Batch, keep: Callable[[int], bool] | None = None) -> tuple[Counter[str], Counter[str]]:
    """How often each unlisted type (or `actor <kind>`) and each `<type>: <field>` nobody listed occurs.

    `keep` picks positions; all without it. Names are capped in length, since they are served text.
    """
    types: Counter[str] = Counter()
    fields: Counter[str] = Counter()
    if not any(batch.unknown) and not any(batch.unknown_fields):
        return types, fields
    names = batch.columns["type"].to_pylist()
    for position, (unlisted, strange) in enumerate(zip(batch.unknown, batch.unknown_fields, strict=True)):
        if keep is not None and not keep(position):
            continue
        types.update(unlisted)
        for name in strange or ():
            fields[f"{names[position]}: {name}"[:300]] += 1
    return types, fields
