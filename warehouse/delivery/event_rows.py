"""Rows of `audit_events` as columns, sorted so that events of one shape stand together.

Promise: what a `Group` says of its events is what `canonical_events` would: the same values, the same words. Rows
with anything odd in them (a field nobody knows, a text that JSON has to escape, a record that does not read) are
in no group: they go the long way, one by one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from itertools import pairwise
from operator import attrgetter
from typing import Any, Final, overload

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from warehouse.delivery.mappings.address import is_address
from warehouse.delivery.mappings.canonical import CanonicalEvent, canonical_events, lines_of, time_texts
from warehouse.delivery.mappings.event_kind import SLOTS, EventKind, Subject, kinds

# Attributes of `CanonicalEvent` that are copied out of a column of few values, and the column.
COPIED: Final = {
    "actor_id": "actor_id",
    "actor_email": "actor_email",
    "client_ip": "ip_address",
    "user_agent": "user_agent",
    "organization_id": "organization_id",
    "organization_uuid": "organization_uuid",
}
_COLUMNS: Final = {**COPIED, "event_id": "id"}
_NUMBERS: Final = {"event_us": "created_at", "observed_us": "observed_at", "commit_seq": "commit_seq"}
_WORDS: Final = (
    "type",
    "actor_type",
    "fold",
    "version",
    "unknown_event",
)  # that a document says, and follows from
_LONGEST_ID: Final = 128  # bytes; a longer one may be too long for a receiver
_MOST_SHAPES: Final = 10**17
_as_json = msgspec.json.Encoder().encode

# A text, for who copies it: not there, empty, there, an address; or one that JSON has to escape.
NONE, EMPTY, TEXT, ADDRESS, ODD = range(5)


@dataclass(frozen=True, slots=True)
class Group:
    """Events of one shape. places: of them among all rows. values: of an attribute, for each, as an Arrow array of
    bytes."""

    shape: tuple[Any, ...]
    places: Any
    values: Callable[[str], Any]


class EventRows(Sequence[CanonicalEvent]):
    """Some rows of `audit_events` or `audit_event_versions`. As a sequence it is the canonical events of them,
    which are made when somebody first asks for one."""

    def __init__(self, rows: pa.RecordBatch) -> None:
        self.rows = rows

    def __len__(self) -> int:
        return int(self.rows.num_rows)

    @overload
    def __getitem__(self, place: int) -> CanonicalEvent: ...
    @overload
    def __getitem__(self, place: slice) -> Sequence[CanonicalEvent]: ...
    def __getitem__(self, place: int | slice) -> CanonicalEvent | Sequence[CanonicalEvent]:
        return self._events[place]

    def __iter__(self) -> Iterator[CanonicalEvent]:
        return iter(self._events)

    @cached_property
    def _events(self) -> list[CanonicalEvent]:
        return canonical_events(self.rows)

    def some(self, places: Sequence[int]) -> list[CanonicalEvent]:
        """The canonical events at these places alone."""
        return canonical_events(self.rows.take(pa.array(np.asarray(places, np.int64)))) if len(places) else []

    @cached_property
    def ids(self) -> list[str]:
        found: list[str] = self.rows.column("id").to_pylist()
        return found

    @cached_property
    def versions(self) -> list[int]:
        return [version or 1 for version in self.rows.column("version").to_pylist()]

    @cached_property
    def times(self) -> list[int | None]:
        """Microseconds since 1970, UTC, as the records say; None where one does not."""
        found: list[int | None] = self.rows.column("created_at").cast(pa.int64()).to_pylist()
        return found

    @cached_property
    def stamps(self) -> list[int]:
        """`CanonicalEvent.stamp_us` of each."""
        if not self.rows.column("created_at").null_count:
            return self.times  # type: ignore[return-value]
        moments = [self.rows.column(name).cast(pa.int64()) for name in ("created_at", "observed_at")]
        found: list[int] = pc.fill_null(pc.coalesce(*moments), 0).to_pylist()
        return found


class SortedRows:
    """Rows by shape: `groups()`, and `odd`: the places of those in no group, once the groups were gone through.

    restamped: places whose time is `moment` (ISO 8601 UTC) instead of their own.
    """

    def __init__(
        self, rows: EventRows, restamped: Sequence[int] = (), moment: str = "", moment_us: int = 0
    ) -> None:
        self._rows = rows.rows
        self._restamped, self._moment, self._moment_us = restamped, moment, moment_us
        self._states: dict[str, Any] = {}
        self._few: dict[str, tuple[list[Any], Any]] = {}
        self._sorted: dict[str, Any] = {}
        self._ids = rows.ids
        self._order, self.odd, self._runs = self._sort()

    def groups(self) -> Iterator[Group]:
        """Every sorted row in one group; those whose record does not read go over to `odd`."""
        for start, end in self._runs:
            first = int(self._order[start])
            kind = kinds().get(self._word("type", first))
            shape = (kind, *(self._word(name, first) for name in _WORDS[1:]), *self._shape(first))
            if not kind.reads:
                yield self._group((*shape, kind.taken.outcome), start, np.arange(end - start), {})
                continue
            try:
                subjects = self._subjects(kind, start, end)
            except (ValueError, RecursionError):
                self.odd += self._order[start:end].tolist()
            else:
                yield from self._by_subject(kind, shape, start, subjects)

    # by what the columns say

    def _sort(self) -> tuple[Any, list[int], list[tuple[int, int]]]:
        count = self._rows.num_rows
        code, most = np.zeros(count, np.int64), 1
        odd = self._odd_ids() | _filled(self._rows.column("unknown_fields"))
        odd |= self._rows.column("raw").is_null().to_numpy(zero_copy_only=False)
        for name in _WORDS:
            values, places = self._of_few(name)
            code, most = code * len(values) + places, most * len(values)
        for name in COPIED:
            states = self._text_states(name)
            code, most = code * 5 + states, most * 5
            odd |= states == ODD
        for name in ("created_at", "observed_at", "commit_seq"):
            code, most = code * 2 + self._rows.column(name).is_null().to_numpy(zero_copy_only=False), most * 2
        if most > _MOST_SHAPES:
            odd[:] = True
        order = np.argsort(code, kind="stable")
        order = order[~odd[order]]
        edges = np.flatnonzero(np.diff(code[order])) + 1
        runs = list(pairwise([0, *edges.tolist(), len(order)])) if len(order) else []
        return order, np.flatnonzero(odd).tolist(), runs

    def _of_few(self, name: str) -> tuple[list[Any], Any]:
        """The distinct values of a column, None the last, and for each row the place of its value among them."""
        if name not in self._few:
            column = self._rows.column(name)
            coded = column if pa.types.is_dictionary(column.type) else column.dictionary_encode()
            values = [*coded.dictionary.to_pylist(), None]
            places = coded.indices.fill_null(len(values) - 1) if coded.null_count else coded.indices
            self._few[name] = values, places.to_numpy(zero_copy_only=False).astype(np.int64)
        return self._few[name]

    def _word(self, name: str, row: int) -> Any:
        values, places = self._of_few(name)
        return values[places[row]]

    def _text_states(self, name: str) -> Any:
        """The state of each row's text in a column that is copied."""
        if name not in self._states:
            values, places = self._of_few(COPIED[name])
            self._states[name] = np.array(_states(values, name == "client_ip"), np.int64)[places]
        return self._states[name]

    def _shape(self, row: int) -> tuple[Any, ...]:
        texts = (int(self._text_states(name)[row]) for name in COPIED)
        absent = (self._rows.column(name)[row].is_valid for name in ("created_at", "observed_at", "commit_seq"))
        return (*texts, *absent)

    def _odd_ids(self) -> Any:
        column = self._rows.column("id")
        odd = pc.greater(pc.binary_length(column), _LONGEST_ID).fill_null(True).to_numpy(zero_copy_only=False)
        if b"\\" in _as_json(self._ids):
            odd = odd | np.array([b"\\" in _as_json(one) for one in self._ids])
        return odd

    # by what the records say

    def _subjects(self, kind: EventKind, start: int, end: int) -> list[Subject]:
        """Who or what these events are about. Raises ValueError or RecursionError where a record does not read."""
        records = self.values("record")[start:end]
        together = pc.binary_join(pa.ListArray.from_arrays(pa.array([0, end - start], pa.int32()), records), b",")
        found = kind.subjects(b"[%b]" % together[0].as_buffer(), end - start)
        return [kind.subject(record) for record in records.to_pylist()] if found is None else found

    def _by_subject(
        self, kind: EventKind, shape: tuple[Any, ...], start: int, subjects: list[Subject]
    ) -> Iterator[Group]:
        columns = {slot: list(map(attrgetter(slot), subjects)) for slot in SLOTS}
        told = list(map(attrgetter("told"), subjects))
        ends = (
            [kind.taken.outcome if one is None else kind.outcome(one) for one in told]
            if told.count(None) < len(told)
            else []
        )
        alike = [_alike(texts) for texts in columns.values()]
        if None not in alike and len(set(ends)) <= 1:
            shape = (*shape, ends[0] if ends else kind.taken.outcome, *alike)
            yield self._group(shape, start, np.arange(len(subjects)), columns)
            return
        states = [list(map(_state, texts)) for texts in columns.values()]
        found: dict[tuple[Any, ...], list[int]] = {}
        for place, key in enumerate(zip(ends or [kind.taken.outcome] * len(subjects), *states, strict=True)):
            found.setdefault(key, []).append(place)
        for key, places in found.items():
            if ODD in key[1:]:
                self.odd += self._order[start:][places].tolist()
            else:
                yield self._group((*shape, *key), start, np.array(places), columns)

    def _group(self, shape: tuple[Any, ...], start: int, places: Any, subjects: dict[str, list[Any]]) -> Group:
        """places: after `start`, among the sorted rows; subjects: their columns, from `start` on."""
        first, last = start + int(places[0]), start + int(places[-1])
        whole = last - first == len(places) - 1

        def values(name: str) -> Any:
            own = subjects.get(name.removeprefix("subject."))
            if own is not None and name.startswith("subject."):
                return pa.array([own[place] for place in places.tolist()], pa.string()).cast(pa.binary())
            column = self.values(name)
            return column[first : last + 1] if whole else column.take(pa.array(start + places))

        return Group(shape, self._order[start + places], values)

    # values, in the order of the sorted rows

    def values(self, name: str) -> Any:
        """An attribute of `CanonicalEvent` for each sorted row, as an Arrow array of bytes; `record` and
        `record_in_text` are its `raw`, as it is and as it stands in a JSON text."""
        if name not in self._sorted:
            column = self._column(name)
            self._sorted[name] = column.cast(pa.binary()).take(pa.array(self._order))
        return self._sorted[name]

    def _column(self, name: str) -> Any:
        """One of the attributes, in the order of the rows."""
        if name in _COLUMNS:
            return self._rows.column(_COLUMNS[name])
        if name in _NUMBERS:
            return self._rows.column(_NUMBERS[name]).cast(pa.int64()).cast(pa.string())
        if name == "record":
            return lines_of(self._rows.column("raw"))
        if name == "record_in_text":
            records = lines_of(self._rows.column("raw")).to_pylist()
            return pa.array([_as_json((one or b"").decode("utf-8", "replace"))[1:-1] for one in records])
        if name == "event_time":
            return time_texts(self._rows.column("created_at"))
        return self._stamped(name)

    def _stamped(self, name: str) -> Any:
        """What a destination takes as its own time, in one of the forms in which it may be written."""
        stamps = pc.coalesce(self._rows.column("created_at"), self._rows.column("observed_at")).fill_null(_epoch())
        micros = stamps.cast(pa.int64()).to_numpy()
        if name == "stamp":
            own, moment = time_texts(stamps), self._moment
        elif name == "stamp_us":
            own, moment = pa.array(micros).cast(pa.string()), str(self._moment_us)
        elif name == "stamp_ms":
            own, moment = pa.array(micros // 1000).cast(pa.string()), str(self._moment_us // 1000)
        else:
            assert name == "stamp_seconds", name
            whole, rest = (pa.array(part).cast(pa.string()) for part in np.divmod(micros, 1_000_000))
            own = pc.binary_join_element_wise(whole, pc.utf8_lpad(rest, 6, "0"), ".")
            moment = seconds_of(self._moment_us)
        if not len(self._restamped):
            return own
        late = np.zeros(len(micros), bool)
        late[self._restamped] = True
        return pc.if_else(pa.array(late), moment, own)


@cache
def _epoch() -> pa.Scalar:
    """1970. Made when first needed: Arrow loads pandas to make a value."""
    return pa.scalar(0, pa.timestamp("us", "UTC"))


def seconds_of(micros: int) -> str:
    """Microseconds as seconds with six decimals."""
    seconds, rest = divmod(micros, 1_000_000)
    return f"{seconds}.{rest:06}"


def _state(text: str | None) -> int:
    if not text:
        return NONE if text is None else EMPTY
    return ODD if b"\\" in _as_json(text) else TEXT


def _states(texts: list[str | None], addresses: bool) -> list[int]:
    """The state of each of some distinct texts."""
    if b"\\" in _as_json(texts):
        found = list(map(_state, texts))
    else:
        found = [TEXT if text else NONE if text is None else EMPTY for text in texts]
    if addresses:
        return [
            ADDRESS if state == TEXT and is_address(text) else state
            for state, text in zip(found, texts, strict=True)
        ]
    return found


def _alike(texts: list[str | None]) -> int | None:
    """The state of all of some texts, where it is one; quicker than asking each."""
    absent = texts.count(None)
    if absent:
        return NONE if absent == len(texts) else None
    return None if "" in texts or b"\\" in _as_json(texts) else TEXT


def _filled(lists: Any) -> Any:
    """Of each list whether there is anything in it."""
    if lists.null_count == len(lists):
        return np.zeros(len(lists), bool)
    return pc.greater(pc.list_value_length(lists), 0).fill_null(False).to_numpy(zero_copy_only=False)
