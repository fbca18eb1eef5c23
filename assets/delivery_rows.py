"""The rows of commits in one order, a slice of them, as chunks that the engine takes.

Promise: the rows of a commit come in the same order whenever they are read, from recent files or sealed ones;
memory does not grow with a commit. Persons who are restricted are masked as in the table.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain
from typing import Any

import numpy as np
import pyarrow as pa

from assets.delivery_questions import ROWS_AT_ONCE, Questions
from assets.delivery_queue import Commit, Queue
from assets.delivery_sorted import MOST_PIECES, READ, ROWS_A_PIECE, Placed, chosen, sorted_rows
from warehouse.archive.archive import Archive
from warehouse.delivery.chunk import Chunk
from warehouse.delivery.event_rows import EventRows
from warehouse.delivery.facts import NONE, facts_of_rows
from warehouse.delivery.mappings.canonical import COLUMNS
from warehouse.delivery.positions import Position, Span
from warehouse.delivery.slices import Slice
from warehouse.tables.file_rows import rows_of
from warehouse.tables.page_order import PageOrder, page_order
from warehouse.tables.schema import AUDIT_EVENTS, DICTIONARY_COLUMNS, TABLE

# columns of few distinct texts, which are read as such
CODED = [name for name in COLUMNS if name in DICTIONARY_COLUMNS and AUDIT_EVENTS.field(name).type == pa.string()]


class Reader:
    """Reads slices of the rows of commits, with DuckDB only where it has to. A context manager."""

    def __init__(self, archive: Archive, slice: Slice) -> None:
        self._archive, self._slice = archive, slice
        self._masked = bool(archive.state.restricted())
        self._questions = Questions(slice)

    def __enter__(self) -> Reader:
        return self

    def __exit__(self, *given: object) -> None:
        self._questions.__exit__(*given)

    def check(self) -> None:
        """Raise SliceInvalid where the engine does not take the slice's condition (a comparison of two kinds)."""
        if self._slice.condition is not None:
            source, setup = rows_of(self._archive, [])
            self._questions.prepare(setup)
            self._questions.check(source)

    def chunks(self, queue: Queue, begun: Position, ahead: Sequence[Span], passed: int) -> Iterator[Chunk]:
        """What the slice selects after `begun`, but for the spans `ahead`, in the order of the log.

        `passed`: rows of the table before `begun`. Raises PositionLost where the log has fewer rows than that.
        """
        commits = queue.of(TABLE, begun)
        if commits and commits[0].seq == begun.seq:
            passed -= begun.row
            if begun.row == commits[0].rows:
                passed += commits[0].rows
                commits = commits[1:]
        for groups, orders in self._readings(queue, commits):
            before = {}
            for commit in chain.from_iterable(groups):
                before[commit.seq], passed = passed, passed + commit.rows
            found = (
                sorted_rows(self._archive, self._questions, queue, groups, begun, ahead)
                if orders is None
                else _gathered(self._in_order(orders, begun, ahead))
            )
            for rows, seqs, places in found:
                scanned = Position(int(seqs[-1]), int(places[-1]) + 1)
                yield chunk_of(rows, seqs, places, scanned, before[scanned.seq] + scanned.row)
            yield Chunk(NONE, [], Position(groups[-1][-1].seq, groups[-1][-1].rows), passed)

    def _readings(
        self, queue: Queue, commits: Sequence[Commit]
    ) -> Iterator[tuple[list[list[Commit]], list[tuple[Commit, PageOrder]] | None]]:
        """Commits that are read at once: a group whose files stand in order (and how), or several to be sorted."""
        held: list[list[Commit]] = []
        for group in _groups(commits):
            orders = self._orders(queue, group)
            large = orders is not None or sum(commit.rows for commit in group) > ROWS_A_PIECE
            if held and (large or len(held) == MOST_PIECES):
                yield held, None
                held = []
            if large:
                yield [group], orders
            else:
                held.append(group)
        if held:
            yield held, None

    # files that have the order already, which is nearly always so until their day is sealed

    def _orders(self, queue: Queue, group: Sequence[Commit]) -> list[tuple[Commit, PageOrder]] | None:
        """How to read each of these commits as its files stand; None where one of them has to be sorted."""
        if self._masked:
            return None
        found = []
        for commit in group:
            files = queue.recent.get(commit.pulls[0], []) if len(commit.pulls) == 1 else []
            order = page_order(self._archive, files)
            if order is None or order.rows != commit.rows:  # some of its days are sealed
                return None
            found.append((commit, order))
        return found

    def _in_order(
        self, orders: Sequence[tuple[Commit, PageOrder]], begun: Position, ahead: Sequence[Span]
    ) -> Iterator[Placed]:
        columns, coded = (READ, CODED) if self._slice.condition is None else (AUDIT_EVENTS.names, ())
        for commit, order in orders:
            skip = begun.row if commit.seq == begun.seq else 0
            for first, batch in order.batches(columns, ROWS_AT_ONCE, skip=skip, dictionaries=coded):
                for start, end in _due(commit.seq, first, first + batch.num_rows, begun, ahead):
                    rows, places = batch.slice(start - first, end - start), np.arange(start, end)
                    rows, kept = chosen(self._questions, rows)
                    yield rows, np.full(len(kept), commit.seq), places[kept]


def chunk_of(rows: pa.RecordBatch, seqs: Any, places: Any, scanned: Position, passed: int) -> Chunk:
    """Rows of `audit_events` (with the columns of `canonical.COLUMNS`) as the engine takes them. seqs, places:
    of the entry and the row there, where they are known (see `facts_of_rows`)."""
    return Chunk(facts_of_rows(rows, seqs, places), EventRows(rows), scanned, passed)


def _groups(commits: Sequence[Commit]) -> Iterator[list[Commit]]:
    """Commits that are read together: large ones alone, many small ones at once."""
    group: list[Commit] = []
    rows = 0
    for commit in commits:
        if group and rows + commit.rows > ROWS_A_PIECE:
            yield group
            group, rows = [], 0
        group.append(commit)
        rows += commit.rows
    if group:
        yield group


def _due(seq: int, first: int, end: int, begun: Position, ahead: Sequence[Span]) -> Iterator[tuple[int, int]]:
    """What of the rows `first <= row < end` of an entry lies after `begun` and outside the spans `ahead`."""
    if seq == begun.seq:
        first = max(first, begun.row)
    for start, stop in ahead:
        if stop <= (seq, first) or start >= (seq, end):
            continue
        if start > (seq, first):
            yield first, start.row
        first = stop.row if stop.seq == seq else end
    if first < end:
        yield first, end


def _gathered(pieces: Iterator[Placed]) -> Iterator[Placed]:
    """Small pieces put together, so that a chunk is worth its while."""
    held: list[Placed] = []
    count = 0
    for piece in chain(pieces, [None]):
        if held and (piece is None or count + piece[0].num_rows > ROWS_AT_ONCE):
            yield held[0] if len(held) == 1 else _joined(held)
            held, count = [], 0
        if piece is not None and piece[0].num_rows:
            held.append(piece)
            count += piece[0].num_rows


def _joined(pieces: Sequence[Placed]) -> Placed:
    rows, seqs, places = zip(*pieces, strict=True)
    return pa.concat_batches(rows), np.concatenate(seqs), np.concatenate(places)
