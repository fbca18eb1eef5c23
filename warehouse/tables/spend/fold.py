"""The fold of usage and cost: a complete pull of a day replaces that day, as a further version of it.

Promise: a day whose content is the same is counted and no more; rows that vanished are gone from the new version
and stay in the old; a partial pull replaces nothing. The result is a function of the log up to the pull, so
whichever of two writers folds, the same rows come out.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date
from hashlib import sha256
from typing import Any
from urllib.parse import parse_qs

import pyarrow as pa
import pyarrow.compute as pc
from msgspec import UNSET

from warehouse.archive import keys
from warehouse.archive.archive import Archive
from warehouse.archive.derive import FINAL_AGE
from warehouse.archive.entry import Draft, Entry, ObjectRef, sha256_hex
from warehouse.archive.state import LogState
from warehouse.tables import parquet
from warehouse.tables.folded import Folded
from warehouse.tables.spend.days import Sums, day_values
from warehouse.tables.spend.findings import findings
from warehouse.tables.spend.gathered import DayGathered, GatheredDays
from warehouse.tables.spend.held import HeldDays, joined, key_of
from warehouse.tables.spend.rows import Row, read_rows
from warehouse.tables.spend.schema import ALL_REPORTS, Report
from warehouse.wire.records import split_page
from warehouse.wire.times import midnight, parse_rfc3339
from warehouse.wire.windows import Window

_FILE_ROWS = 125_000  # rows of whole days gathered before a file is written: bounds memory


@dataclass
class FoldedDays(Folded):
    """What one fold did: rows that are new to their day, changed, vanished, or the same; `days` that got a
    version, and how many of them had one before. `by_day` holds each day's sums and version."""

    days: int = 0
    restated: int = 0
    findings: list[dict[str, str]] = field(default_factory=list)
    by_day: dict[str, dict[str, Any]] = field(default_factory=dict)

    def counts(self) -> dict[str, Any]:
        return {**super().counts(), "days": self.days, "restated": self.restated}


def fold_pending_days(archive: Archive, stream: str, *, before: Entry | None = None) -> list[FoldedDays]:
    """Fold every pull of a stream that is not folded yet, in order of the log.

    `before`: only those that come before this pull and touch its window, which is what its fold depends on.
    """
    archive.refresh()
    pending = archive.state.stream(stream).pending_fold
    done = []
    for seq in sorted(int(text) for text in pending):
        window = pending.get(str(seq))
        if window is None:
            continue
        if before is not None and not (seq < before.seq and window.overlaps(_window(before))):
            continue
        folded = fold_days(archive, archive.entry(seq))
        if folded is not None:
            done.append(folded)
    return done


def fold_days(archive: Archive, entry: Entry) -> FoldedDays | None:
    """Fold one committed pull and commit the table entry; None when another writer had done so already.

    Pulls before it that overlap its window are folded first where they are not yet.
    """
    fold_pending_days(archive, entry.stream or "", before=entry)
    return _Fold(archive, entry, ALL_REPORTS[entry.stream or ""]).commit()


def fold_again(archive: Archive, entry: Entry) -> Iterator["FoldedDay"]:
    """What a pull that was folded before comes to now, day by day; nothing is written."""
    return _Fold(archive, entry, ALL_REPORTS[entry.stream or ""]).days() if entry.complete else iter(())


def _window(entry: Entry) -> Window:
    if entry.window is None:
        raise ValueError(f"pull entry {entry.seq} of {entry.stream} names no window")
    return Window.from_text(entry.window)


def last_walk(objects: Iterable[ObjectRef]) -> tuple[list[tuple[int, ObjectRef]], list[tuple[int, ObjectRef]]]:
    """The pages that belong together, with their numbers from 1: those of the total, those of the grouped rows.

    A walk that was begun again (a cursor died, new figures came) leaves pages before its last beginning.
    """
    total: list[tuple[int, ObjectRef]] = []
    grouped: list[tuple[int, ObjectRef]] = []
    for number, ref in enumerate(objects, 1):
        if "group_by[]" in parse_qs(ref.query if isinstance(ref.query, str) else ""):
            if ref.cursor_in is None:
                grouped = []
            grouped.append((number, ref))
        else:
            if ref.cursor_in is None:
                total, grouped = [], []
            total.append((number, ref))
    return total, grouped


