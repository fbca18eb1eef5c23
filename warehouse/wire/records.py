"""A page's bytes into its records' bytes, and a record's canonical form.

Promise: a record comes out as exactly the bytes that were served, whatever is in it: duplicate keys, integers
beyond 64 bits, invalid UTF-8 and lone surrogates included. What is no page is refused with the reason.
"""

import hashlib
import json
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import msgspec


class NotAPage(ValueError):
    """A 200 whose body is not a page of records; the text says why."""


class _Envelope(msgspec.Struct):
    data: list[msgspec.Raw] | None = None
    summaries: msgspec.Raw = msgspec.Raw()
    settings: msgspec.Raw = msgspec.Raw()
    type: msgspec.Raw = msgspec.Raw()
    has_more: bool | None = None
    first_id: str | None = None
    last_id: str | None = None
    next_page: str | None = None
    data_refreshed_at: str | None = None


@dataclass(frozen=True)
class PageBody:
    """The paging envelope of one response and its records, verbatim, in page order."""

    records: list[bytes]
    has_more: bool | None
    first_id: str | None
    last_id: str | None
    next_page: str | None = None
    data_refreshed_at: str | None = None


_page_decoder = msgspec.json.Decoder(_Envelope)
_array_decoder = msgspec.json.Decoder(list[msgspec.Raw])
_SETTINGS = b'"effective_organization_settings"'
# Numbers keep their text: Decimal for what has a point or an exponent, int of any length for the rest.
_value_decoder = msgspec.json.Decoder(float_hook=Decimal)
_canonical_encoder = msgspec.json.Encoder(order="sorted", decimal_format="number")


def split_page(body: bytes) -> PageBody:
    """Split a page body into verbatim records.

    `data` holds them. Two answers have another shape: `summaries` was the array's name until summer 2026
    (reference 3.2), and the settings of an organisation are one object, which is then the one record (1.7).

    Raises NotAPage when the body is not JSON, not an object, or does not have exactly one such array.
    """
    try:
        envelope = _page_decoder.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        # A strict decoder stops at one broken character; the other ten thousand records must not suffer.
        return _split_tolerantly(body)
    if envelope.data is None:
        records = _otherwise_shaped(envelope, body)
    else:
        records = [bytes(record) for record in envelope.data]
        if _names_data_twice(body, records):
            return _split_tolerantly(body)  # of two `data` the decoder keeps one and says nothing
    return PageBody(
        records=records,
        has_more=envelope.has_more,
        first_id=envelope.first_id,
        last_id=envelope.last_id,
        next_page=envelope.next_page,
        data_refreshed_at=envelope.data_refreshed_at,
    )


def _otherwise_shaped(envelope: _Envelope, body: bytes) -> list[bytes]:
    if bytes(envelope.type) == _SETTINGS and bytes(envelope.settings).startswith(b"["):
        return [body.strip()]
    if bytes(envelope.summaries).startswith(b"["):
        return [bytes(record) for record in _array_decoder.decode(envelope.summaries)]
    raise NotAPage("the body has no `data` array")


def _names_data_twice(body: bytes, records: list[bytes]) -> bool:
    """Whether `"data"` may be a key of the envelope twice. Records that follow each other with a comma between are
    compared as one stretch, which is quicker than a search in them, and cannot hold a key of the envelope."""
    stretch = b",".join(records)
    start = body.find(records[0]) if records else -1
    if start >= 0 and body.startswith(stretch, start):
        body = body[:start] + body[start + len(stretch) :]
    return body.count(b'"data"') > 1


def decode(record: bytes) -> Any:
    """A record as Python values with numbers exact (int of any size, Decimal). Duplicate keys: the last wins.

    Raises ValueError (msgspec.DecodeError, UnicodeDecodeError) or RecursionError where it is not decodable.
    """
    try:
        return _value_decoder.decode(record)
    except ArithmeticError as error:
        raise ValueError("a number's exponent is beyond what can be kept exactly") from error


def canonical(value: Any) -> bytes:
    """A decoded value in sorted-key form, the preimage of `content_sha256`."""
    return _canonical_encoder.encode(value)


