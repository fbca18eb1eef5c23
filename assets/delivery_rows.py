"""The log as a queue: which commits a destination has not seen, and their rows in one order, a slice of them.

Promise: the rows of a commit come in the same order whenever they are read, from recent files or sealed ones;
memory does not grow with a commit. Persons who are restricted are masked as in the table.
"""

import re
import tempfile
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import duckdb
import pyarrow as pa

from warehouse.archive.archive import Archive
from warehouse.archive.entry import Entry
from warehouse.archive.state import LogState, TableFile
from warehouse.delivery.engine import Chunk
from warehouse.delivery.errors import PositionLost, SliceInvalid
from warehouse.delivery.mappings.canonical import COLUMNS, canonical_events
from warehouse.delivery.positions import Position, Span
from warehouse.delivery.slices import Slice
from warehouse.tables.alerts import TABLE as ALERTS
from warehouse.tables.catalog import rows_of
from warehouse.tables.schema import TABLE

ROWS_AT_ONCE = 10_000
_ROWS_A_QUERY = 25_000  # small commits are read together, large ones some pages at a time: memory stays flat
_MEMORY = "192MB"
# Rows that a complete pull no longer saw have no place on a page: they come last, by id.
_ORDER = "page nulls last, position nulls last, id, version"
_QUOTED = re.compile(r"""(['"]).*?\1""", re.DOTALL)


@dataclass(frozen=True)
class Commit:
    """One table entry: the pulls it folded, its rows in its own table, the days they are on, its files."""

    table: str
    seq: int
    pulls: tuple[int, ...]
    rows: int
    days: frozenset[str]
    keys: tuple[str, ...]


@dataclass
class Queue:
    """The commits after some entry, of events and of alerts, and where their rows are now. Made once; safe to read
    from several threads."""

    commits: list[Commit]
    recent: dict[int, list[TableFile]] = field(default_factory=dict)
    sealed: dict[str, list[TableFile]] = field(default_factory=dict)

    @classmethod
    def since(cls, archive: Archive, seq: int) -> "Queue":
        """The commits from entry `seq` on (itself included). Raises what reading the log raises."""
        state = archive.refresh()
        made = cls([commit for entry in archive.entries(max(seq, 0)) if (commit := _commit(entry)) is not None])
        made.recent, made.sealed = _places(state)
        return made

    def before(self, slice: Slice, begun: Position, passed: int) -> dict[int, int]:
        """Rows of the slice's table before each commit from `begun` on; `passed`: those before `begun`."""
        found: dict[int, int] = {}
        for commit in self.of(ALERTS if slice.kind in ("alerts", "rule") else TABLE, begun):
            found[commit.seq] = passed = passed - (begun.row if commit.seq == begun.seq else 0)
            passed += commit.rows
        return found

    def of(self, table: str, begun: Position) -> list[Commit]:
        """The commits of a table that a position has not passed."""
        commits = [commit for commit in self.commits if commit.table == table and commit.seq >= begun.seq]
        if commits and commits[0].seq == begun.seq and begun.row > commits[0].rows:
            raise _lost(begun, commits[0].rows)
        return commits

    def files(self, commits: Sequence[Commit]) -> list[TableFile]:
        """The files that hold the rows of these commits now, each once."""
        found: dict[str, TableFile] = {}
        for commit in commits:
            days = set(commit.days)
            for pull in commit.pulls:
                for file in self.recent.get(pull, []):
                    found[file.key] = file
                    days.discard(file.dt)
            for day in days:
                for file in self.sealed.get(day, []):
                    found[file.key] = file
        return list(found.values())


def _commit(entry: Entry) -> Commit | None:
    if entry.kind != "table":
        return None
    table = entry.table if isinstance(entry.table, str) else ""
    if table not in (TABLE, ALERTS):
        return None
    files = [ref for ref in entry.objects if (ref.table or entry.table) == table]
    rows = sum(ref.records for ref in files if isinstance(ref.records, int))
    if not rows:
        return None
    days = frozenset(ref.dt for ref in files if isinstance(ref.dt, str))
    return Commit(table, entry.seq, tuple(entry.derived_from), rows, days, tuple(ref.key for ref in files))


