"""The tables made again from the pages, and compared with what is stored, row by row and column by column.

Promise: reads only; covers both tiers; a row that does not follow from the pages, is missing or is one too many is
a finding that names its file. Each pull is folded again upon the versions that the pulls before it left in the
tables, which were compared before it: so all of them are compared with the pages.
"""

import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import date
from itertools import chain
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from warehouse.archive.archive import Archive
from warehouse.archive.entry import Entry
from warehouse.archive.errors import LogError, StoreUnreachable
from warehouse.archive.findings import Unread, Verification
from warehouse.tables.activities import Batch, Parser
from warehouse.tables.audit_export.committing import STREAM as EXPORTS
from warehouse.tables.audit_export.rederiving import rederive_exports
from warehouse.tables.audit_export.schema import TABLE as EXPORT_TABLE
from warehouse.tables.directory.rederiving import rederive_directory
from warehouse.tables.directory.schema import LISTINGS
from warehouse.tables.engagement.fold import rederive_engagement
from warehouse.tables.engagement.schema import MEASURES
from warehouse.tables.event_rows import by_day
from warehouse.tables.fold import STREAM, OpenFold, Span, batches_of
from warehouse.tables.held import Held, held_versions
from warehouse.tables.row_difference import JUDGED_BY_RELEASE, Difference, difference, explained
from warehouse.tables.rows_on_disk import RowsOnDisk, numbers_of_ids
from warehouse.tables.schema import AUDIT_EVENTS, TABLE
from warehouse.tables.spend.rederiving import rederive_spend
from warehouse.tables.spend.schema import ALL_REPORTS
from warehouse.tables.stored_rows import KEPT_ROWS, ROWS_A_PIECE, UNREADABLE, StoredRows
from warehouse.tables.telemetry.rederiving import rederive_telemetry
from warehouse.tables.telemetry.schema import TABLES as TELEMETRY
from warehouse.wire.windows import Window

Tell = Callable[[str, int, int], None]
_NO_ROOM = (
    "large days and pulls are put on disk meanwhile, where TMPDIR says; make room there or name a larger folder"
)


def rederive(archive: Archive, parser: Parser, result: Verification, *, on_progress: Tell | None = None) -> None:
    """Add to `result` what in the tables does not follow from the pages.

    Raises StoreUnreachable. Where the log or a page is damaged, which `verify` names, a note says what could not
    be made again; where the disk for large days is full, the table is among what was not read.
    """
    tell = on_progress or (lambda _phase, _done, _total: None)
    try:
        state = archive.refresh()
        entries = _pulls(archive, state.size)
    except LogError as error:
        result.notes.append(f"the tables were not made again: {error}")
        return
    with _using_disk(f"the table {TABLE}", result), tempfile.TemporaryDirectory(prefix="ledgerline-") as scratch:
        work = _Activities(archive, parser, result, Path(scratch))
        for done, entry in enumerate(entries):
            if entry.stream == STREAM and str(entry.seq) not in state.stream(STREAM).pending_fold:
                work.fold_again(entry)
            tell("pulls made again", done + 1, len(entries))
        work.count_rows()
    exports = [entry for entry in entries if entry.stream == EXPORTS]
    rederive_exports(archive, exports, result)
    with _using_disk("the tables of usage and cost", result):
        rederive_spend(archive, entries, result)
    rederive_directory(archive, entries, result)
    rederive_engagement(archive, entries, result)
    rederive_telemetry(archive, entries, result)
    known = {
        *LISTINGS,
        *MEASURES,
        *TELEMETRY,
        TABLE,
        EXPORT_TABLE,
        *(name for one in ALL_REPORTS.values() for name in (one.rows_table, one.days_table)),
    }
    for name, table in sorted(state.tables.items()):
        if name not in known and (table.recent or table.sealed):
            result.notes.append(f"the table {name} was not made again: only {', '.join(sorted(known))} can be")
    result.count_the_rest()