def content_sha256(record: bytes) -> str:
    """Hex SHA-256 of the record's sorted-key form: reordered keys or white space change nothing.

    A record that loses something on decoding (duplicate keys) or cannot be decoded is hashed as served.
    """
    try:
        value = decode(record)
    except (ValueError, RecursionError):
        return hashlib.sha256(record).hexdigest()
    form = canonical(value)
    # A key that is lost takes its colon along, and only an escape can hide one: no need to look any closer.
    if (b"\\" in record or form.count(b":") != record.count(b":")) and has_duplicate_keys(record):
        form = record
    return hashlib.sha256(form).hexdigest()


def has_duplicate_keys(record: bytes) -> bool:
    """Whether any object in the record names a key twice (a decoder would silently keep one of them)."""
    found = False

    def check(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        nonlocal found
        as_dict = dict(pairs)
        found = found or len(as_dict) != len(pairs)
        return as_dict

    try:
        text = record.decode()
    except UnicodeDecodeError:
        text = record.decode("latin-1")  # maps each byte to one character, so any bytes can be scanned
    try:
        json.loads(text, object_pairs_hook=check, parse_float=str, parse_int=str)
    except (ValueError, RecursionError):
        return False
    return found


_WHITE = " \t\r\n"


def _split_tolerantly(body: bytes) -> PageBody:
    """The slow way round a broken character: scan as latin-1, one character a byte, cut at the offsets.

    Accepts what a strict decoder does not: any byte, and control characters, inside a text.
    """
    text = body.decode("latin-1")
    scan = json.JSONDecoder(parse_float=str, parse_int=str, strict=False).raw_decode
    envelope: dict[str, bytes] = {}
    records: list[bytes] | None = None
    try:
        position = _skip(text, 0)
        if text[position] != "{":
            raise NotAPage("the body is not a JSON object")
        position = _skip(text, position + 1)
        while text[position] != "}":
            if text[position] != '"':
                raise NotAPage("the body is not well-formed JSON")
            name, position = scan(text, position)
            position = _expect(text, position, ":")
            if name != "data":
                _, end = scan(text, position)
                envelope[name] = body[position:end]
                position = _comma_or(text, end, "}")
                continue
            if records is not None:
                raise NotAPage("the body has two members named `data`")
            if text[position] != "[":
                raise NotAPage("the body has no `data` array")
            records = []
            position = _skip(text, position + 1)
            while text[position] != "]":
                _, end = scan(text, position)
                records.append(body[position:end])
                position = _comma_or(text, end, "]")
            position = _comma_or(text, position + 1, "}")
        if text[position + 1 :].strip(_WHITE):
            raise NotAPage("there is more after the end of the JSON object")
    except (json.JSONDecodeError, IndexError) as error:
        raise NotAPage("the body is not complete JSON") from error
    except RecursionError as error:
        raise NotAPage("the body nests deeper than can be read") from error
    if records is None:
        raise NotAPage("the body has no `data` array")

    def text_or_none(name: str) -> str | None:
        value = _envelope_value(envelope.get(name))
        return value if isinstance(value, str) else None

    more = _envelope_value(envelope.get("has_more"))
    return PageBody(
        records=records,
        has_more=more if isinstance(more, bool) else None,
        first_id=text_or_none("first_id"),
        last_id=text_or_none("last_id"),
        next_page=text_or_none("next_page"),
        data_refreshed_at=text_or_none("data_refreshed_at"),
    )


def _envelope_value(raw: bytes | None) -> Any:
    """A member of the envelope, or None where it is absent or broken itself: half a cursor leads nowhere."""
    if raw is None:
        return None
    try:
        return msgspec.json.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def _skip(text: str, position: int) -> int:
    while text[position] in _WHITE:
        position += 1
    return position


def _expect(text: str, position: int, mark: str) -> int:
    position = _skip(text, position)
    if text[position] != mark:
        raise NotAPage("the body is not well-formed JSON")
    return _skip(text, position + 1)


def _comma_or(text: str, position: int, closing: str) -> int:
    position = _skip(text, position)
    if text[position] == ",":
        position = _skip(text, position + 1)
        if text[position] == closing:
            raise NotAPage("the body is not well-formed JSON")
        return position
    if text[position] != closing:
        raise NotAPage("the body is not well-formed JSON")
    return position