@dataclass(frozen=True)
class FoldedDay:
    """A version that a pull adds: the rows of the day, and the day itself (one row), in the report's columns."""

    day: date
    rows: pa.Table
    of_the_day: pa.Table


class _Fold:
    """One fold while it is at work."""

    def __init__(self, archive: Archive, entry: Entry, report: Report) -> None:
        self.archive, self.entry, self.report = archive, entry, report
        self.window = _window(entry)
        self.folded = FoldedDays(entry.seq)
        self._observed_at = parse_rfc3339(entry.committed_at)
        self._refreshed_at = parse_rfc3339(entry.data_refreshed_at or entry.committed_at)
        self._outside = 0
        self._disagreeing: list[tuple[date, str]] = []
        self._unreadable: list[date] = []

    def days(self) -> Iterator[FoldedDay]:
        """The versions that this pull adds, in order of the days."""
        total_pages, grouped_pages = last_walk(self.entry.objects)
        totals: dict[date, list[Row]] = {}
        for rows in self._read(total_pages):
            for row in rows:
                totals.setdefault(row.day, []).append(row)
        expected = sum(ref.records for _, ref in grouped_pages if isinstance(ref.records, int))
        with GatheredDays(self.report, self.window, expected) as grouped:
            for rows in self._read(grouped_pages):
                grouped.add(rows)
            held = HeldDays(self.archive, self.report, self.window, self.entry.seq)
            for day in self.window.days():
                folded = self._fold_day(day, grouped, totals.get(day, []), held)
                if folded is not None:
                    yield folded

    def _read(self, pages: list[tuple[int, ObjectRef]]) -> Iterator[list[Row]]:
        for number, ref in pages:
            records = split_page(self.archive.read_page(ref)).records
            rows = read_rows(self.report, self.window, records, number)
            self._outside += sum(row.outside for row in rows)
            yield rows

    def _fold_day(self, day: date, grouped: GatheredDays, totals: list[Row], held: HeldDays) -> FoldedDay | None:
        folded, known, rows = self.folded, grouped.days.get(day, DayGathered()), grouped.of_day(day)
        folded.records += known.rows
        content = _content(rows, totals)
        values = day_values(self.report, known.sums, Sums.of(totals))
        if values.disagreement is not None:
            self._disagreeing.append((day, values.disagreement))
        if values.unreadable:
            self._unreadable.append(day)
        folded.by_day[day.isoformat()] = facts = {"rows": known.rows, **values.facts}
        version, before = held.newest(day)
        facts["version"] = version
        if before == content:
            folded.unchanged += known.rows
            return None
        changes = _changes(held.keys(day) if version else [], joined(rows))
        facts.update(
            version=version + 1, first=changes.first, revised=changes.revised, withdrawn=changes.withdrawn
        )
        folded.first += changes.first
        folded.revised += changes.revised
        folded.withdrawn += changes.withdrawn
        folded.unchanged += changes.same
        folded.days += 1
        folded.restated += version > 0
        strange = known.strange + Counter(name for row in totals for name in row.strange)
        for name, count in strange.items():
            folded.unknown_fields[f"{self.report.stream}: {name}"[:300]] += count
        folded.unknown_types.update(known.unknown_actors)
        folded.unknown_types.update(row.unknown_actor for row in totals if row.unknown_actor is not None)
        same = {
            "data_refreshed_at": self._refreshed_at,
            "observed_at": self._observed_at,
            "commit_seq": self.entry.seq,
            "version": version + 1,
        }
        of_the_day = {
            **same,
            **values.columns,
            "day": day,
            "final": (self._refreshed_at.date() - day).days >= FINAL_AGE,
            "rows": known.rows,
            "raw": "\n".join(row.values["raw"] for row in totals) or None,
            "content_sha256": content,
        }
        schema = self.report.days
        return FoldedDay(
            day,
            _with_version(rows, same, self.report.rows),
            pa.table({name: [of_the_day[name]] for name in schema.names}, schema=schema),
        )

    def _put(self, table: str, parts: list[pa.Table]) -> list[ObjectRef]:
        """One file for days that changed, under the first of them; none where there is no row."""
        rows = pa.concat_tables(parts) if parts else None
        if rows is None or not rows.num_rows:
            return []
        days = pc.min_max(rows["day"]).as_py()
        data = parquet.write([rows], rows.schema)
        # kept for the full term: nothing seals these rows, and old versions are what a closed month was made of
        stored = self.archive.put(keys.recent(table, days["min"], self.entry.seq, sha256_hex(data)), data)
        return [
            ObjectRef(
                key=stored.key,
                version_id=stored.version_id,
                sha256=stored.sha256,
                bytes=stored.bytes,
                records=rows.num_rows,
                table=table,
                dt=days["min"].isoformat(),
                covers=parquet.span_text(midnight(days["min"]), midnight(days["max"])) or UNSET,
            )
        ]

    def _write(self) -> list[ObjectRef]:
        """The files of this pull: rows of some days each, then all its days."""
        report, waiting, objects = self.report, list[pa.Table](), list[ObjectRef]()
        days = [report.days.empty_table()]
        for one in self.days() if self.entry.complete else ():
            days.append(one.of_the_day)
            waiting.append(one.rows)
            if sum(rows.num_rows for rows in waiting) >= _FILE_ROWS:
                objects += self._put(report.rows_table, waiting)
                waiting = []
        return [*objects, *self._put(report.rows_table, waiting), *self._put(report.days_table, days)]

    def commit(self) -> FoldedDays | None:
        objects = self._write()
        self.folded.bytes = sum(ref.bytes for ref in objects)
        self.folded.findings = findings(
            self.report.stream, self.window, self._disagreeing, self._unreadable, self._outside
        )
        entry = self.entry

        def build(state: LogState) -> Draft | None:
            if str(entry.seq) not in state.stream(self.report.stream).pending_fold:
                return None
            return Draft(
                kind="table",
                stream=self.report.stream,
                table=self.report.rows_table,
                window=entry.window,
                complete=entry.complete,
                objects=objects,
                derived_from=[entry.seq],
                counts=self.folded.counts(),
                data_refreshed_at=entry.data_refreshed_at,
                findings=self.folded.findings or UNSET,
            )

        return self.folded if self.archive.append(build) is not None else None


