"""The tables made again from the pages, and compared with what is stored, row by row and column by column.

Promise: reads only; covers both tiers; a row that does not follow from the pages, is missing or is one too many is
a finding that names its file. Each pull is folded again upon the versions that the pulls before it left in the
tables, which were compared before it: so all of them are compared with the pages.
"""

from collections import Counter
from collections.abc import Callable, Iterable
from datetime import date, datetime

import pyarrow as pa

from warehouse.archive.archive import Archive
from warehouse.archive.entry import Entry
from warehouse.archive.errors import ArchiveError, LogError, StoreUnreachable
from warehouse.archive.findings import Verification
from warehouse.tables.activities import Parser
from warehouse.tables.audit_export.committing import STREAM as EXPORTS
from warehouse.tables.audit_export.rederiving import rederive_exports
from warehouse.tables.audit_export.schema import TABLE as EXPORT_TABLE
from warehouse.tables.directory.rederiving import rederive_directory
from warehouse.tables.directory.schema import LISTINGS
from warehouse.tables.engagement.fold import rederive_engagement
from warehouse.tables.engagement.schema import MEASURES
from warehouse.tables.fold import STREAM, OpenFold, batches_of, by_day
from warehouse.tables.row_difference import JUDGED_BY_RELEASE, difference
from warehouse.tables.schema import AUDIT_EVENTS, TABLE
from warehouse.tables.spend.rederiving import rederive_spend
from warehouse.tables.spend.schema import ALL_REPORTS
from warehouse.tables.stored_rows import StoredRows
from warehouse.tables.telemetry.rederiving import rederive_telemetry
from warehouse.tables.telemetry.schema import TABLES as TELEMETRY
from warehouse.wire.windows import Window

Tell = Callable[[str, int, int], None]


def rederive(archive: Archive, parser: Parser, result: Verification, *, on_progress: Tell | None = None) -> None:
    """Add to `result` what in the tables does not follow from the pages.

    Raises StoreUnreachable. Where the log or a page is damaged, which `verify` names, a note says what could not
    be made again.
    """
    tell = on_progress or (lambda _phase, _done, _total: None)
    try:
        state = archive.refresh()
        entries = _pulls(archive)
    except LogError as error:
        result.notes.append(f"the tables were not made again: {error}")
        return
    work = _Activities(archive, parser, result)
    for done, entry in enumerate(entries):
        if entry.stream == STREAM and str(entry.seq) not in state.stream(STREAM).pending_fold:
            work.fold_again(entry)
        tell("pulls made again", done + 1, len(entries))
    work.count_rows()
    exports = [entry for entry in entries if entry.stream == EXPORTS]
    rederive_exports(archive, exports, result)
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


def _pulls(archive: Archive) -> list[Entry]:
    return [entry for entry in archive.entries() if entry.kind == "pull"]


class _Again(OpenFold):
    """A fold that writes nothing: the rows it would have written are in `made`."""

    def __init__(self, archive: Archive, entry: Entry, window: Window, stored: StoredRows) -> None:
        self.made: list[pa.Table] = []
        self._stored = stored
        super().__init__(archive, entry, window)

    def _look(self, days: Iterable[date], span: tuple[datetime, datetime]) -> None:
        for day in days:
            self._looked.update((file.key, file) for file in self._stored.files(day.isoformat()))
            self._hold(list(self._stored.held(day.isoformat(), self.entry.seq, span).items()))

    def _flush(self) -> None:
        self.made += self._rows
        self._rows, self._waiting = [], 0


class _Activities:
    """The activities' pulls made again, one by one, in the order of the log."""

    def __init__(self, archive: Archive, parser: Parser, result: Verification) -> None:
        self._archive, self._parser, self._result = archive, parser, result
        self._stored = StoredRows(archive, TABLE, AUDIT_EVENTS)
        self._expected: dict[str, Counter[int]] = {day: Counter() for day in self._stored.days}
        self._skipped: set[int] = set()
        self._retagged = 0

    def fold_again(self, entry: Entry) -> None:
        """One pull: what its pages come to against what is stored of it."""
        if entry.window is None:
            return
        window = Window.from_text(entry.window)
        try:
            again = _Again(self._archive, entry, window, self._stored)
            for batch in batches_of(self._archive, entry, self._parser):
                again.add(batch)
            again.close()
            made = pa.concat_tables(again.made) if again.made else AUDIT_EVENTS.empty_table()
            parts = (
                {day.isoformat(): rows for day, rows in by_day(made, window.start.date())} if made.num_rows else {}
            )
            for day in sorted(
                {*parts, *(day.isoformat() for day in window.days() if day.isoformat() in self._stored.days)}
            ):
                self._compare(day, entry.seq, parts.get(day, AUDIT_EVENTS.empty_table()))
        except StoreUnreachable:
            raise
        except (ArchiveError, ValueError, pa.ArrowException) as error:
            self._skipped.add(entry.seq)
            self._result.notes.append(f"the rows of pull {entry.seq} could not be made again or read: {error}")

    def _compare(self, day: str, seq: int, made: pa.Table) -> None:
        self._expected.setdefault(day, Counter())[seq] += made.num_rows
        stored = self._stored.of_commit(day, seq)
        found = difference(made, stored, AUDIT_EVENTS)
        self._retagged += found.retagged
        for file, detail in found.rows:
            files = self._stored.files(day)
            subject = files[file].key if file is not None else f"tables/*/{TABLE}/dt={day}/ (rows of entry {seq})"
            self._result.not_rederived(subject, detail)

    def count_rows(self) -> None:
        """No row may come from a pull that did not make it: all others have been compared."""
        for day in sorted(self._stored.days):
            expected = self._expected.get(day, Counter())
            for file, counted in self._stored.counts(day):
                for seq, rows in sorted(counted.items(), key=lambda one: (one[0] is None, one[0] or 0)):
                    if seq not in expected and seq not in self._skipped:
                        self._result.not_rederived(
                            file.key,
                            f"{rows} rows say that they come from entry {seq}, whose pages do not make them",
                        )
        if self._retagged:
            self._result.notes.append(
                f"{self._retagged} rows were judged known or unknown ({', '.join(JUDGED_BY_RELEASE)}) by another "
                f"release's list of event types; everything else in them was compared"
            )
