"""The rows of commits in one order, a slice of them, as chunks that the engine takes.

Promise: the rows of a commit come in the same order whenever they are read, from recent files or sealed ones;
memory does not grow with a commit. Persons who are restricted are masked as in the table.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from assets.delivery_queue import Commit, Queue
from warehouse.archive.archive import Archive
from warehouse.delivery.chunk import Chunk
from warehouse.delivery.errors import SliceInvalid
from warehouse.delivery.event_rows import EventRows
from warehouse.delivery.facts import NONE, facts_of_rows
from warehouse.delivery.mappings.canonical import COLUMNS
from warehouse.delivery.mappings.event_kind import SUBJECT_COLUMNS
from warehouse.delivery.positions import Position, Span
from warehouse.delivery.slices import Slice
from warehouse.tables.connection import open_duckdb
from warehouse.tables.file_rows import rows_of
from warehouse.tables.page_order import PageOrder, page_order
from warehouse.tables.schema import AUDIT_EVENTS, DICTIONARY_COLUMNS, TABLE
from warehouse.wire import arrays

# what events are made of, and what saves looking into their records
_READ = (*COLUMNS, *SUBJECT_COLUMNS)
ROWS_AT_ONCE = 4_000  # two batches of most receivers, which then need not be joined
# columns of few distinct texts, which are read as such
CODED = [name for name in COLUMNS if name in DICTIONARY_COLUMNS and AUDIT_EVENTS.field(name).type == pa.string()]
_ROWS_A_QUERY = 25_000  # small commits are read together, large ones some pages at a time: memory stays flat
# Each question goes through the whole of a large commit: of millions of rows more are taken at once, or the time
# would grow with their square. It costs some 75 MB.
_MOST_ROWS_A_QUERY, _MOST_QUERIES = 100_000, 40
_MEMORY = "192MB"
# Rows that a complete pull no longer saw have no place on a page: they come last, by id.
_ORDER = "page nulls last, position nulls last, id, version"
_QUOTED = re.compile(r"""(['"]).*?\1""", re.DOTALL)

if TYPE_CHECKING:
    import duckdb

# Rows with the columns of `_READ`, and of each the entry and its number there: numpy arrays.
Placed = tuple[pa.RecordBatch, Any, Any]


@dataclass(frozen=True)
class _Piece:
    """Commits that are read with one question; of one that is too large, the rows on some pages."""

    commits: Sequence[Commit]
    where: str = "true"
    offset: int = 0  # rows of the commit before these


class Reader:
    """Reads slices of the rows of commits, with DuckDB only where it has to. A context manager."""

    def __init__(self, archive: Archive, slice: Slice) -> None:
        self._archive, self._slice = archive, slice
        self._masked = bool(archive.state.restricted())
        self._spill = tempfile.TemporaryDirectory(prefix="ledgerline-")
        self._connection: duckdb.DuckDBPyConnection | None = None
        self._ready: set[str] = set()

    def __enter__(self) -> Reader:
        return self

    def __exit__(self, *_: object) -> None:
        if self._connection is not None:
            self._connection.close()
        self._spill.cleanup()

    @property
    def _db(self) -> duckdb.DuckDBPyConnection:
        if self._connection is None:
            self._connection = db = open_narrow()
            db.execute("set temp_directory = ?", [str(Path(self._spill.name))])
        return self._connection

    def check(self) -> None:
        """Raise SliceInvalid where the engine does not take the slice's condition (a comparison of two kinds)."""
        if self._slice.condition is None:
            return
        import duckdb  # noqa: PLC0415 - as in `open_duckdb`

        source, setup = rows_of(self._archive, [])
        self._prepare(setup)
        try:
            self._db.execute(f"select 1 from ({source}) where {self._slice.condition}").fetchall()
        except duckdb.Error as error:
            raise self._invalid(str(error)) from None

    def _invalid(self, said: str) -> SliceInvalid:
        reason = said.strip().partition("\n")[0]
        return SliceInvalid(
            f"the slice {self._slice.text!r} cannot be asked of audit_events ({reason})",
            remedy='`ledgerline sql "select count(*) from audit_events where ..."` tries a condition out',
        )

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
        for group in _groups(commits):
            before = {}
            for commit in group:
                before[commit.seq], passed = passed, passed + commit.rows
            orders = self._orders(queue, group)
            found = (
                self._sorted(queue, group, begun, ahead)
                if orders is None
                else _gathered(self._in_order(orders, begun, ahead))
            )
            for rows, seqs, places in found:
                scanned = Position(int(seqs[-1]), int(places[-1]) + 1)
                yield chunk_of(rows, seqs, places, scanned, before[scanned.seq] + scanned.row)
            yield Chunk(NONE, [], Position(group[-1].seq, group[-1].rows), passed)

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
        columns, coded = (_READ, CODED) if self._slice.condition is None else (AUDIT_EVENTS.names, ())
        for commit, order in orders:
            skip = begun.row if commit.seq == begun.seq else 0
            for first, batch in order.batches(columns, ROWS_AT_ONCE, skip=skip, dictionaries=coded):
                for start, end in _due(commit.seq, first, first + batch.num_rows, begun, ahead):
                    rows, places = batch.slice(start - first, end - start), np.arange(start, end)
                    if self._slice.condition is not None:
                        rows, places = self._chosen(rows, self._slice.condition, start)
                    yield rows, np.full(len(places), commit.seq), places

    def _chosen(self, rows: pa.RecordBatch, condition: str, first: int) -> tuple[pa.RecordBatch, Any]:
        """Those of some rows that meet the condition, in their order, with their numbers from `first` on."""
        numbers = arrays.numbers(np.arange(first, first + rows.num_rows))
        self._db.register("offered", pa.table([*rows.columns, numbers], [*rows.schema.names, "entry_row"]))
        names = ", ".join(_READ)
        found = list(self._asked(f"select {names}, entry_row from offered where {condition} order by entry_row"))
        if not found:
            return rows.slice(0, 0), np.zeros(0, np.int64)
        batch = pa.concat_batches(found)
        return batch.select(list(_READ)), arrays.plain(batch.column("entry_row"))

    # files that have to be sorted: sealed ones, which are by actor

    def _sorted(
        self, queue: Queue, group: Sequence[Commit], begun: Position, ahead: Sequence[Span]
    ) -> Iterator[Placed]:
        for piece in self._pieces(queue, group):
            for rows in self._rows(queue, piece, begun, ahead):
                if rows.num_rows:
                    yield rows, *(arrays.plain(rows[name].cast(pa.int64())) for name in ("entry_seq", "entry_row"))

    def _pieces(self, queue: Queue, group: Sequence[Commit]) -> Iterator[_Piece]:
        """A group of small commits as it is; a large commit by ranges of its pages."""
        if len(group) > 1 or group[0].rows <= _ROWS_A_QUERY or len(group[0].pulls) > 1:
            yield _Piece(group)
            return
        commit = group[0]
        source, setup = rows_of(self._archive, queue.files(group))
        self._prepare(setup)
        most = min(max(_ROWS_A_QUERY, commit.rows // _MOST_QUERIES), _MOST_ROWS_A_QUERY)
        counted = self._db.execute(
            f"select page, count(*) from ({source}) as stored where commit_seq = {commit.pulls[0]} "
            "group by page order by page nulls last"
        ).fetchall()
        offset = 0
        while counted:
            rows = number = 0
            while number < len(counted) and (not number or rows + counted[number][1] <= most):
                if counted[number][0] is None and number:
                    break
                rows, number = rows + counted[number][1], number + 1
            first, last = counted[0][0], counted[number - 1][0]
            where = "page is null" if first is None else f"page between {first} and {last}"
            yield _Piece(group, where, offset)
            counted, offset = counted[number:], offset + rows

    def _rows(
        self, queue: Queue, piece: _Piece, begun: Position, ahead: Sequence[Span]
    ) -> Iterator[pa.RecordBatch]:
        group = piece.commits
        source, setup = rows_of(self._archive, queue.files(group))
        self._prepare(setup)
        entry = " ".join(f"when {pull} then {commit.seq}" for commit in group for pull in commit.pulls)
        pulls = ", ".join(str(pull) for commit in group for pull in commit.pulls)
        wanted = [f"({self._slice.condition or 'true'})", f"(entry_seq, entry_row) >= {_pair(begun)}"]
        wanted += [
            f"not ((entry_seq, entry_row) >= {_pair(start)} and (entry_seq, entry_row) < {_pair(end)})"
            for start, end in ahead
        ]
        placed = (
            f"select *, case commit_seq {entry} end as entry_seq from ({source}) as stored "
            f"where commit_seq in ({pulls}) and {piece.where}"
        )
        numbered = (
            f"select *, row_number() over (partition by entry_seq order by commit_seq, {_ORDER}) "
            f"+ {piece.offset - 1} as entry_row from ({placed}) as placed"
        )
        return self._asked(
            f"select {', '.join(_READ)}, entry_seq, entry_row from ({numbered}) as numbered "
            f"where {' and '.join(wanted)} order by entry_seq, entry_row"
        )

    def _asked(self, query: str) -> Iterator[pa.RecordBatch]:
        import duckdb  # noqa: PLC0415 - as in `open_duckdb`

        try:
            yield from self._db.execute(query).to_arrow_reader(ROWS_AT_ONCE)
        except (duckdb.DataError, duckdb.ProgrammingError) as error:
            if self._slice.condition is None:
                raise
            # the condition met a value that it cannot be asked of: an event's own, which no message repeats
            raise self._invalid(_QUOTED.sub("'...'", str(error))) from None

    def _prepare(self, setup: Sequence[str]) -> None:
        for statement in setup:
            if statement not in self._ready:
                self._db.execute(statement)
                self._ready.add(statement)


def open_narrow() -> duckdb.DuckDBPyConnection:
    """DuckDB with one thread and little memory: destinations work side by side."""
    return open_duckdb(threads=1, memory_limit=_MEMORY)


def chunk_of(rows: pa.RecordBatch, seqs: Any, places: Any, scanned: Position, passed: int) -> Chunk:
    """Rows of `audit_events` (with the columns of `canonical.COLUMNS`) as the engine takes them. seqs, places:
    of the entry and the row there, where they are known (see `facts_of_rows`)."""
    return Chunk(facts_of_rows(rows, seqs, places), EventRows(rows), scanned, passed)


def _groups(commits: Sequence[Commit]) -> Iterator[list[Commit]]:
    """Commits that are read together: large ones alone, many small ones at once."""
    group: list[Commit] = []
    rows = 0
    for commit in commits:
        if group and rows + commit.rows > _ROWS_A_QUERY:
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


def _pair(position: Position) -> str:
    return f"({position.seq}, {position.row})"
