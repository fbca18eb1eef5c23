"""The log as a queue: which commits a destination has not seen, and where their rows are now.

Promise: made once for all destinations of a run, and safe to read from several threads.
"""

from collections import defaultdict
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import Any

from warehouse.archive.archive import Archive
from warehouse.archive.entry import Entry
from warehouse.archive.state import LogState, TableFile
from warehouse.delivery.errors import PositionLost
from warehouse.delivery.positions import Position
from warehouse.delivery.slices import Slice
from warehouse.tables.alerts import TABLE as ALERTS
from warehouse.tables.schema import TABLE


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
    """The commits after some entry, of events and of alerts, and the files that hold them. `recent`: by the pull,
    `sealed`: by the day."""

    commits: list[Commit]
    recent: dict[int, list[TableFile]] = field(default_factory=dict)
    sealed: dict[str, list[TableFile]] = field(default_factory=dict)

    @classmethod
    def since(cls, archive: Archive, seq: int, lock: AbstractContextManager[Any] = nullcontext()) -> "Queue":
        """The commits from entry `seq` on (itself included). `lock`: of all who use the archive, which is not held
        while entries are read. Raises what reading the log raises."""
        made = cls([commit for entry in archive.entries(max(seq, 0)) if (commit := _commit(entry)) is not None])
        with lock:  # the state knows each of these commits only when it is refreshed after them
            made.recent, made.sealed = _places(archive.refresh())
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


class FoldedBy(dict[int | None, int | None]):
    """The table entry that folded a pull, by the pull; None where there is none.

    Looked up when it is asked for, by reading the log on from the pull: the entry is nearly always the next.
    """

    def __init__(self, archive: Archive) -> None:
        super().__init__({None: None})
        self._archive = archive

    def __missing__(self, pull: int | None) -> int | None:
        found = None
        seq = pull or 0
        while found is None and seq + 1 < self._archive.state.size:
            seq += 1
            commit = _commit(self._archive.entry(seq))
            if commit is not None and commit.table == TABLE and pull in commit.pulls:
                found = commit.seq
        self[pull] = found
        return found


def _lost(begun: Position, rows: int) -> PositionLost:
    return PositionLost(
        f"the log says that row {begun.row} of entry {begun.seq} is next, and that entry has {rows} rows",
        remedy="run `ledgerline verify`: an entry of the log was altered",
    )