@dataclass(frozen=True)
class _Changes:
    """What became of a day's rows: `first`: their key was not there before; `withdrawn`: it is there no more."""

    same: int
    first: int
    revised: int
    withdrawn: int


def _changes(before: list[str], now: list[str]) -> _Changes:
    """Both as `joined` gives them."""
    known, mine = Counter(before), Counter(now)
    same = (known & mine).total()
    gone, new = Counter[str](), Counter[str]()
    for text, count in (known - mine).items():
        gone[key_of(text)] += count
    for text, count in (mine - known).items():
        new[key_of(text)] += count
    revised = (gone & new).total()
    return _Changes(same, new.total() - revised, revised, gone.total() - revised)


def _with_version(rows: pa.Table, same: dict[str, Any], schema: pa.Schema) -> pa.Table:
    columns = [
        pa.repeat(pa.scalar(same[one.name], one.type), rows.num_rows) if one.name in same else rows[one.name]
        for one in schema
    ]
    return pa.table(columns, schema=schema).combine_chunks()  # so that the file's bytes follow from its rows alone


def _content(rows: pa.Table, totals: list[Row]) -> str:
    """The hash of a day: over the hashes of its rows and of its total, in no order of the server's."""
    mine = sorted(rows["content_sha256"].to_pylist())
    parts = [*mine, "total", *sorted(row.content for row in totals)]
    return sha256("\n".join(parts).encode()).hexdigest()
