"""The rows of commits that have to be sorted: those of sealed days, which lie by actor.

Promise: one reading of the files, however many rows; what is in memory does not grow with them. Many rows go to
disk first, in pieces that follow each other, and each piece is then sorted by itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from shutil import rmtree
from typing import Any

import pyarrow as pa

from assets.delivery_questions import Questions
from assets.delivery_queue import Commit, Queue
from warehouse.archive.archive import Archive
from warehouse.delivery.mappings.canonical import COLUMNS
from warehouse.delivery.mappings.event_kind import SUBJECT_COLUMNS
from warehouse.delivery.positions import Position, Span
from warehouse.tables.file_rows import rows_of
from warehouse.tables.sql_literal import literal
from warehouse.wire import arrays

# what events are made of, and what saves looking into their records
READ = (*COLUMNS, *SUBJECT_COLUMNS)
ROWS_A_PIECE = 25_000
# Each is a file that is being written, of which DuckDB holds a row group (its least) of some 2 MB.
MOST_PIECES = 40
_GROUP_ROWS = 2_048
_ROWS_HELD = 20_000  # before they go to their pieces: some 1 kB each
# Each of a few pieces is asked of the files themselves: they are read that often, and nothing is written.
_FEW = 2
# Rows that a complete pull no longer saw have no place on a page: they come last, by id.
_ORDER = "commit_seq, page nulls last, position nulls last, id, version"
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
    if len(pieces) <= _FEW:
        for piece in pieces:
            yield from _rows(questions, source, piece, begun, ahead)
        return
    folder = questions.folder / "pieces"
    try:
        _spread(questions, source, pieces, str(folder))
        for number, piece in enumerate(pieces):
            place = folder / f"piece={number}"
            if place.exists():  # not where a fold stored fewer rows than its entry says: `verify` tells
                files = f"read_parquet({literal(f'{place}/*.parquet')}, hive_partitioning = false)"
                yield from _rows(questions, f"select * from {files}", piece, begun, ahead)
                rmtree(place)
    finally:
        rmtree(folder, ignore_errors=True)


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


def _spread(questions: Questions, source: str, pieces: Sequence[_Piece], folder: str) -> None:
    """Put the rows of many pieces onto disk, each piece's into files of its own, with one reading."""
    names = "*" if questions.slice.condition else ", ".join(dict.fromkeys((*READ, *_ORDERED_BY)))
    number = " ".join(f"when {piece.where} then {number}" for number, piece in enumerate(pieces))
    chosen = f"select {names}, case {number} end as piece from ({source}) as stored where piece is not null"
    options = f"format parquet, compression lz4, row_group_size {_GROUP_ROWS}, partition_by (piece)"
    questions.db.execute(f"set partitioned_write_flush_threshold = {_ROWS_HELD}")
    questions.db.execute(f"copy ({chosen}) to {literal(folder)} ({options})")


def _rows(
    questions: Questions, source: str, piece: _Piece, begun: Position, ahead: Sequence[Span]
) -> Iterator[Placed]:
    entry = " ".join(f"when {pull} then {commit.seq}" for commit in piece.commits for pull in commit.pulls)
    wanted = [f"({questions.slice.condition or 'true'})", f"(entry_seq, entry_row) >= {_pair(begun)}"]
    wanted += [
        f"not ((entry_seq, entry_row) >= {_pair(start)} and (entry_seq, entry_row) < {_pair(end)})"
        for start, end in ahead
    ]
    placed = f"select *, case commit_seq {entry} end as entry_seq from ({source}) as stored where {piece.where}"
    number = f"row_number() over (partition by entry_seq order by {_ORDER}) + {piece.offset - 1}"
    numbered = f"select *, {number} as entry_row from ({placed}) as placed"
    for rows in questions.asked(
        f"select {', '.join(READ)}, entry_seq, entry_row from ({numbered}) as numbered "
        f"where {' and '.join(wanted)} order by entry_seq, entry_row"
    ):
        if rows.num_rows:
            yield rows, *(arrays.plain(rows[name].cast(pa.int64())) for name in ("entry_seq", "entry_row"))


def _pair(position: Position) -> str:
    return f"({position.seq}, {position.row})"
