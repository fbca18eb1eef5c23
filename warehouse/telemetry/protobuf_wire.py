"""The protobuf wire format: fields of a message, one after the other.

Promise: any bytes end in fields or in NotTelemetry; nothing is read beyond the end of a message.
"""

from collections.abc import Iterator
from struct import Struct
from typing import Final

from warehouse.telemetry.errors import NotTelemetry

VARINT, FIXED64, LENGTH, FIXED32 = 0, 1, 2, 5
_fixed64: Final = Struct("<Q").unpack_from
_fixed32: Final = Struct("<I").unpack_from
_double: Final = Struct("<d").unpack_from


class Malformed(NotTelemetry):
    """No protobuf, or cut off. Its text is completed with the file's name by the reader."""


def fields(data: bytes) -> Iterator[tuple[int, int, bytes | int]]:
    """(number, wire type, value): bytes for LENGTH, an unsigned integer else. Raises Malformed."""
    pos, end = 0, len(data)
    while pos < end:
        tag, pos = varint(data, pos)
        number, kind = tag >> 3, tag & 7
        if not number:
            raise Malformed("a field has the number 0")
        if kind == LENGTH:
            size, pos = varint(data, pos)
            stop = pos + size
            if stop > end:
                raise Malformed("a field is longer than what is left")
            yield number, kind, data[pos:stop]
            pos = stop
        elif kind == VARINT:
            value, pos = varint(data, pos)
            yield number, kind, value
        elif kind in (FIXED64, FIXED32):
            width = 8 if kind == FIXED64 else 4
            if pos + width > end:
                raise Malformed("a field is cut off")
            yield number, kind, (_fixed64 if width == 8 else _fixed32)(data, pos)[0]
            pos += width
        else:
            raise Malformed(f"a field has the wire type {kind}")


def messages(data: bytes, pos: int, end: int) -> Iterator[tuple[int, int, int]]:
    """(number, start, end) of the fields between two places that are messages or texts; others are passed over.
    Raises Malformed."""
    while pos < end:
        tag, pos = varint(data, pos)
        kind = tag & 7
        if tag < 8:
            raise Malformed("a field has the number 0")
        if kind == LENGTH:
            size, pos = varint(data, pos)
            if pos + size > end:
                raise Malformed("a field is longer than what is left")
            yield tag >> 3, pos, pos + size
            pos += size
        elif kind == VARINT:
            _, pos = varint(data, pos)
        elif kind in (FIXED64, FIXED32):
            pos += 8 if kind == FIXED64 else 4
        else:
            raise Malformed(f"a field has the wire type {kind}")
    if pos > end:
        raise Malformed("a field is cut off")


def varint(data: bytes, pos: int) -> tuple[int, int]:
    """An unsigned integer of at most 64 bits, and where it ends. Raises Malformed."""
    value = shift = 0
    try:
        while True:
            byte = data[pos]
            pos += 1
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                break
            shift += 7
            if shift > 63:
                raise Malformed("an integer is longer than 64 bits")
    except IndexError:
        raise Malformed("an integer is cut off") from None
    return value & 0xFFFF_FFFF_FFFF_FFFF, pos


def text(value: bytes | int) -> str:
    """A string field. Raises Malformed for what is no UTF-8."""
    try:
        return blob(value).decode()
    except UnicodeDecodeError:
        raise Malformed("a text is no UTF-8") from None


def blob(value: bytes | int) -> bytes:
    """A message, string or bytes field. Raises Malformed for a number in its place."""
    if isinstance(value, bytes):
        return value
    raise Malformed("a number stands where a message or a text belongs")


def unsigned(value: bytes | int) -> int:
    """A number. Raises Malformed for a message in its place."""
    if isinstance(value, int):
        return value
    raise Malformed("a text or a message stands where a number belongs")


def signed(value: bytes | int) -> int:
    """The same as a signed integer of 64 bits."""
    number = unsigned(value)
    return number - (1 << 64) if number >> 63 else number


def double(value: bytes | int) -> float:
    """A FIXED64 field as the double it holds."""
    return float(_double(unsigned(value).to_bytes(8, "little"), 0)[0])
