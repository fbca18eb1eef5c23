"""Frames side by side in one piece of memory, so that a batch of them is cut and measured without a copy."""

from collections.abc import Iterator, Sequence
from typing import Any, overload

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from warehouse.wire import arrays


class Frames(Sequence[bytes]):
    """Encoded events in an Arrow array of large binary, without a null."""

    __slots__ = ("array",)

    def __init__(self, array: pa.LargeBinaryArray) -> None:
        self.array = array

    @classmethod
    def of(cls, frames: Sequence[bytes]) -> "Frames":
        return cls(arrays.of_bytes(frames, pa.large_binary()))

    def __len__(self) -> int:
        return len(self.array)

    @overload
    def __getitem__(self, place: int) -> bytes: ...
    @overload
    def __getitem__(self, place: slice) -> "Frames": ...
    def __getitem__(self, place: int | slice) -> "bytes | Frames":
        found = self.array[place]
        return Frames(found) if isinstance(place, slice) else found.as_py()

    def __iter__(self) -> Iterator[bytes]:
        return iter(self.array.to_pylist())

    @property
    def sizes(self) -> Any:
        """Bytes of each, a numpy array."""
        return arrays.laid_out(self.array)[1]

    def chosen(self, places: Sequence[int]) -> "Frames":
        return Frames(self.array.take(arrays.numbers(np.asarray(places, np.int64))))

    def joined(self, other: "Frames") -> "Frames":
        return Frames(pa.concat_arrays([self.array, other.array])) if len(self) else other


NO_FRAMES = Frames.of([])


def together(frames: Sequence[bytes], separator: bytes = b"", before: bytes = b"", after: bytes = b"") -> bytes:
    """One frame behind the other, and what stands before and after them all."""
    return b"".join((before, side_by_side(frames, separator), after))


def side_by_side(frames: Sequence[bytes], separator: bytes = b"") -> bytes | memoryview:
    """One frame behind the other, for who does not keep it: where they lie so, no byte is copied."""
    if not isinstance(frames, Frames) or not len(frames):
        return separator.join(frames)
    return _joined(frames, separator) if separator else _as_they_lie(frames)


def _joined(frames: Frames, separator: bytes) -> memoryview:
    whole = pa.ListArray.from_arrays(arrays.numbers(np.array([0, len(frames)], np.int32)), frames.array)
    return memoryview(pc.binary_join(whole, arrays.of_bytes([separator], pa.large_binary())[0])[0].as_buffer())


def _as_they_lie(frames: Frames) -> memoryview:
    array = frames.array
    first, last = np.frombuffer(array.buffers()[1], np.int64)[[array.offset, array.offset + len(array)]]
    return memoryview(array.buffers()[2])[first:last]
