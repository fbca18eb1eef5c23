"""Attributes of many rows as columns, whether they came row by row or in columns already.

Promise: a column has the type that is asked for; where that is text, numbers and booleans are theirs.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, Protocol

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from warehouse.telemetry import Cells, Coded

TIME: Final = pa.timestamp("us", "UTC")
Convert = Callable[[Any], Any]


class Attributed(Protocol):
    """Rows with attributes."""

    def column(self, name: str, kind: pa.DataType, convert: Convert | None = None) -> pa.Array:
        """One attribute's values by row, null for none. `convert` makes of a value what `kind` holds."""
        ...


class ByRow:
    """Rows that have a dict of attributes each."""

    def __init__(self, values: Sequence[Mapping[str, Any]]) -> None:
        self._values = values

    def column(self, name: str, kind: pa.DataType, convert: Convert | None = None) -> pa.Array:
        return pa.array(_made([one.get(name) for one in self._values], convert), kind)


class ByColumn:
    """Rows whose attributes came in columns."""

    def __init__(self, values: Mapping[str, Cells], rows: int) -> None:
        self._values, self._rows = values, rows

    def column(self, name: str, kind: pa.DataType, convert: Convert | None = None) -> pa.Array:
        cells = self._values.get(name)
        if cells is None:
            return pa.nulls(self._rows, kind)
        if not isinstance(cells, Coded):
            return cells if cells.type == kind else _converted(cells.dictionary_encode(), kind, convert)
        return pa.array(_made(cells.distinct, convert), kind).take(cells.codes)


class Repeated:
    """What groups of rows share: `which` says of each row which of the shared values are its."""

    def __init__(self, shared: Sequence[Mapping[str, Any]], which: NDArray[np.int64]) -> None:
        self._shared, self._which = ByRow(shared), pa.array(which)

    def column(self, name: str, kind: pa.DataType, convert: Convert | None = None) -> pa.Array:
        made = self._shared.column(name, kind, convert)
        return pa.nulls(len(self._which), kind) if made.null_count == len(made) else made.take(self._which)


def texts(rows: Attributed, name: str) -> pa.Array:
    """An attribute as text."""
    return rows.column(name, pa.string(), _text)


def _text(value: Any) -> str:
    return value if type(value) is str else str(value)


def changed(cells: pa.Array, change: Callable[[str], Any]) -> pa.Array:
    """Texts changed, each different one once; empty ones are none."""
    return _converted(cells.dictionary_encode(), pa.string(), lambda one: change(one) if one else None)


def filled(cells: pa.Array) -> pa.Array:
    """Texts, of which an empty one is none."""
    return pc.if_else(pc.equal(cells, ""), pa.scalar(None, pa.string()), cells)


def moments(nanos: NDArray[Any] | Sequence[int]) -> pa.Array:
    """Nanoseconds since 1970 as times; null for what is none."""
    many = np.asarray(nanos, np.uint64)
    absent = (many == 0) | (many >= LATEST)
    micros = (np.where(absent, 0, many) // np.uint64(1000)).astype(np.int64)
    return pa.array(micros, mask=absent).cast(TIME)


LATEST: Final = 4_102_444_800_000_000_000  # nanoseconds; what is after 2100 is no time


def _converted(encoded: pa.DictionaryArray, kind: pa.DataType, convert: Convert | None) -> pa.Array:
    return pa.array(_made(encoded.dictionary.to_pylist(), convert), kind).take(encoded.indices)


def _made(values: list[Any], convert: Convert | None) -> list[Any]:
    return values if convert is None else [None if one is None else convert(one) for one in values]
