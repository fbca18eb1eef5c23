"""The rows of commits that have to be sorted: those of sealed days, which lie by actor.

Promise: one reading of the files, however many rows; what is in memory does not grow with them. Many rows go to
disk first, in pieces that follow each other, and each piece is then sorted by itself. DuckDB, whose memory is
small, sorts nothing and is asked of few rows at once, however wide they are.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from assets.delivery_questions import ROWS_AT_ONCE, Questions
from assets.delivery_queue import Commit, Queue
from warehouse.archive.archive import Archive
from warehouse.delivery.mappings.canonical import COLUMNS
from warehouse.delivery.mappings.event_kind import SUBJECT_COLUMNS
from warehouse.delivery.positions import Position, Span
from warehouse.tables.file_rows import rows_of
from warehouse.tables.rows_on_disk import RowsOnDisk
from warehouse.tables.schema import AUDIT_EVENTS
from warehouse.wire import arrays

# what events are made of, and what saves looking into their records
READ = (*COLUMNS, *SUBJECT_COLUMNS)
ROWS_A_PIECE = 25_000
MOST_PIECES = 100  # files that are open while rows go to disk; of more rows than that, pieces are larger
# Each of a few pieces is asked of the files themselves: they are read that often, and nothing is written.
_FEW = 2
_SPREAD_AT_ONCE = 32_768
_PIECE, _OFFERED, _PLACE = "piece", "offered", "place"
# Rows that a complete pull no longer saw have no place on a page: they come last (as Arrow has it), by id.
_ORDERED_BY = ("commit_seq", "page", "position", "id", "version")

# Rows with the columns of `READ`, and of each the entry and its number there: numpy arrays.
Placed = tuple[pa.RecordBatch, Any, Any]


@dataclass(frozen=True)
class _Piece:
    """Commits whose rows are sorted together; of one that is too large, some pages of its pulls."""

    commits: Sequence[Commit]
    where: str
    offset: int = 0  # rows of the commit before these
    rows: int = 0


def sorted_rows(
    archive: Archive,
    questions: Questions,
    queue: Queue,
    groups: Sequence[Sequence[Commit]],
    begun: Position,
    ahead: Sequence[Span],
) -> Iterator[Placed]:
    """What the slice selects of these commits after `begun`, but for the spans `ahead`, in their order.

    groups: commits of `ROWS_A_PIECE` rows in all, or a larger one by itself.
    """
    source, setup = rows_of(archive, queue.files([commit for group in groups for commit in group]))
    questions.prepare(setup)
    pieces = [piece for group in groups for piece in _pieces(questions, source, group) if _is_due(piece, begun)]
    spans = np.array([(_number(*start), _number(*end)) for start, end in ahead], np.int64).reshape(-1, 2)
    if len(pieces) <= _FEW:
        for piece in pieces:
            yield from _rows(questions, _read(questions, source, piece), piece, begun, spans)
        return
    on_disk = RowsOnDisk(questions.folder / "pieces", _schema(questions))
    try:
        _spread(questions, source, pieces, on_disk)
        for number, piece in enumerate(pieces):
            yield from _rows(questions, on_disk.read(number), piece, begun, spans)
    finally:
        on_disk.remove()


def chosen(questions: Questions, rows: pa.RecordBatch) -> tuple[pa.RecordBatch, Any]:
    """Those of some rows that the slice selects, with the columns of `READ`, and their places among these."""
    condition = questions.slice.condition
    if condition is None:
        return rows.select(READ), np.arange(rows.num_rows)
    places = arrays.numbers(np.arange(rows.num_rows))
    questions.db.register(_OFFERED, pa.table([*rows.columns, places], [*rows.schema.names, _PLACE]))
    query = f"select {_PLACE} from {_OFFERED} where {condition} order by {_PLACE}"
    found = [arrays.plain(batch.column(_PLACE)) for batch in questions.asked(query)]
    kept = np.concatenate([np.zeros(0, np.int64), *found])
    return rows.select(READ).take(arrays.numbers(kept)), kept


def _pieces(questions: Questions, source: str, group: Sequence[Commit]) -> Iterator[_Piece]:
    """A group of small commits as it is; a large commit by ranges of the pages of its pulls."""
    pulls = ", ".join(str(pull) for commit in group for pull in commit.pulls)
    rows = sum(commit.rows for commit in group)
    if rows <= ROWS_A_PIECE:
        yield _Piece(group, f"commit_seq in ({pulls})", rows=rows)
        return
    most = max(ROWS_A_PIECE, rows // MOST_PIECES)
    counted = questions.db.execute(
        f"select commit_seq, page, count(*) from ({source}) as stored where commit_seq in ({pulls}) "
        "group by all order by commit_seq, page nulls last"
    ).fetchall()
    offset = 0
    while counted:
        number = count = 0
        (pull, first, _) = last = counted[0]
        while number < len(counted) and (not number or count + counted[number][2] <= most):
            if counted[number][0] != pull or (counted[number][1] is None and number):
                break
            last = counted[number]
            count, number = count + last[2], number + 1
        pages = "page is null" if first is None else f"page between {first} and {last[1]}"
        yield _Piece(group, f"commit_seq = {pull} and {pages}", offset, count)
        counted, offset = counted[number:], offset + count


def _is_due(piece: _Piece, begun: Position) -> bool:
    """Whether anything of a piece lies after the position."""
    last = piece.commits[-1]
    end = piece.offset + piece.rows if len(piece.commits) == 1 else last.rows
    return (last.seq, end) > begun


def _spread(questions: Questions, source: str, pieces: Sequence[_Piece], on_disk: RowsOnDisk) -> None:
    """Put the rows of many pieces onto disk by the number of their piece, with one reading."""
    number = " ".join(f"when {piece.where} then {number}" for number, piece in enumerate(pieces))
    schema = _schema(questions)
    query = f"select {', '.join(schema.names)}, case {number} end::bigint as {_PIECE} from ({source}) as stored"
    for batch in questions.asked(f"select * from ({query}) where {_PIECE} is not null", _SPREAD_AT_ONCE):
        rows = pa.Table.from_batches([batch.drop_columns([_PIECE])]).cast(schema)
        on_disk.add(rows, arrays.plain(batch.column(_PIECE)))


def _schema(questions: Questions) -> pa.Schema:
    """What is needed of a row: all columns where a condition may name any."""
    needed = {*READ, *_ORDERED_BY} if questions.slice.condition is None else set(AUDIT_EVENTS.names)
    return pa.schema([field for field in AUDIT_EVENTS if field.name in needed])


def _read(questions: Questions, source: str, piece: _Piece) -> pa.Table:
    """The rows of a piece, in whatever order."""
    schema = _schema(questions)
    found = questions.asked(f"select {', '.join(schema.names)} from ({source}) as stored where {piece.where}")
    read = [pa.Table.from_batches([batch]).cast(schema) for batch in found]
    return pa.concat_tables([schema.empty_table(), *read])


def _rows(questions: Questions, rows: pa.Table, piece: _Piece, begun: Position, spans: Any) -> Iterator[Placed]:
    """What the slice selects of a piece after `begun`, but for `spans` (as numbers, ascending), in order."""
    order, seqs, places = _placed(rows, piece)
    numbers = _number(seqs, places)
    due = numbers >= _number(*begun)
    if len(spans):
        span = np.searchsorted(spans[:, 0], numbers, side="right") - 1  # the last that begins before, if any
        due &= (span < 0) | (numbers >= spans[span, 1])
    places_due = np.flatnonzero(due)
    for start in range(0, len(places_due), ROWS_AT_ONCE):
        some = places_due[start : start + ROWS_AT_ONCE]
        (batch,) = rows.take(arrays.numbers(order[some])).combine_chunks().to_batches()
        batch, kept = chosen(questions, batch)
        if len(kept):
            yield batch, seqs[some[kept]], places[some[kept]]


def _placed(rows: pa.Table, piece: _Piece) -> tuple[Any, Any, Any]:
    """The order of the rows of a piece, and of each row in that order the entry and its number there."""
    entries = {pull: commit.seq for commit in piece.commits for pull in commit.pulls}
    pulls, which = np.unique(arrays.plain(rows["commit_seq"].combine_chunks()), return_inverse=True)
    seqs = np.array([entries[pull] for pull in pulls.tolist()], np.int64)[which]
    keys = rows.select(_ORDERED_BY).add_column(0, "entry_seq", arrays.numbers(seqs))
    order = arrays.plain(pc.sort_indices(keys, sort_keys=[(name, "ascending") for name in keys.schema.names]))
    seqs = seqs[order]
    return order, seqs, np.arange(len(seqs)) - np.searchsorted(seqs, seqs) + piece.offset


def _number(seq: Any, row: Any) -> Any:
    """A place in the log as one number; of numpy arrays, one for each."""
    return seq * 2**32 + row
