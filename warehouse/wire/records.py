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
# Numbers keep their text: Decimal for what has a point or an exponent, int of any length for the rest.
_value_decoder = msgspec.json.Decoder(float_hook=Decimal)
_canonical_encoder = msgspec.json.Encoder(order="sorted", decimal_format="number")


def split_page(body: bytes) -> PageBody:
    """Split a page body into verbatim records.

    Raises NotAPage when the body is not JSON, not an object, or has no `data` array.
    """
    try:
        envelope = _page_decoder.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        # A strict decoder stops at one broken character; the other ten thousand records must not suffer.
        return _split_tolerantly(body)
    if envelope.data is None:
        raise NotAPage("the body has no `data` array")
    return PageBody(
        records=[bytes(record) for record in envelope.data],
        has_more=envelope.has_more,
        first_id=envelope.first_id,
        last_id=envelope.last_id,
        next_page=envelope.next_page,
        data_refreshed_at=envelope.data_refreshed_at,
    )


def decode(record: bytes) -> Any:
    """A record as Python values with numbers exact (int of any size, Decimal). Duplicate keys: the last wins.

    Raises ValueError (msgspec.DecodeError, UnicodeDecodeError) or RecursionError where it is not decodable.
    """
    return _value_decoder.decode(record)


def canonical(value: Any) -> bytes:
    """A decoded value in sorted-key form, the preimage of `content_sha256`."""
    return _canonical_encoder.encode(value)


def content_sha256(record: bytes) -> str:
    """Hex SHA-256 of the record's sorted-key form: a mere reordering of keys or of white space changes nothing.

    A record that loses something on decoding (duplicate keys) or cannot be decoded is hashed as served.
    """
    try:
        value = decode(record)
    except (ValueError, RecursionError):
        return hashlib.sha256(record).hexdigest()
    form = canonical(value)
    if len(form) != len(record) and has_duplicate_keys(record):
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
        # latin-1 maps each byte to one character, so any bytes can be scanned
        json.loads(record.decode("latin-1"), object_pairs_hook=check, parse_float=str, parse_int=str)
    except (ValueError, RecursionError):
        return False
    return found


_WHITE = " \t\r\n"


def _split_tolerantly(body: bytes) -> PageBody:
    """The slow way round a broken character: scan as latin-1, one character a byte, and cut at the offsets."""
    text = body.decode("latin-1")
    scan = json.JSONDecoder(parse_float=str, parse_int=str).raw_decode
    try:
        position = _skip(text, 0)
        if text[position] != "{":
            raise NotAPage("the body is JSON but not an object")
        position = _skip(text, position + 1)
        envelope: dict[str, Any] = {}
        records: list[bytes] | None = None
        while text[position] != "}":
            name, position = scan(text, position)
            position = _expect(text, position, ":")
            if name == "data" and text[position] == "[":
                records = []
                position = _skip(text, position + 1)
                while text[position] != "]":
                    _, end = scan(text, position)
                    records.append(body[position:end])
                    position = _comma_or(text, end, "]")
                position += 1
            else:
                envelope[name], position = scan(text, position)
            position = _comma_or(text, position, "}")
    except (json.JSONDecodeError, IndexError) as error:
        raise NotAPage("the body is not complete JSON") from error
    except RecursionError as error:
        raise NotAPage("the body nests deeper than can be read") from error
    if records is None:
        raise NotAPage("the body has no `data` array")

    def text_or_none(name: str) -> str | None:
        value = envelope.get(name)
        return value if isinstance(value, str) else None

    more = envelope.get("has_more")
    return PageBody(
        records=records,
        has_more=more if isinstance(more, bool) else None,
        first_id=text_or_none("first_id"),
        last_id=text_or_none("last_id"),
        next_page=text_or_none("next_page"),
        data_refreshed_at=text_or_none("data_refreshed_at"),
    )


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
        return _skip(text, position + 1)
    if text[position] != closing:
        raise NotAPage("the body is not well-formed JSON")
    return position
