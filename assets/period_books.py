"""The books of the months in the archive: read from its log, closed and reopened in it. Knows no Dagster.

Promise: a close stores its files first and then commits one entry that names them; whoever comes second is refused
and nothing of the first is changed. The books follow from the log alone.
"""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

import duckdb

from assets.cost_lines import coverage, disagreeing, refreshed_at, rows_of
from assets.payers import Payers, read_payers
from assets.seat_days import seat_days_of
from assets.unchanged import is_unchanged
from assets.workshop import Workshop
from warehouse.archive import keys
from warehouse.archive.adopt import adopt_orphans
from warehouse.archive.archive import Archive
from warehouse.archive.entry import Draft, Entry, ObjectRef, sha256_hex
from warehouse.archive.state import LogState
from warehouse.finops.books import Books, Event
from warehouse.finops.closing import MANIFEST, STATEMENT_JSON, Closing, closing, read_statement
from warehouse.finops.errors import Mistake, PeriodRefused
from warehouse.finops.periods import Period, check_closable
from warehouse.finops.preparing import Inputs, Prepared, prepare
from warehouse.finops.statement import Statement
from warehouse.tables.catalog import connect
from warehouse.tables.masking import ACCOUNTING
from warehouse.wire.times import midnight, rfc3339


def read_books(archive: Archive) -> Books:
    """The books as the log has them now. Raises what reading an archive raises."""
    entries = [archive.entry(seq) for seq in archive.refresh().period_entries()]
    events = [_event(entry) for entry in entries]
    standing: dict[Period, Entry | None] = {}
    for event, entry in zip(events, entries, strict=True):
        standing[event.period] = entry if event.state == "closed" else None
    statements = [published(archive, entry) for entry in standing.values() if entry is not None]
    return Books.replay(events, statements)


def published(archive: Archive, entry: Entry) -> Statement:
    """The statement that a close published, from the archive."""
    return read_statement(archive.read(file_of(entry, STATEMENT_JSON)))


def file_of(entry: Entry, name: str) -> ObjectRef:
    """The object of a close that has one of our names. Raises PeriodRefused where the entry names none."""
    period = _event(entry).period
    word, _, ending = name.partition(".")
    for ref in entry.objects:
        if ref.key.startswith(f"periods/{period}/") and f"-{word}-" in ref.key and ref.key.endswith(f".{ending}"):
            return ref
    raise PeriodRefused(f"entry {entry.seq} closed {period} and names no {name}; run `ledgerline verify`")


def close_entry(archive: Archive, period: Period) -> Entry | None:
    """The entry of the close that stands for a month; None where it is not closed."""
    found = None
    for seq in archive.state.period_entries():
        entry = archive.entry(seq)
        event = _event(entry)
        if event.period == period:
            found = entry if event.state == "closed" else None
    return found


def _event(entry: Entry) -> Event:
    return Event.parse(entry.period if isinstance(entry.period, dict) else {})


@contextmanager
def bookkeeping(workshop: Workshop) -> "Iterator[Bookkeeping]":
    """The books with the tables open beside them. The customer's files are read when they are first needed: what
    is published needs none."""
    with connect(workshop.archive, unmasked=ACCOUNTING) as db:
        yield Bookkeeping(workshop, read_books(workshop.archive), db)