@contextmanager
def _using_disk(tables: str, result: Verification) -> Iterator[None]:
    """An OSError is of the folder for large days: store and table files have errors of their own."""
    try:
        yield
    except OSError as error:
        result.unread.append(Unread(tables, f"was not made again to its end: {_NO_ROOM}: {error}"))


def _pulls(archive: Archive, size: int) -> list[Entry]:
    """Those that the state knows of: whether a pull committed meanwhile is folded, and its rows, are not in it."""
    return [entry for entry in archive.entries(0, size) if entry.kind == "pull"]


class _Again(OpenFold):
    """A fold that writes nothing: the rows it would have written are in `made`."""

    def __init__(self, archive: Archive, entry: Entry, window: Window, stored: StoredRows, made: "_Made") -> None:
        self.made, self._stored = made, stored
        super().__init__(archive, entry, window)

    def _look(self, days: Iterable[date], span: Span | None, ids: pa.Array | None = None) -> None:
        """In all files of these days, whatever times they say they cover: they may have been others then."""
        seq = self.entry.seq
        for day in days:
            files = self._stored.files(day.isoformat())
            self._looked.update((file.key, file) for file in files)
            if self.made.parts == 1 and files:
                held = self._stored.held(day.isoformat(), seq, span, ids)
            else:  # most of its days' versions, which are not kept for the next pull
                held = chain.from_iterable(held_versions(self.archive, file, seq, span, ids) for file in files)
            for versions in held:
                self._hold(versions)

    def _newest(self, missed: dict[str, Held]) -> dict[str, Held]:
        """Earlier releases took for the newest version what was the newest of the window."""
        newest = super()._newest(missed)
        moved = {record_id: held for record_id, held in missed.items() if newest[record_id] != held}
        if moved:
            self.made.earlier.append(self._withdrawn(moved))
        return newest

    def _compare(self, batch: Batch) -> None:
        if batch.columns["created_at"].null_count:
            self._as_not_held(batch)
        super()._compare(batch)

    def _as_not_held(self, batch: Batch) -> None:
        """Earlier releases wrote for files which times they cover, and did not look there for a record without one
        when they were asked for others: it was first again, in its first version."""
        timeless = pc.indices_nonzero(pc.is_null(batch.columns["created_at"])).to_pylist()
        held = self._held.get_all([batch.ids[position] for position in timeless])
        take = [position for position, old in zip(timeless, held, strict=True) if old is not None]
        if take:
            self.made.earlier.append(self._of_batch(batch, take, 1, "first"))

    def _flush(self) -> None:
        if self._rows:
            self.made.add(pa.concat_tables(self._rows))
        self._rows, self._waiting = [], 0


class _Made:
    """The rows that a pull comes to: in memory, or on disk in `parts` by their ids. `days`: those they are of;
    a row without a time is of the day `default`. `earlier`: what earlier releases made of some of them."""

    def __init__(self, parts: int, folder: Path, default: date) -> None:
        self.parts = parts
        self.days: set[str] = set()
        self.earlier = [AUDIT_EVENTS.empty_table()]
        self._default = default
        self._rows: list[pa.Table] = []
        self._on_disk = RowsOnDisk(folder, AUDIT_EVENTS) if parts > 1 else None

    def add(self, rows: pa.Table) -> None:
        self.days.update(day.isoformat() for day, _ in by_day(rows, self._default))
        if self._on_disk is None:
            self._rows.append(rows)
        else:
            self._on_disk.add(rows, numbers_of_ids(rows, self.parts))

    def part(self, number: int) -> pa.Table:
        if self._on_disk is not None:
            return self._on_disk.read(number)
        return pa.concat_tables([AUDIT_EVENTS.empty_table(), *self._rows])

    def remove(self) -> None:
        if self._on_disk is not None:
            self._on_disk.remove()


