"""The console's nine-field audit-log export, from the file's bytes to typed rows.

Promise: every row of the file comes out, with its exact text and all nine fields as written; what could not be
read is named in the row's `problems`. Only a file that is no export at all is refused.
"""

import hashlib
import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any, Final

from warehouse.tables.audit_export.cells import STATUSES, Cell, read_cell
from warehouse.tables.audit_export.csv_records import CsvRecord, split_records
from warehouse.tables.audit_export.errors import ColumnsMissing, NotAnExport
from warehouse.tables.audit_export.fields import EXPECTED, FIELDS, what_was_found
from warehouse.tables.audit_export.json_records import is_json, read_record, split_json
from warehouse.tables.audit_export.packing import unpack
from warehouse.taxonomy import ExportMapping, feed_type_for_export_event
from warehouse.wire.times import parse_rfc3339

MapEvent = Callable[[str, Mapping[str, Any]], ExportMapping]

_time = re.compile(
    r"(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d)(:\d\d)?(?:[.,](\d+))?\s*(?:([Zz]|UTC|GMT)|([+-]\d\d)(?::?(\d\d))?)"
)
NOT_UTF8: Final = "the row is not valid UTF-8: what is not shows as U+FFFD, the exact bytes are in raw_bytes"
NO_TIME: Final = "created_at is not an RFC 3339 time with an offset"


@dataclass(frozen=True, slots=True)
class ExportRow:
    """One row. The nine fields hold the text as written (CSV: empty stays empty; JSON: null is None).

    `row_no` counts from 1; `offset` is the byte at which a CSV row starts in the unpacked, marked-off UTF-8 text.
    `raw_bytes` is set only where the row is not valid UTF-8. `parse_status` is that of the worst of the three
    cells. `row_key` is the hex SHA-256 of: row bytes, a zero byte, the decimal ordinal (from 0) among equal rows.
    """

    row_no: int
    created_at: datetime | None
    fields: Mapping[str, str | None]
    actor_name: str | None
    actor_uuid: str | None
    actor_email: str | None
    entity_type: str | None
    entity_uuid: str | None
    entity_name: str | None
    feed_type: str | None
    feed_type_note: str | None
    parse_status: str
    raw: str
    raw_bytes: bytes | None
    row_key: str
    problems: tuple[str, ...]
    offset: int | None


@dataclass(frozen=True, slots=True)
class Export:
    """A file that is an export. `rows()` reads it anew each time, one row at a time.

    `export_id` is the hex SHA-256 of the file as given (of the ZIP, if it was one); `form` is csv, json or ndjson;
    `extra_columns` are those beyond the nine, kept in each row's `raw`; `notes` say what else a reader must know.
    """

    file_name: str
    export_id: str
    form: str
    encoding: str
    member: str | None
    extra_columns: tuple[str, ...]
    notes: tuple[str, ...]
    _read: Callable[[], Iterator["_Bare"]]
    _map_event: MapEvent

    def rows(self) -> Iterator[ExportRow]:
        """The rows in file order."""
        seen: defaultdict[bytes, int] = defaultdict(int)
        for number, bare in enumerate(self._read(), start=1):
            digest = hashlib.sha256(bare.raw).digest()
            ordinal = seen[digest]
            seen[digest] += 1
            yield _row(number, ordinal, bare, self._map_event)


@dataclass(frozen=True, slots=True)
class _Bare:
    raw: bytes
    fields: Mapping[str, str | None]
    problems: list[str]
    offset: int | None


def read_export(data: bytes, file_name: str, *, map_event: MapEvent = feed_type_for_export_event) -> Export:
    """Recognise an export: CSV, JSON or NDJSON, plain or in a ZIP, UTF-8 or UTF-16 with a byte order mark.

    `map_event` gives the feed's equivalent of an event from its name and parsed event_info.
    Raises AuditExportError (NotAnExport, ColumnsMissing, PackingRefused) with what was found and expected.
    """
    # file names are bytes on POSIX: what was no UTF-8 arrives as lone surrogates, which nothing can print or store
    file_name = file_name.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    unpacked = unpack(data, file_name)
    where = file_name if unpacked.member is None else f"{file_name} ({unpacked.member})"
    read: Callable[[], Iterator[_Bare]]
    if is_json(unpacked.data):
        form, records, extra = split_json(unpacked.data, where)
        read = partial(_from_json, records)
    else:
        form = "csv"
        header = _header(unpacked.data, where)
        names = [_decode(field).strip() for field in header.fields]
        columns = [name.lower() for name in names]
        _check_columns(columns, where)
        extra = tuple(name for name in names if name.lower() not in FIELDS)
        body = header.offset + len(header.raw)
        read = partial(_from_csv, unpacked.data, body, columns)
    return Export(
        file_name=file_name,
        export_id=hashlib.sha256(data).hexdigest(),
        form=form,
        encoding=unpacked.encoding,
        member=unpacked.member,
        extra_columns=extra,
        notes=unpacked.notes,
        _read=read,
        _map_event=map_event,
    )


