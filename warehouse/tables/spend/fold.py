"""The fold of usage and cost: a complete pull of a day replaces that day, as a further version of it.

Promise: a day whose content is the same is counted and no more; rows that vanished are gone from the new version
and stay in the old; a partial pull replaces nothing. The result is a function of the log up to the pull, so
whichever of two writers folds, the same rows come out.
"""

from collections import Counter
from collections.abc import Iterable
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
from warehouse.tables.spend.days import day_values
from warehouse.tables.spend.findings import findings
from warehouse.tables.spend.held import HeldDays
from warehouse.tables.spend.rows import Row, read_rows
from warehouse.tables.spend.schema import ALL_REPORTS, Report
from warehouse.wire.records import split_page
from warehouse.wire.times import midnight, parse_rfc3339
from warehouse.wire.windows import Window


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
    report = ALL_REPORTS[entry.stream or ""]
    work = _Fold(archive, entry, report)
    if entry.complete:
        work.run()
    return work.commit()


def fold_again(archive: Archive, entry: Entry) -> dict[str, pa.Table]:
    """What a pull that was folded before comes to now, by table; nothing is written."""
    work = _Fold(archive, entry, ALL_REPORTS[entry.stream or ""])
    if entry.complete:
        work.run()
    return work.tables()


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


class _Fold:
    """One fold while it is at work."""

    def __init__(self, archive: Archive, entry: Entry, report: Report) -> None:
        self.archive, self.entry, self.report = archive, entry, report
        self.window = _window(entry)
        self.folded = FoldedDays(entry.seq)
        self._observed_at = parse_rfc3339(entry.committed_at)
        self._refreshed_at = parse_rfc3339(entry.data_refreshed_at or entry.committed_at)
        self._rows_tables: list[pa.Table] = []
        self._days_tables: list[pa.Table] = []
        self._outside = 0
        self._disagreeing: list[tuple[date, str]] = []
        self._unreadable: list[date] = []

    def run(self) -> None:
        total_pages, grouped_pages = last_walk(self.entry.objects)
        totals, grouped = self._rows(total_pages), self._rows(grouped_pages)
        held = HeldDays(self.archive, self.report, self.window, self.entry.seq)
        for day in self.window.days():
            self._fold_day(day, grouped.get(day, []), totals.get(day, []), held)

    def _rows(self, pages: list[tuple[int, ObjectRef]]) -> dict[date, list[Row]]:
        by_day: dict[date, list[Row]] = {}
        for number, ref in pages:
            records = split_page(self.archive.read_page(ref)).records
            for row in read_rows(self.report, self.window, records, number):
                self._outside += row.outside
                by_day.setdefault(row.day, []).append(row)
        return by_day

    def _fold_day(self, day: date, rows: list[Row], totals: list[Row], held: HeldDays) -> None:
        folded = self.folded
        folded.records += len(rows)
        content = _content(rows, totals)
        values = day_values(self.report, rows, totals)
        if values.disagreement is not None:
            self._disagreeing.append((day, values.disagreement))
        if values.unreadable:
            self._unreadable.append(day)
        folded.by_day[day.isoformat()] = facts = {"rows": len(rows), **values.facts}
        version, before = held.newest(day)
        facts["version"] = version
        if before == content:
            folded.unchanged += len(rows)
            return
        known = Counter(held.keys(day)) if version else Counter[tuple[str, str]]()
        mine = Counter((row.values["row_key"], row.content) for row in rows)
        same = (known & mine).total()
        known_keys = Counter({key: 0 for key, _ in known})
        for (key, _), count in (known - mine).items():
            known_keys[key] += count
        my_keys: Counter[str] = Counter()
        for (key, _), count in (mine - known).items():
            my_keys[key] += count
        revised = (known_keys & my_keys).total()
        facts.update(
            version=version + 1,
            first=my_keys.total() - revised,
            revised=revised,
            withdrawn=known_keys.total() - revised,
        )
        folded.first += facts["first"]
        folded.revised += revised
        folded.withdrawn += facts["withdrawn"]
        folded.unchanged += same
        folded.days += 1
        folded.restated += version > 0
        for row in [*rows, *totals]:
            folded.unknown_fields.update(f"{self.report.stream}: {name}"[:300] for name in row.strange)
            if row.unknown_actor is not None:
                folded.unknown_types[row.unknown_actor] += 1
        self._write(day, version + 1, rows, totals, values.columns, content)

    def _write(
        self, day: date, version: int, rows: list[Row], totals: list[Row], sums: dict[str, Any], content: str
    ) -> None:
        same = {
            "data_refreshed_at": self._refreshed_at,
            "observed_at": self._observed_at,
            "commit_seq": self.entry.seq,
            "version": version,
        }
        if rows:
            found = [row.values for row in rows]
            columns = {
                name: [same[name]] * len(rows) if name in same else [values.get(name) for values in found]
                for name in self.report.rows.names
                if name != "unknown_fields"
            }
            columns["unknown_fields"] = [row.strange or None for row in rows]
            self._rows_tables.append(pa.table(columns, schema=self.report.rows))
        of_the_day = {
            **same,
            **sums,
            "day": day,
            "final": (self._refreshed_at.date() - day).days >= FINAL_AGE,
            "rows": len(rows),
            "raw": "\n".join(row.values["raw"] for row in totals) or None,
            "content_sha256": content,
        }
        schema = self.report.days
        self._days_tables.append(pa.table({name: [of_the_day[name]] for name in schema.names}, schema=schema))

    def tables(self) -> dict[str, pa.Table]:
        """The rows and the days that this pull adds, by table."""
        report = self.report
        return {
            report.rows_table: pa.concat_tables([report.rows.empty_table(), *self._rows_tables]),
            report.days_table: pa.concat_tables([report.days.empty_table(), *self._days_tables]),
        }

    def _put(self, table: str, rows: pa.Table) -> ObjectRef:
        """One file for all days of this pull that changed, under the first of them."""
        days = pc.min_max(rows["day"]).as_py()
        data = parquet.write([rows], rows.schema)
        # kept for the full term: nothing seals these rows, and old versions are what a closed month was made of
        stored = self.archive.put(keys.recent(table, days["min"], self.entry.seq, sha256_hex(data)), data)
        return ObjectRef(
            key=stored.key,
            version_id=stored.version_id,
            sha256=stored.sha256,
            bytes=stored.bytes,
            records=rows.num_rows,
            table=table,
            dt=days["min"].isoformat(),
            covers=parquet.span_text(midnight(days["min"]), midnight(days["max"])) or UNSET,
        )

    def commit(self) -> FoldedDays | None:
        objects = [self._put(table, rows) for table, rows in self.tables().items() if rows.num_rows]
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


def _content(rows: list[Row], totals: list[Row]) -> str:
    """The hash of a day: over the hashes of its rows and of its total, in no order of the server's."""
    parts = [*sorted(row.content for row in rows), "total", *sorted(row.content for row in totals)]
    return sha256("\n".join(parts).encode()).hexdigest()
