"""A plain icon as PNG bytes, so that an app that must have one needs no picture from anywhere."""

from __future__ import annotations

import struct
import zlib

_INK = (0x1F, 0x3A, 0x5F)
_PAPER = (0xF4, 0xF1, 0xEA)


def png(size: int) -> bytes:
    """Three ruled lines on paper, `size` pixels square; the same bytes each time."""
    rows = bytearray()
    for y in range(size):
        rows.append(0)  # no filter
        for x in range(size):
            line = (y * 9 // size) in (2, 4, 6) and size // 6 <= x < size - size // 6
            rows += bytes(_INK if line else _PAPER)
    header = struct.pack(">IIBBBBB", size, size, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + _chunk(b"IHDR", header)
        + _chunk(b"IDAT", zlib.compress(bytes(rows), 9))
        + _chunk(b"IEND", b"")
    )


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
