"""Records of the activity feed into typed columns, with everything strange kept and named.

Promise: each record becomes one row whatever is in it. A column holds the value the record has, or null; a type,
actor kind, field or value that nobody has listed is tagged, never dropped and never silent.
"""

import gc
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from warehouse.archive.recording import Turn
from warehouse.archive.state import caller_identity
from warehouse.tables.columns import Strange, careful_columns, quick_columns
from warehouse.taxonomy import Taxonomy
from warehouse.wire.records import canonical, decode, has_duplicate_keys
from warehouse.wire.times import parse_rfc3339

ACCESS = "compliance_api_accessed"
SWITCH = "org_compliance_api_settings_updated"
_AT_ONCE = 256  # records decoded together: few enough to stay in the processor's cache until they are dropped


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
    switched: list[Turn] = field(default_factory=list)

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
        self._shapes: dict[tuple[Any, ...], _Judgement] = {}
        self._beside = ThreadPoolExecutor(1, thread_name_prefix="columns")

    def parse(self, records: Sequence[bytes], page: int) -> Batch:
        """One page's verbatim records (in page order) as a batch; `page` counts from 1."""
        coming = self._beside.submit(quick_columns, records)
        # Decoding makes very many small objects and no cycles; the collector would walk them for nothing.
        collecting = gc.isenabled()
        gc.disable()
        try:
            read = _Read()
            for start in range(0, len(records), _AT_ONCE):
                self._read(records[start : start + _AT_ONCE], start, read)
        finally:
            if collecting:
                gc.enable()
        columns = coming.result()
        if columns is None or read.strange:
            documents = [_object(_decode_with_care(record)[0]) for record in records]
            columns = careful_columns(records, documents, read.ids, read.strange)
        for position, names in read.strange.items():
            read.unknown_fields[position] = [*(read.unknown_fields[position] or []), *names]
        return Batch(
            page=page,
            columns=columns,
            ids=read.ids,
            content=read.content,
            unknown=read.unknown,
            unknown_fields=read.unknown_fields,
            footprints=read.footprints,
            switched=read.switched,
        )

    def _read(self, records: Sequence[bytes], start: int, read: "_Read") -> None:
        """Take in some records, the first of which stands at `start` in its page."""
        documents: list[Any]
        try:
            documents = list(map(decode, records))
            forms = list(map(canonical, documents))
        except (ValueError, RecursionError, TypeError):
            documents, forms = [], []
            for position, record in enumerate(records, start):
                document, form, problem = _decode_with_care(record)
                documents.append(document)
                forms.append(form)
                if problem:
                    read.note(position, problem)
        for position, (record, form) in enumerate(zip(records, forms, strict=True)):
            # A shorter canonical form may only mean white space; a repeated key must not be lost in it.
            if len(form) != len(record) and has_duplicate_keys(record):
                read.note(start + position, "(duplicate keys)")
                forms[position] = record
        read.content += [sha256(form).hexdigest() for form in forms]
        for position, document in enumerate(documents, start):
            if type(document) is not dict:
                read.note(position, "(not an object)")
                document = {}  # noqa: PLW2901
            record_id = document.get("id")
            if type(record_id) is not str or not record_id:
                record_id = f"(no id) {read.content[position]}"
                read.note(position, "id (missing)")
            read.ids.append(record_id)
            self._judge(document, record_id, read)

    def _judge(self, document: dict[str, Any], record_id: str, read: "_Read") -> None:
        """Is the type or the actor's kind unknown, and which fields or values has nobody listed.

        Records of one shape (same type, same keys) get the same answer, so it is looked up by shape.
        """
        kind, actor = document.get("type"), document.get("actor")
        if type(actor) is not dict:
            actor = {}
        shape = (kind, actor.get("type"), *document, None, *actor)
        try:
            judgement = self._shapes.get(shape)
            if judgement is None:
                judgement = self._shapes[shape] = self._judge_shape(kind, document, actor)
        except TypeError:  # an unhashable type, such as a list where a text belongs
            judgement = self._judge_shape(None, document, actor)
        names = judgement.fields
        for name, values in judgement.enums:
            value = document.get(name)
            if type(value) is str and value not in values:
                names = [*(names or []), f"{name}={value}"[:200]]
        read.unknown.append(judgement.unknown)
        read.unknown_fields.append(names)
        if kind == ACCESS:
            read.footprints.append(_footprint(document, actor, record_id))
        elif kind == SWITCH:
            read.switched += _switched(document, actor, record_id)

    def _judge_shape(self, kind: Any, document: dict[str, Any], actor: dict[str, Any]) -> "_Judgement":
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
        enums = taxonomy.enums(kind).items() if type(kind) is str else ()
        return _Judgement(tuple(unlisted), names or None, tuple(enums))


class _Judgement(NamedTuple):
    """What is unlisted about a shape of records: type and actor kind, fields; and which texts to look at."""

    unknown: tuple[str, ...]
    fields: list[str] | None
    enums: tuple[tuple[str, frozenset[str]], ...]


@dataclass
class _Read:
    """What has been read of a page so far; lists run parallel to its records."""

    ids: list[str] = field(default_factory=list)
    content: list[str] = field(default_factory=list)
    unknown: list[tuple[str, ...]] = field(default_factory=list)
    unknown_fields: list[list[str] | None] = field(default_factory=list)
    footprints: list[Footprint] = field(default_factory=list)
    switched: list[Turn] = field(default_factory=list)
    strange: Strange = field(default_factory=dict)

    def note(self, position: int, problem: str) -> None:
        self.strange.setdefault(position, []).append(problem)


def _object(document: Any) -> dict[str, Any]:
    return document if type(document) is dict else {}


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


def _switched(document: dict[str, Any], actor: dict[str, Any], event_id: str) -> list[Turn]:
    """What a record says of the recording's switches; nothing where it has no usable time."""

    def state(name: str) -> bool | None:
        value = document.get(name)
        return {"true": True, "false": False}.get(str(value).lower()) if type(value) in (bool, str) else None

    at = document.get("created_at")
    try:
        parse_rfc3339(at if type(at) is str else "")
    except ValueError:
        return []
    names = "email_address", "user_id", "admin_api_key_id", "service_account_id", "subject", "type"
    by = next((actor[name] for name in names if type(actor.get(name)) is str), None)
    enabled, logging = state("compliance_api_enabled"), state("compliance_api_logging_enabled")
    return [Turn(event_id, str(at), enabled, logging, by)]


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
