"""What is known of each record of a pull, by its id, in little memory.

Promise: it answers as a dict of the same assignments would. The newest entries are in one; beyond some hundred
thousand they are packed into columns, which take a fifth of the memory: a day of millions of records can be
compared with what is held of it.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Generic, TypeVar

import numpy as np
import pyarrow as pa

UNPACKED = 250_000  # entries at the most that are kept as Python's objects

T = TypeVar("T", bound=tuple[Any, ...])


class RecordMap(Generic[T]):
    """Tuples by record id. `schema` has the columns of a tuple (numbers; few different texts as a dictionary;
    hexadecimal text, never null, as binary of fixed size), and `make` makes it of their values again."""

    def __init__(
        self, schema: pa.Schema, make: Callable[[Iterable[Any]], T], *, unpacked: int | None = None
    ) -> None:
        self._schema, self._make, self._unpacked = schema, make, unpacked or UNPACKED
        self._fresh: dict[str, T] = {}
        self._packed: list[_Packed] = []  # the newest first

    def __bool__(self) -> bool:
        return bool(self._fresh or self._packed)

    def update(self, entries: Iterable[tuple[str, T]]) -> None:
        """Assign each; the last of an id counts."""
        self._fresh.update(entries)
        if len(self._fresh) >= self._unpacked:
            self._packed.insert(0, _Packed(self._fresh, self._schema))
            self._fresh = {}

    def get_all(self, ids: Sequence[str]) -> list[T | None]:
        """What is known of each of these, in their order."""
        found: list[Any] = list(map(self._fresh.get, ids))
        for packed in self._packed:
            open_ = [position for position, one in enumerate(found) if one is None]
            places, rows = packed.find([ids[position] for position in open_])
            for place, value in zip(places, packed.values(rows), strict=True):
                found[open_[place]] = self._make(value)
        return found

    def has_any(self, ids: Sequence[str]) -> bool:
        """Is anything known of one of these."""
        return not self._fresh.keys().isdisjoint(ids) or any(packed.find(ids)[0] for packed in self._packed)

    def missing_from(self, other: "RecordMap[Any]") -> dict[str, T]:
        """The entries whose ids the other one does not have."""
        found: dict[str, T] = {}
        for ids in self._ids():
            missing = [one for one, known in zip(ids, other.get_all(ids), strict=True) if known is None]
            entries = zip(missing, self.get_all(missing), strict=True)
            found.update((one, value) for one, value in entries if value is not None)
        return found

    def _ids(self) -> Iterator[list[str]]:
        yield list(self._fresh)
        for packed in self._packed:
            yield packed.ids.to_pylist()


class _Packed:
    """Entries in the order of their ids' hashes, which are found by halving."""

    def __init__(self, entries: dict[str, Any], schema: pa.Schema) -> None:
        hashes = _hashes(entries)
        order = np.argsort(hashes, kind="stable")
        self._hashes = hashes[order]
        names, values = list(entries), list(entries.values())
        self.ids = pa.array([names[row] for row in order], pa.large_string())
        columns = zip(*(values[row] for row in order), strict=True)
        self._columns = [_column(column, kind) for column, kind in zip(columns, schema.types, strict=True)]

    def find(self, ids: Sequence[str]) -> tuple[list[int], list[int]]:
        """Which of these are here, by their positions, and in which rows."""
        hashes = _hashes(ids)
        first = np.searchsorted(self._hashes, hashes)
        (hits,) = np.nonzero(self._hashes[np.minimum(first, len(self._hashes) - 1)] == hashes)
        found = self.ids.take(pa.array(first[hits])).to_pylist()
        places, rows = [], []
        for place, row, there in zip(hits.tolist(), first[hits].tolist(), found, strict=True):
            here: int | None = row if there == ids[place] else self._among_equal(ids[place], row)
            if here is not None:
                places.append(place)
                rows.append(here)
        return places, rows

    def _among_equal(self, record_id: str, first: int) -> int | None:
        """The row of an id, the first of whose hash is another's."""
        end = int(np.searchsorted(self._hashes, self._hashes[first], side="right"))
        return next((row for row in range(first, end) if self.ids[row].as_py() == record_id), None)

    def values(self, rows: list[int]) -> list[tuple[Any, ...]]:
        """The tuples of these rows."""
        places = pa.array(rows, pa.int64())
        return list(zip(*(_values(column.take(places)) for column in self._columns), strict=True))


def _hashes(ids: Iterable[str]) -> np.ndarray[Any, np.dtype[np.int64]]:
    return np.fromiter(map(hash, ids), np.int64)


def _column(values: Sequence[Any], kind: pa.DataType) -> pa.Array:
    if pa.types.is_fixed_size_binary(kind):
        return pa.FixedSizeBinaryArray.from_buffers(
            kind, len(values), [None, pa.py_buffer(bytes.fromhex("".join(values)))]
        )
    return pa.array(values, kind)


def _values(column: pa.Array) -> list[Any]:
    """As `to_pylist` has them, in a fraction of its time."""
    values: list[Any]
    if pa.types.is_fixed_size_binary(column.type):
        text, size = b"".join(column.to_pylist()).hex(), 2 * column.type.byte_width
        return [text[begin : begin + size] for begin in range(0, len(text), size)]
    if pa.types.is_dictionary(column.type):
        names = column.dictionary.to_pylist()
        return [names[number] for number in column.indices.to_numpy().tolist()]
    values = column.to_pylist() if column.null_count else column.to_numpy(zero_copy_only=False).tolist()
    return values
