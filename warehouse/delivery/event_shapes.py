"""Rows of `audit_events` sorted so that events of one shape stand together.

Promise: what a `Group` says of its events is what `canonical_events` would: the same values, the same words. Rows
with anything odd in them (a field nobody knows, a text that JSON has to escape, a record that does not read) are
in no group: they go the long way, one by one.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from operator import attrgetter
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from warehouse.delivery.event_columns import (
    COPIED,
    LONGEST_RECORD,
    NONE,
    ODD,
    EventColumns,
    Texts,
    beyond_print,
    lengths_of,
    states_of,
)
from warehouse.delivery.mappings.event_kind import SLOTS, EventKind, Subject, kinds
from warehouse.wire import arrays

_WORDS: Final = (
    "type",
    "actor_type",
    "fold",
    "version",
    "unknown_event",
)  # that a document says, and follows from
_TIMES: Final = ("created_at", "observed_at", "commit_seq")
_NEXT: Final = arrays.of_bytes([b"\n"])[0]
_LONGEST_ID: Final = 128  # bytes; a longer one may be too long for a receiver
_LAST_TIME: Final = 9 * 10**15  # microseconds, in the year 2255: later ones do not fit everywhere as nanoseconds
_MOST_SHAPES: Final = 10**17


class Subjects:
    """Who or what some events are about, as columns, slot by slot; a slot that none of them has is not there."""

    def __init__(self, values: dict[str, pa.Array], count: int) -> None:
        """values: slot -> the texts of all `count` events, an array of binary."""
        self.values = values
        self.states = np.full((len(SLOTS), count), NONE, np.int64)
        for row, slot in enumerate(SLOTS):
            if slot in values:
                self.states[row] = states_of(values[slot])

    @classmethod
    def of(cls, found: list[Subject]) -> Subjects:
        """Of what records said."""
        values = {}
        for slot in SLOTS:
            texts = list(map(attrgetter(slot), found))
            if texts.count(None) < len(texts):
                values[slot] = arrays.texts(texts, pa.binary())
        return cls(values, len(found))


@dataclass(frozen=True, slots=True)
class Group:
    """Events of one shape. places: of them among all rows. subjects: those of a run of rows, in which `inner` are
    theirs."""

    shape: tuple[Any, ...]
    places: Any
    columns: EventColumns
    subjects: Subjects | None
    inner: Any

    def texts(self, name: str) -> Texts:
        """The texts of an attribute, and where among them those of these events stand."""
        if name.startswith("subject."):
            assert self.subjects is not None
            return Texts(self.subjects.values[name.removeprefix("subject.")], self.inner)
        found = self.columns.texts(name)
        return Texts(found.values, found.places[self.places])

    def first(self) -> Group:
        """The group of its first event alone."""
        return Group(self.shape, self.places[:1], self.columns, self.subjects, self.inner[:1])


class Shapes:
    """Rows by shape: `groups()`, and `odd`: the places of those in no group, once the groups were gone through."""

    def __init__(self, columns: EventColumns) -> None:
        self._columns = columns
        self._states = {name: columns.states(name) for name in COPIED}
        self._words = {name: columns.few(name) for name in _WORDS}
        self._filled: dict[str, Any] = {}
        self._known = {name: arrays.known(columns.rows.column(name)) for name in _TIMES}
        self.odd, self._runs = self._sort()

    def groups(self) -> Iterator[Group]:
        """Every row that is not odd in one group; those whose record does not read go over to `odd`."""
        for places in self._runs:
            first = int(places[0])
            kind = kinds().get(self._word("type", first))
            shape = (
                kind,
                *(self._word(name, first) for name in _WORDS[1:]),
                *(int(states[first]) for states in self._states.values()),
                *(bool(known[first]) for known in self._known.values()),
            )
            if not kind.reads:
                yield Group((*shape, kind.taken.outcome), places, self._columns, None, places)
                continue
            ready = self._ready(kind, places)
            yield from self._of_columns(kind, shape, places[ready])
            yield from self._of_records(kind, shape, places[~ready])

    # by what the columns say

    def _sort(self) -> tuple[list[int], list[Any]]:
        """The odd places, and the others in runs that are alike in all that columns say."""
        code, most = np.zeros(len(self._columns), np.int64), 1
        odd = self._odd()
        for texts in self._words.values():
            code, most = code * (len(texts.values) + 1) + texts.places, most * (len(texts.values) + 1)
        for states in self._states.values():
            code, most = code * (ODD + 1) + states, most * (ODD + 1)
            odd |= states == ODD
        for known in self._known.values():
            code, most = code * 2 + known, most * 2
        if most > _MOST_SHAPES:
            odd[:] = True
        order = np.argsort(code, kind="stable")
        order = order[~odd[order]]
        edges = np.flatnonzero(np.diff(code[order])) + 1
        runs = (
            [order[start:end] for start, end in pairwise([0, *edges.tolist(), len(order)])] if len(order) else []
        )
        return np.flatnonzero(odd).tolist(), runs

    def _odd(self) -> Any:
        """Which rows have something in them that no template knows of."""
        rows = self._columns.rows
        ids = rows.column("id").cast(pa.binary())
        odd = _with_any(rows.column("unknown_fields"))
        odd |= ~arrays.known(ids) | (lengths_of(ids) > _LONGEST_ID) | beyond_print(ids)
        odd |= ~arrays.known(rows.column("raw"))
        odd |= lengths_of(self._columns.records) > LONGEST_RECORD
        for name in ("created_at", "observed_at"):
            times = arrays.plain(rows.column(name))
            odd |= ((times <= 0) | (times > _LAST_TIME)) & arrays.known(rows.column(name))
        return odd

    def _word(self, name: str, row: int) -> Any:
        values, places = self._words[name]
        place = int(places[row])
        return values[place].as_py() if place < len(values) else None

    def _ready(self, kind: EventKind, places: Any) -> Any:
        """Of which of these events columns hold all that would be looked for in their records. Where a column is
        null the record is asked: it may hold what is no text."""
        ready = np.full(len(places), bool(kind.columns))
        for name in kind.columns.values():
            ready &= self._has(name)[places]
        return ready

    def _has(self, name: str) -> Any:
        if name not in self._filled:
            rows = self._columns.rows
            there = name in rows.schema.names
            self._filled[name] = arrays.known(rows.column(name)) if there else np.zeros(len(rows), bool)
        return self._filled[name]

    def _of_columns(self, kind: EventKind, shape: tuple[Any, ...], places: Any) -> Iterator[Group]:
        if not len(places):
            return
        wanted, rows = arrays.numbers(places), self._columns.rows
        texts = {slot: rows.column(name).take(wanted).cast(pa.binary()) for slot, name in kind.columns.items()}
        yield from self._by_subject(kind, shape, places, Subjects(texts, len(places)), [])

    # by what the records say

    def _of_records(self, kind: EventKind, shape: tuple[Any, ...], places: Any) -> Iterator[Group]:
        if not len(places):
            return
        try:
            found = self._subjects(kind, places)
        except (ValueError, RecursionError):
            self.odd += places.tolist()
            return
        told = list(map(attrgetter("told"), found))
        yield from self._by_subject(kind, shape, places, Subjects.of(found), told)

    def _subjects(self, kind: EventKind, places: Any) -> list[Subject]:
        """Who or what these events are about. Raises ValueError or RecursionError where a record does not read."""
        records = self._columns.records.take(arrays.numbers(places))
        ends = arrays.numbers(np.array([0, len(records)], np.int32))
        together = pc.binary_join(pa.ListArray.from_arrays(ends, records), _NEXT)
        found = kind.subjects(together[0].as_buffer(), len(records))
        return [kind.subject(record) for record in records.to_pylist()] if found is None else found

    def _by_subject(
        self, kind: EventKind, shape: tuple[Any, ...], places: Any, subjects: Subjects, told: list[Any]
    ) -> Iterator[Group]:
        """told: what each record says of how it ended; empty where none does."""
        outcomes = [kind.outcome(one) for one in told] if told.count(None) < len(told) else []
        ends = sorted({*outcomes}) or [kind.taken.outcome]
        code = (
            np.array([ends.index(one) for one in outcomes], np.int64)
            if len(ends) > 1
            else np.zeros(len(places), np.int64)
        )
        for states in subjects.states:
            code = code * (ODD + 1) + states
        for one in np.unique(code).tolist():
            inner = np.flatnonzero(code == one)
            states = subjects.states[:, inner[0]].tolist()
            if ODD in states:
                self.odd += places[inner].tolist()
                continue
            outcome = outcomes[inner[0]] if outcomes else kind.taken.outcome
            yield Group((*shape, outcome, *states), places[inner], self._columns, subjects, inner)


def _with_any(lists: Any) -> Any:
    """Of each list whether there is anything in it."""
    if lists.null_count == len(lists):
        return np.zeros(len(lists), bool)
    lengths = pc.list_value_length(lists)
    return (arrays.plain(lengths) > 0) & arrays.known(lengths)
