"""A file's bytes, or only their hash: read without more memory than a large object needs anyway.

Promise: what is hashed is what is there, to the end of the file.
"""

import hashlib
import os
import threading
from collections.abc import Iterator

_PIECE = 1 << 18  # stays in the processor's cache while it is hashed; long enough to let other threads run

_own = threading.local()


def whole(handle: int, size: int) -> bytes:
    """All bytes of an open file of about `size`."""
    data = os.read(handle, size + 1)
    more = os.read(handle, 1 << 20)
    if not more:
        return data
    parts = [data]
    while more:
        parts.append(more)
        more = os.read(handle, 1 << 20)
    return b"".join(parts)


def digest(handle: int, size: int) -> tuple[str, int]:
    """The SHA-256 (hexadecimal) and the length of an open file of about `size`."""
    if size < _PIECE:
        data = whole(handle, size)
        return hashlib.sha256(data).hexdigest(), len(data)
    found, length = hashlib.sha256(), 0
    for piece in _pieces(handle):
        found.update(piece)
        length += len(piece)
    return found.hexdigest(), length


def _pieces(handle: int) -> Iterator[memoryview]:
    """Each piece is gone when the next is asked for: all are read into the same place, one for each thread."""
    place: bytearray | None = getattr(_own, "place", None)
    if place is None:
        place = _own.place = bytearray(_PIECE)
    view = memoryview(place)
    while count := os.readv(handle, [place]):
        yield view[:count]