def _header(data: bytes, where: str) -> CsvRecord:
    header = next(split_records(data[: 1 << 16]), None)
    if header is None:
        raise NotAnExport(f"{where}: found only empty lines; {EXPECTED}")
    return header


def _check_columns(columns: list[str], where: str) -> None:
    missing = tuple(field for field in FIELDS if field not in columns)
    if missing:
        hint = _hint(columns, missing)
        raise ColumnsMissing(
            f"{where}: the first line has no column {', '.join(missing)}; found {what_was_found(columns)}{hint}; "
            f"{EXPECTED}",
            missing,
        )
    twice = [field for field in FIELDS if columns.count(field) > 1]
    if twice:
        raise NotAnExport(f"{where}: the column {', '.join(twice)} stands in the first line twice; {EXPECTED}")


def _hint(columns: list[str], missing: tuple[str, ...]) -> str:
    line = ",".join(columns)
    if "\0" in line:
        return " (zero bytes: perhaps UTF-16 without a byte order mark; save it as UTF-8)"
    for mark, name in ((";", "semicolons"), ("\t", "tabs"), ("|", "bars")):
        if set(FIELDS) <= {part.strip(' "') for part in line.split(mark)}:
            return f" (separated by {name}: a spreadsheet saved it anew; import the file as the console gave it)"
    if len(missing) == len(FIELDS):
        return " (not one of the nine: is the header line there?)"
    return ""


def _from_csv(data: bytes, start: int, columns: list[str]) -> Iterator[_Bare]:
    places = [(field, columns.index(field)) for field in FIELDS]
    for record in split_records(data, len(columns), start):
        fields = record.fields
        texts = {name: _decode(fields[place]) if place < len(fields) else None for name, place in places}
        yield _Bare(record.raw, texts, list(record.problems), record.offset)


def _from_json(records: list[bytes]) -> Iterator[_Bare]:
    for record in records:
        fields, problems = read_record(record)
        yield _Bare(record, fields, problems, None)


def _decode(field: bytes) -> str:
    return field.decode("utf-8", "replace")


def _row(number: int, ordinal: int, bare: _Bare, map_event: MapEvent) -> ExportRow:
    problems = list(bare.problems)
    try:
        raw, raw_bytes = bare.raw.decode(), None
    except UnicodeDecodeError:
        raw, raw_bytes = _decode(bare.raw), bare.raw
        problems.append(NOT_UTF8)
    created_at = _moment(bare.fields["created_at"])
    if created_at is None:
        problems.append(NO_TIME)
    cells = {name: read_cell(bare.fields[name]) for name in ("actor_info", "event_info", "entity_info")}
    for name, cell in cells.items():
        problems += [f"{name}: {problem}" for problem in cell.problems]
    actor, entity = cells["actor_info"], cells["entity_info"]
    feed_type, note = _feed_type(bare.fields["event"], cells["event_info"], map_event)
    return ExportRow(
        row_no=number,
        created_at=created_at,
        fields=bare.fields,
        actor_name=actor.text("name"),
        actor_uuid=actor.text("uuid"),
        actor_email=_actor_email(actor, cells["event_info"]),
        entity_type=entity.text("type"),
        entity_uuid=entity.text("uuid"),
        entity_name=entity.text("name"),
        feed_type=feed_type,
        feed_type_note=note,
        parse_status=max((cell.status for cell in cells.values()), key=STATUSES.index),
        raw=raw,
        raw_bytes=raw_bytes,
        row_key=hashlib.sha256(bare.raw + b"\0%d" % ordinal).hexdigest(),
        problems=tuple(problems),
        offset=bare.offset,
    )


def _actor_email(actor: Cell, event_info: Cell) -> str | None:
    """The actor's address; where nobody is signed in yet, the address typed stands for it, as in the feed."""
    if actor.status == "empty":
        return event_info.text("email_address")
    return actor.text("metadata", "email_address") or actor.text("email_address")


def _moment(text: str | None) -> datetime | None:
    match = _time.fullmatch(text.strip()) if text else None
    if match is None:
        return None
    day, minutes, seconds, fraction, zulu, hours, rest = match.groups()
    offset = "Z" if zulu else f"{hours}:{rest or '00'}"
    try:
        return parse_rfc3339(f"{day}T{minutes}{seconds or ':00'}{'.' + fraction if fraction else ''}{offset}")
    except (ValueError, OverflowError):  # month 13; the year 0001 moved before itself
        return None


def _feed_type(event: str | None, event_info: Cell, map_event: MapEvent) -> tuple[str | None, str | None]:
    if not event or not event.strip():
        return None, "the row names no event"
    sure = {key: value for key, value in event_info.value.items() if key not in event_info.doubted}
    mapping = map_event(event.strip(), sure)
    if mapping.feed_type is not None:
        return mapping.feed_type, mapping.note or None
    candidates = f"one of {', '.join(mapping.feed_types)}: " if mapping.feed_types else ""
    return None, candidates + mapping.note