@dataclass
class Bookkeeping:
    """What can be done with the books of an archive."""

    workshop: Workshop
    books: Books
    db: duckdb.DuckDBPyConnection
    _payers: Payers | None = None

    @property
    def payers(self) -> Payers:
        """The customer's files. Raises FileRefused."""
        if self._payers is None:
            self._payers = read_payers(self.workshop.payers, self.db, self.workshop.clock())
        return self._payers

    @property
    def notes(self) -> tuple[Mistake, ...]:
        """What is to remark about the files that were read."""
        return self._payers.notes if self._payers is not None else ()

    @property
    def inputs(self) -> Inputs:
        payers = self.payers
        return Inputs(
            rows=lambda period: rows_of(self.db, period),
            mapping=payers.mapping,
            rules=payers.rules,
            contracts=payers.contracts,
            refreshed=lambda period: refreshed_at(self.db, period),
            seat_days=lambda period: seat_days_of(self.db, period, payers.contracts, self.workshop.clock().date()),
            unchanged=self._unchanged,
        )

    def _unchanged(self, period: Period) -> bool:
        """Whether a closed month is as it was closed; no where there are seats: no manifest has their hash."""
        entry = close_entry(self.workshop.archive, period)
        if entry is None or self.payers.contracts or any("-input-contracts-" in ref.key for ref in entry.objects):
            return False
        manifest = json.loads(self.workshop.archive.read(file_of(entry, MANIFEST)))
        versions = {"mapping": self.payers.mapping.sha256, "rules": self.payers.rules.version}
        return is_unchanged(self.db, period, manifest, versions)

    def prepare(self, period: Period) -> Prepared:
        """The statement that an open month has now; provisional once the month has ended."""
        state = self.books.state(period)
        if state == "open" and self.workshop.clock().date() >= period.end:
            state = "provisional"
        return prepare(self.books, period, self.inputs, state)

    def recomputed(self, period: Period) -> Prepared:
        """A month as its rows and the mapping say today, whatever was published for it."""
        return prepare(Books(), period, self.inputs, "provisional")

    def statement(self, period: Period) -> Statement:
        """The published statement of a closed month, else the one that it has now."""
        return self.books.statements.get(period) or self.prepare(period).statement

    def close(self, period: Period, *, by: str, reason: str = "", forced: bool = False) -> tuple[Entry, Statement]:
        """Close a month: its files and one entry; files that an earlier try left without one are adopted first.

        Raises PeriodRefused and TooEarly, changing nothing.
        """
        self.books.check_close(period)
        if forced and not reason.strip():
            raise PeriodRefused(f"{period} is closed early only with a reason, which is recorded; give --reason")
        archive, now, inputs = self.workshop.archive, self.workshop.clock(), self.inputs
        held = replace(coverage(archive.state, period), disagreeing=disagreeing(self.db, period))
        because = check_closable(period, today=now.date(), coverage=held, forced=forced)
        archive.check_key()
        adopt_orphans(archive)
        done = prepare(self.books, period, inputs, "closed")
        last = self.books.last_close(period)
        files = closing(
            done.statement,
            mapping=self.payers.mapping,
            rules=done.rules,
            sources=done.sources,
            closed_at=now,
            closed_by=by,
            reason=reason,
            because=because,
            supersedes=last.manifest_sha256 if last else None,
            inputs=self.payers.files,
        )
        event = Event(
            period, "closed", done.statement.number, now, by, reason, tuple(because), files.manifest_sha256,
            last.manifest_sha256 if last else None,
        )  # fmt: skip
        draft = _draft(event, _stored(archive, event, files))
        draft.derived_from = list(done.sources.entries)
        draft.counts = {"lines": len(done.statement.lines), "rows": done.sources.rows}
        refreshed = done.sources.data_refreshed_at
        draft.data_refreshed_at = rfc3339(refreshed) if refreshed else None
        entry = self._commit(draft)
        self.books.close(event, done.statement)
        return entry, done.statement

    def reopen(self, period: Period, *, by: str, reason: str) -> Entry:
        """Reopen a closed month, with a reason. Raises PeriodRefused."""
        self.books.check_reopen(period, reason)
        adopt_orphans(self.workshop.archive)
        last = self.books.last_close(period)
        assert last is not None
        event = Event(
            period, "reopened", last.number, self.workshop.clock(), by, reason, supersedes=last.manifest_sha256
        )
        entry = self._commit(_draft(event, []))
        self.books.reopen(event)
        return entry

    def _commit(self, draft: Draft) -> Entry:
        archive = self.workshop.archive
        known = len(self.books.events)

        def unless_moved(state: LogState) -> Draft:
            if len(state.period_entries()) != known:
                raise PeriodRefused(
                    "somebody else closed or reopened a period in the meantime; nothing was changed. Look at it "
                    "and run the command again"
                )
            return draft

        entry = archive.append(unless_moved)
        assert entry is not None
        archive.settle()
        return entry


def _stored(archive: Archive, event: Event, files: Closing) -> list[ObjectRef]:
    named = [
        (keys.period_file(str(event.period), event.number, name, sha256_hex(body)), body)
        for name, body in sorted(files.files.items())
    ]
    return archive.put_all(named)


def _draft(event: Event, objects: Sequence[ObjectRef]) -> Draft:
    window = [rfc3339(midnight(event.period.start)), rfc3339(midnight(event.period.end))]
    return Draft(kind="period", window=window, objects=list(objects), period=event.document())