class _Activities:
    """The activities' pulls made again, one by one, in the order of the log. `scratch`: a folder for pulls
    and days that are too large for memory."""

    def __init__(self, archive: Archive, parser: Parser, result: Verification, scratch: Path) -> None:
        self._archive, self._parser, self._result, self._scratch = archive, parser, result, scratch
        self._stored = StoredRows(archive, TABLE, AUDIT_EVENTS, scratch=scratch)
        self._expected: dict[str, Counter[int]] = {day: Counter() for day in self._stored.days}
        self._skipped: set[int] = set()
        self._retagged = 0

    def fold_again(self, entry: Entry) -> None:
        """One pull: what its pages come to against what is stored of it."""
        if entry.window is None:
            return
        window = Window.from_text(entry.window)
        try:
            made = self._made(entry, window)
            self._compare(entry.seq, window, made)
            made.remove()
        except StoreUnreachable:
            raise
        except UNREADABLE as error:
            self._skipped.add(entry.seq)
            self._result.not_made_again(f"pull {entry.seq}", error)

    def _made(self, entry: Entry, window: Window) -> _Made:
        made = _Made(self._parts(entry, window), self._scratch / f"made-{entry.seq}", window.start.date())
        again = _Again(self._archive, entry, window, self._stored, made)
        for batch in batches_of(self._archive, entry, self._parser):
            again.add(batch)
        again.close()
        return made

    def _days(self, window: Window) -> list[str]:
        return [day.isoformat() for day in window.days() if day.isoformat() in self._stored.days]

    def _parts(self, entry: Entry, window: Window) -> int:
        """In how many parts a pull's rows are compared: one, unless it is too large for memory."""
        served = sum(ref.records for ref in entry.objects if isinstance(ref.records, int))
        stored = sum(self._stored.rows_of(day, entry.seq) for day in self._days(window))
        rows = max(served, stored)
        return 1 if rows <= KEPT_ROWS else -(-rows // ROWS_A_PIECE)

    def _compare(self, seq: int, window: Window, made: _Made) -> None:
        found: dict[str, Difference] = {}
        spread: dict[str, RowsOnDisk] = {}
        days = sorted({*self._days(window), *made.days})  # all in each part: a stored row may be in any
        earlier = pa.concat_tables(made.earlier)
        for number in range(made.parts):
            rows = made.part(number)
            parts = dict(by_day(rows, window.start.date())) if rows.num_rows else {}
            by_text = {day.isoformat(): part for day, part in parts.items()}
            for day in days:
                mine = by_text.get(day, AUDIT_EVENTS.empty_table())
                self._expected.setdefault(day, Counter())[seq] += mine.num_rows
                if made.parts > 1 and day not in spread:
                    spread[day] = self._stored.by_ids(day, seq, made.parts)
                stored = spread[day].read(number) if spread else self._stored.of_commit(day, seq)
                if earlier.num_rows:
                    mine, stored = explained(mine, stored, earlier)
                found[day] = difference(mine, stored, AUDIT_EVENTS, found.get(day))
        for day, differs in found.items():
            self._retagged += differs.retagged
            files = self._stored.files(day)
            for file, detail in differs.rows:
                nowhere = f"tables/*/{TABLE}/dt={day}/ (rows of entry {seq})"
                self._result.not_rederived(files[file].key if file is not None else nowhere, detail)
        for rows_on_disk in spread.values():
            rows_on_disk.remove()

    def count_rows(self) -> None:
        """No row may come from a pull that did not make it, or stand in a recent file of another: all others have
        been compared."""
        for day, file, counted in self._stored.counted(self._result):
            expected = self._expected.get(day, Counter())
            for seq, rows in sorted(counted.items(), key=lambda one: (one[0] is None, one[0] or 0)):
                if file.seq is not None and seq != file.seq:
                    reason = "another pull"
                elif seq not in expected and seq not in self._skipped:
                    reason = "whose pages do not make them"
                else:
                    continue
                self._result.not_rederived(file.key, f"{rows} rows say that they come from entry {seq}, {reason}")
        if self._retagged:
            self._result.notes.append(
                f"{self._retagged} rows were judged known or unknown ({', '.join(JUDGED_BY_RELEASE)}) by another "
                f"release's list of event types; everything else in them was compared"
            )
