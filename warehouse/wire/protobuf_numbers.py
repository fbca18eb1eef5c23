"""Numbers as protobuf writes them."""

import struct

fixed64 = struct.Struct("<Q").pack


def varint(number: int) -> bytes:
    """A number that is not negative, seven bits a byte, the least of them first."""
    if number < 0x80:
        return bytes((number,))
    if number < 0x4000:
        return bytes((number & 0x7F | 0x80, number >> 7))
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)
