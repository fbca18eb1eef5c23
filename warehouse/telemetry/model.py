"""What a telemetry file says once content is out of it: groups of points, events and spans under their resource.

Promise: nothing in here was read from an attribute that the allow-list does not name.
"""

from collections import Counter
from typing import Any, Literal, NamedTuple, TypeAlias

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

Signal = Literal["metrics", "logs", "traces"]


class Attributes(NamedTuple):
    """Attributes that may enter: typed by name (`values`) and as OTLP JSON, an array, in the order and with the
    wire types they came in (`json`). `removed`: the counted names of those that may not, one for each."""

    values: dict[str, Any]
    json: bytes
    removed: tuple[str, ...] = ()


NO_ATTRIBUTES = Attributes({}, b"[]")


class Point(NamedTuple):
    """One data point. Times are nanoseconds since 1970, 0 where there is none. `value` is None where the point has
    no number (`NoRecordedValue`, histograms), and may be no finite one."""

    attributes: Attributes
    start: int
    time: int
    value: int | float | None


class Metric(NamedTuple):
    """Points of one metric. `kind` is sum, gauge, histogram, exponential_histogram or summary; `temporality` is
    delta, cumulative or unspecified."""

    name: str
    unit: str
    kind: str
    temporality: str
    monotonic: bool
    points: list[Point]


class Record(NamedTuple):
    """One log record. `body` is `claude_code.<name>` of a known event, else empty; `severity` its number, 0 for
    none."""

    attributes: Attributes
    time: int
    observed: int
    severity: int
    body: str
    event_name: str
    trace_id: str
    span_id: str


class Span(NamedTuple):
    """One span. `status` is 0 unset, 1 ok, 2 error."""

    attributes: Attributes
    name: str
    kind: int
    start: int
    end: int
    trace_id: str
    span_id: str
    parent_id: str
    status: int


class Group(NamedTuple):
    """What one scope of one resource sent."""

    resource: Attributes
    scope: str
    scope_version: str
    metrics: list[Metric]
    records: list[Record]
    spans: list[Span]


class Coded(NamedTuple):
    """Values of any types, each once, and which of them each row has (null: none)."""

    distinct: list[Any]
    codes: pa.Array


Cells: TypeAlias = pa.Array | Coded


class Heads(NamedTuple):
    """Of log records, a list for each field, as in Record."""

    severity: list[int]
    event_name: list[str]
    body: list[str]
    trace_id: list[str]
    span_id: list[str]


class RecordColumns(NamedTuple):
    """Log records, a row each. `group` says which group of their message they are of, ascending; times are as in
    Record.

    `values` has, of each attribute that is kept, its values by row, null where a record has none. `attributes` is
    their OTLP JSON without its brackets, `plain` the members of a JSON object, sorted by name, `lines` the whole
    record as OTLP JSON; each as bytes.
    """

    group: NDArray[np.int64]
    time: NDArray[np.uint64]
    observed: NDArray[np.uint64]
    heads: Heads
    values: dict[str, Cells]
    attributes: pa.Array
    plain: pa.Array
    lines: pa.Array


class Message(NamedTuple):
    """One export request. `removed` counts what was taken out of it, by name. Where there are many log records,
    `columns` has them and the groups have none."""

    signal: Signal
    groups: list[Group]
    removed: Counter[str]
    columns: RecordColumns | None = None

    @property
    def events(self) -> int:
        """How many log records there are."""
        if self.columns is not None:
            return len(self.columns.time)
        return sum(len(group.records) for group in self.groups)
