"""Arrow arrays and scalars out of Python's and numpy's values, and back, through their buffers.

Promise: nothing here loads pandas. `pyarrow.array` and `scalar` would, to see whether they were given one of its
objects, and so would `to_numpy`; it costs tens of megabytes and more time than many a run takes.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import accumulate
from typing import Any

import numpy as np
import pyarrow as pa

TIME = pa.timestamp("us", "UTC")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def numbers(values: Any) -> pa.Array:
    """A numpy array of numbers without a null; its memory is shared."""
    values = np.ascontiguousarray(values)
    return pa.Array.from_buffers(pa.from_numpy_dtype(values.dtype), len(values), [None, pa.py_buffer(values)])


def flags(values: Any) -> pa.Array:
    """A numpy array of booleans."""
    return pa.Array.from_buffers(pa.bool_(), len(values), [None, _bits(values)])


def integers(values: Sequence[int | None], type: pa.DataType) -> pa.Array:
    """Whole numbers, or moments in microseconds where the type is one of time."""
    known = np.array([value is not None for value in values], bool)
    plain = np.array([0 if value is None else value for value in values], np.dtype(f"i{type.bit_width // 8}"))
    held = [None if known.all() else _bits(known), pa.py_buffer(plain)]
    return pa.Array.from_buffers(type, len(values), held)


def texts(values: Sequence[str | None], type: pa.DataType | None = None) -> pa.Array:
    """Texts, as an array of strings or of binary."""
    kind = type or pa.string()
    if None not in values:
        together = "".join(values)  # type: ignore[arg-type]
        if together.isascii() and not _is_large(kind):  # nearly always, and then a letter is a byte
            ends = np.zeros(len(values) + 1, np.int32)
            np.cumsum(np.fromiter(map(len, values), np.int32, len(values)), out=ends[1:])  # type: ignore[arg-type]
            return pa.Array.from_buffers(
                kind, len(values), [None, pa.py_buffer(ends), pa.py_buffer(together.encode())]
            )
    return of_bytes([None if value is None else value.encode() for value in values], kind)


def of_bytes(values: Sequence[bytes | None], type: pa.DataType | None = None) -> pa.Array:
    """Bytes, as an array of binary or of strings."""
    known = np.array([value is not None for value in values], bool)
    filled = [value or b"" for value in values]
    kind = type or pa.binary()
    ends = np.array([0, *accumulate(map(len, filled))], np.int64 if _is_large(kind) else np.int32)
    held = [None if known.all() else _bits(known), pa.py_buffer(ends), pa.py_buffer(b"".join(filled))]
    return pa.Array.from_buffers(kind, len(values), held)


def one(value: Any, type: pa.DataType) -> pa.Array:
    """An array of one value: a text, a number, a truth, a moment, a list of texts, or nothing."""
    if value is None:
        return pa.nulls(1, type)
    if pa.types.is_list(type):
        return pa.ListArray.from_arrays(numbers(np.array([0, len(value)], np.int32)), texts(value))
    if pa.types.is_boolean(type):
        return flags(np.array([value]))
    if pa.types.is_string(type):
        return texts([value])
    return integers([micros(value) if isinstance(value, datetime) else value], type)


def text(value: str | None) -> pa.Scalar:
    """One text as Arrow's functions take it beside an array."""
    return texts([value])[0]


def moment(at: datetime | None) -> pa.Scalar:
    """A moment, UTC."""
    return integers([None if at is None else micros(at)], TIME)[0]


def micros(at: datetime) -> int:
    """Microseconds since 1970, UTC."""
    return (at - _EPOCH) // timedelta(microseconds=1)


def laid_out(values: pa.Array) -> tuple[Any, Any, Any]:
    """Of texts or bytes: where each starts, how long it is, and the bytes of all of them; numpy arrays."""
    kind = np.int64 if _is_large(values.type) else np.int32
    if not len(values):
        return np.zeros(0, kind), np.zeros(0, kind), np.zeros(0, np.uint8)
    _, offsets, data = values.buffers()
    ends = np.frombuffer(offsets, kind)[values.offset : values.offset + len(values) + 1]
    held = np.frombuffer(data, np.uint8)[ends[0] : ends[-1]] if data is not None else np.zeros(0, np.uint8)
    return ends[:-1] - ends[0], np.diff(ends), held


def plain(values: pa.Array) -> Any:
    """Numbers or moments as a numpy array that shares their memory; what is null is any number."""
    width = values.type.bit_width // 8
    kind = np.float64 if pa.types.is_floating(values.type) else np.dtype(f"i{width}")
    if not len(values):
        return np.zeros(0, kind)
    return np.frombuffer(values.buffers()[1], kind, len(values), values.offset * width)


def known(values: pa.Array) -> Any:
    """Which values are not null, as a numpy array of booleans."""
    if not values.null_count:
        return np.ones(len(values), bool)
    return _booleans(values.is_valid())


def _is_large(type: pa.DataType) -> bool:
    return bool(pa.types.is_large_binary(type)) or bool(pa.types.is_large_string(type))


def _booleans(values: pa.Array) -> Any:
    bits = np.unpackbits(np.frombuffer(values.buffers()[1], np.uint8), bitorder="little")
    return bits[values.offset : values.offset + len(values)].astype(bool)


def _bits(values: Any) -> pa.Buffer:
    return pa.py_buffer(np.packbits(values, bitorder="little"))