def _places(state: LogState) -> tuple[dict[int, list[TableFile]], dict[str, list[TableFile]]]:
    recent: dict[int, list[TableFile]] = defaultdict(list)
    sealed: dict[str, list[TableFile]] = defaultdict(list)
    table = state.table(TABLE)
    for file in table.recent:
        if file.seq is not None:
            recent[file.seq].append(file)
    for file in table.sealed:
        sealed[file.dt].append(file)
    return dict(recent), dict(sealed)


@dataclass(frozen=True)
class _Piece:
    """Commits that are read with one question; of one that is too large, the rows on some pages."""

    commits: Sequence[Commit]
    where: str = "true"
    offset: int = 0  # rows of the commit before these


class Reader:
    """Reads slices of the rows of commits over one connection of its own. A context manager."""

    def __init__(self, archive: Archive, slice: Slice) -> None:
        self._archive, self._slice = archive, slice
        self._spill = tempfile.TemporaryDirectory(prefix="ledgerline-")
        self._db = duckdb.connect(
            config={"autoinstall_known_extensions": False, "autoload_known_extensions": False}
        )
        self._db.execute("set timezone = 'UTC'")
        self._db.execute("set threads = 1")
        self._db.execute(f"set memory_limit = '{_MEMORY}'")
        self._db.execute("set temp_directory = ?", [str(Path(self._spill.name))])
        self._ready: set[str] = set()

    def __enter__(self) -> "Reader":
        return self

    def __exit__(self, *_: object) -> None:
        self._db.close()
        self._spill.cleanup()

    def check(self) -> None:
        """Raise SliceInvalid where the engine does not take the slice's condition (a comparison of two kinds)."""
        source, setup = rows_of(self._archive, [])
        self._prepare(setup)
        try:
            self._db.execute(f"select 1 from ({source}) where {self._slice.condition or 'true'}").fetchall()
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
            for piece in self._pieces(queue, group):
                for rows in self._rows(queue, piece, begun, ahead):
                    seqs, places = rows["entry_seq"].to_pylist(), rows["entry_row"].to_pylist()
                    if seqs:
                        scanned = Position(seqs[-1], places[-1] + 1)
                        yield chunk_of(rows, seqs, places, scanned, before[scanned.seq] + scanned.row)
            yield Chunk([], [], [], [], [], [], Position(group[-1].seq, group[-1].rows), passed)

    def _pieces(self, queue: Queue, group: Sequence[Commit]) -> Iterator["_Piece"]:
        """A group of small commits as it is; a large commit by ranges of its pages."""
        if len(group) > 1 or group[0].rows <= _ROWS_A_QUERY or len(group[0].pulls) > 1:
            yield _Piece(group)
            return
        commit = group[0]
        source, setup = rows_of(self._archive, queue.files(group))
        self._prepare(setup)
        counted = self._db.execute(
            f"select page, count(*) from ({source}) as stored where commit_seq = {commit.pulls[0]} "
            "group by page order by page nulls last"
        ).fetchall()
        offset = 0
        while counted:
            rows = number = 0
            while number < len(counted) and (not number or rows + counted[number][1] <= _ROWS_A_QUERY):
                if counted[number][0] is None and number:
                    break
                rows, number = rows + counted[number][1], number + 1
            first, last = counted[0][0], counted[number - 1][0]
            where = "page is null" if first is None else f"page between {first} and {last}"
            yield _Piece(group, where, offset)
            counted, offset = counted[number:], offset + rows

    def _rows(
        self, queue: Queue, piece: "_Piece", begun: Position, ahead: Sequence[Span]
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
        query = (
            f"select {', '.join(COLUMNS)}, entry_seq, entry_row from ({numbered}) as numbered "
            f"where {' and '.join(wanted)} order by entry_seq, entry_row"
        )
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


def chunk_of(
    rows: pa.RecordBatch, seqs: Sequence[int | None], places: Sequence[int | None], scanned: Position, passed: int
) -> Chunk:
    """Rows of `audit_events` (with the columns of `canonical.COLUMNS`) as the engine takes them."""
    events = canonical_events(rows)
    return Chunk(
        [event.event_id for event in events],
        [event.version for event in events],
        seqs,
        places,
        [event.event_us for event in events],
        events,
        scanned,
        passed,
    )


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


def _pair(position: Position) -> str:
    return f"({position.seq}, {position.row})"


def _lost(begun: Position, rows: int) -> PositionLost:
    return PositionLost(
        f"the log says that row {begun.row} of entry {begun.seq} is next, and that entry has {rows} rows",
        remedy="run `ledgerline verify`: an entry of the log was altered",
    )
