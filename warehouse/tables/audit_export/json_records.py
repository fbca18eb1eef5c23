"""The export as JSON, should it come so: an array, `{"data": [...]}`, or one object a line.

Promise: each record comes out as exactly the bytes it stood in; a line that is no record is kept and reported.
No stored source shows such a file (reference section 2: uncertain), so all three shapes are taken.
"""

import json
import re
from typing import Any, Final

import msgspec

from warehouse.tables.audit_export.cells import whole_characters
from warehouse.tables.audit_export.errors import ColumnsMissing, NotAnExport
from warehouse.tables.audit_export.fields import EXPECTED, FIELDS, what_was_found
from warehouse.wire.records import NotAPage, has_duplicate_keys, split_page

_WHITE: Final = b" \t\r\n"
_object = msgspec.json.Decoder(dict[str, msgspec.Raw])
_text = msgspec.json.Decoder(str)
_line = re.compile(rb"[^\r\n]+")


def is_json(data: bytes) -> bool:
    """Whether the file begins as a JSON array or object."""
    return data[:64].lstrip(_WHITE)[:1] in (b"[", b"{")


def split_json(data: bytes, where: str) -> tuple[str, list[bytes], tuple[str, ...]]:
    """The format (`json` or `ndjson`), the verbatim records, and the keys beyond the nine.

    Raises NotAnExport (not JSON, no records) or ColumnsMissing (records without some of the nine fields).
    """
    form, records = _records(data, where)
    if not records:
        raise NotAnExport(f"{where}: found JSON without a single record, so nothing shows what it is; {EXPECTED}")
    names: dict[str, None] = {}
    for record in records:
        names.update(dict.fromkeys(keys_of(record)))
    missing = tuple(field for field in FIELDS if field not in names)
    if missing:
        found = what_was_found(list(names), "key")
        raise ColumnsMissing(
            f"{where}: no record has {', '.join(missing)}; found {len(records):,} "
            f"record{'' if len(records) == 1 else 's'} with {found}; "
            f"{EXPECTED}",
            missing,
        )
    return form, records, tuple(name for name in names if name not in FIELDS)


def keys_of(record: bytes) -> list[str]:
    """The keys of a record; none where it is not an object."""
    decoded = _decode(record)[0]
    return [whole_characters(key) for key in decoded] if decoded else []


def read_record(record: bytes) -> tuple[dict[str, str | None], list[str]]:
    """The nine fields of a record as text (an object stays its JSON text, null is None), and what is wrong."""
    decoded, problems = _decode(record)
    if decoded is None:
        return dict.fromkeys(FIELDS), problems
    absent = [field for field in FIELDS if field not in decoded]
    if absent:
        problems.append(f"the record has no {', '.join(absent)}")
    if any(record.count(b'"%s"' % field.encode()) > 1 for field in FIELDS) and has_duplicate_keys(record):
        problems.append("the record holds a key twice; the last one was read")
    return {field: _as_text(decoded.get(field)) for field in FIELDS}, problems


def _records(data: bytes, where: str) -> tuple[str, list[bytes]]:
    body = data.strip(_WHITE)
    if body.startswith(b"["):
        try:
            return "json", split_page(b'{"data":' + body + b"}").records
        except NotAPage as error:
            raise NotAnExport(f"{where}: found a JSON array that is broken or cut off; {EXPECTED}") from error
    try:
        return "json", split_page(body).records
    except NotAPage:
        lines: list[bytes] = [line.strip(_WHITE) for line in _line.findall(body)]
    lines = [line for line in lines if line]
    if _decode(lines[0])[0] is None:
        raise NotAnExport(
            f"{where}: begins like JSON, but is neither an array, an object with a `data` array, nor one object "
            f"a line; {EXPECTED}"
        )
    return "ndjson", lines


def _decode(record: bytes) -> tuple[dict[str, bytes] | None, list[str]]:
    try:
        return {key: bytes(value) for key, value in _object.decode(record).items()}, []
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        pass
    try:  # the patient way: broken characters, lone surrogates
        text = record.decode("utf-8", "replace")
        value: Any = json.loads(text, parse_float=str, parse_int=str)
    except (ValueError, RecursionError):
        return None, ["the line is not JSON"]
    if not isinstance(value, dict):
        return None, ["the record is not an object"]
    spans = _value_spans(text)
    return {key: span.encode("utf-8", "surrogatepass") for key, span in spans.items()}, []


def _value_spans(text: str) -> dict[str, str]:
    """The verbatim text of each value of an object that is known to be valid JSON."""
    scan = json.JSONDecoder(parse_float=str, parse_int=str).raw_decode
    white = re.compile(r"[ \t\r\n]*")

    def skip(position: int) -> int:
        match = white.match(text, position)
        return match.end() if match else position

    spans: dict[str, str] = {}
    position = skip(skip(0) + 1)
    while text[position] != "}":
        key, position = scan(text, position)
        start = skip(skip(position) + 1)
        _, end = scan(text, start)
        spans[key] = text[start:end]
        position = skip(end)
        if text[position] == ",":
            position = skip(position + 1)
    return spans


def _as_text(value: bytes | None) -> str | None:
    if value is None or value == b"null":
        return None
    if not value.startswith(b'"'):
        return value.decode("utf-8", "replace")
    try:
        return _text.decode(value)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return whole_characters(json.loads(value.decode("utf-8", "replace"), strict=False))
