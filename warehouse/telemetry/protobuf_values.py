"""Attributes of OTLP in protobuf: encoded names and values into Python's, the common forms quickly.

Promise: what is no name and value in the wire format raises Malformed; bytes and lists of pairs are NESTED.
"""

from struct import Struct
from typing import Final

from warehouse.telemetry.allow_list import NESTED, Value
from warehouse.telemetry.protobuf_wire import Malformed, blob, double, fields, signed, text, unsigned, varint

_float64: Final = Struct("<d").unpack_from
_DEEPEST: Final = 8  # arrays within arrays; none of them may enter anyway


class OtherOrder(Exception):
    """Something other than attributes stands after the attributes."""


def run_of_pairs(data: bytes) -> list[bytes]:
    """The pairs of a run of attributes (field 7), up to the end but for flags."""
    pairs, pos, end = [], 0, len(data)
    while pos < end:
        tag = data[pos]
        if tag == 0x3A:
            size, pos = varint(data, pos + 1)
            if pos + size > end:
                raise Malformed("a field is longer than what is left")
            pairs.append(data[pos : pos + size])
            pos += size
        elif tag == 0x40:  # flags
            _, pos = varint(data, pos + 1)
        else:
            raise OtherOrder
    return pairs


def pairs_of_resource(data: bytes) -> list[bytes]:
    return [blob(value) for number, _, value in fields(data) if number == 1]


def pair_of(data: bytes) -> tuple[str, Value]:
    """Name and value: quickly the common form (name, then one text, integer or double), else the general way."""
    try:
        end = data[1] + 2
        if data[0] == 0x0A and end < 0x80 and data[end] == 0x12 and data[end + 1] + end + 2 == len(data):
            kind, begin = data[end + 2], end + 3
            if kind == 0x0A and data[begin] + begin + 1 == len(data) and data[begin] < 0x80:
                return data[2:end].decode(), data[begin + 1 :].decode()
            if kind == 0x18:
                value, after = varint(data, begin)
                if after == len(data):
                    return data[2:end].decode(), value - (1 << 64) if value >> 63 else value
            if kind == 0x21 and begin + 8 == len(data):
                return data[2:end].decode(), _float64(data, begin)[0]
    except UnicodeDecodeError:
        raise Malformed("a text is no UTF-8") from None
    except IndexError:
        pass
    return _any_pair(data)


def _any_pair(data: bytes) -> tuple[str, Value]:
    name, value = "", NESTED
    for number, _, part in fields(data):
        if number == 1:
            name = text(part)
        elif number == 2:
            value = any_value(blob(part))
    return name, value


def any_value(data: bytes, depth: int = 0) -> Value:
    """A value; NESTED for lists of pairs, bytes, nothing, and what is nested too deeply to matter."""
    found: Value = NESTED
    for number, _, value in fields(data):
        if number == 1:
            found = text(value)
        elif number == 2:
            found = bool(unsigned(value))
        elif number == 3:
            found = signed(value)
        elif number == 4:
            found = double(value)
        elif number == 5 and depth < _DEEPEST:
            found = [any_value(blob(one), depth + 1) for part, _, one in fields(blob(value)) if part == 1]
        else:
            found = NESTED
    return found
