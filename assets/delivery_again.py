"""Sent again: the events of a window to one destination, or what lies in its dead letters.

Promise: neither moves the destination's position. A dead letter stays open until every event in it was sent, or
has died once more; an event that the archive does not have any more stays dead.
"""

import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pyarrow as pa

from assets.delivering import (
    Configured,
    add_run,
    all_at_once,
    book_of,
    newest_checkpoint,
    reader_of,
    slices_of,
    target_of,
)
from assets.delivery_questions import ROWS_AT_ONCE, Questions, open_narrow
from assets.delivery_queue import FoldedBy
from assets.delivery_rows import CODED, chunk_of
from assets.workshop import Workshop
from warehouse.archive.deliveries import DeadFile
from warehouse.archive.state import TableFile
from warehouse.delivery import destinations as modules
from warehouse.delivery.chunk import Chunk, Report
from warehouse.delivery.engine import Run
from warehouse.delivery.facts import facts
from warehouse.delivery.mappings.alert import canonical_alert
from warehouse.delivery.mappings.canonical import COLUMNS, canonical_events
from warehouse.delivery.patience import Patience
from warehouse.delivery.port import Destination, Refused
from warehouse.delivery.positions import BEGINNING
from warehouse.delivery.receipts import from_parquet
from warehouse.delivery.slices import Slice
from warehouse.tables.alerts import ALERTS
from warehouse.tables.alerts import TABLE as ALERT_TABLE
from warehouse.tables.catalog import connect
from warehouse.tables.file_rows import rows_of
from warehouse.tables.page_order import stream, streamable
from warehouse.tables.schema import TABLE
from warehouse.wire import arrays
from warehouse.wire.times import rfc3339
from warehouse.wire.windows import Window

_LETTERS_AT_ONCE = 2_000
_GONE = Refused(reason="is not in the archive any more under this version")


def replay(
    workshop: Workshop,
    name: str,
    window: Window,
    *,
    patience: Patience | None = None,
    on_progress: Callable[[Report], None] = lambda _report: None,
    load: Callable[[str], Destination] = modules.load,
) -> Report:
    """Send again what a destination's slice selects of the events of a window (by their own time), every version.

    Of a slice of alerts: those whose newest event lies in the window. Raises what the archive raises.
    """
    one = _named(workshop, name)
    archive = workshop.archive
    archive.refresh()
    archive.check_key()
    slices, refused = slices_of([one], workshop)
    if refused:
        return refused[0]
    lock = threading.Lock()
    book = book_of(archive, lock, one)
    book.action, book.window = "replay", [rfc3339(window.start), rfc3339(window.end)]
    target = target_of(one, load(one.type), newest_checkpoint(archive))
    run = Run(target, book, patience=patience, clock=workshop.clock, on_progress=on_progress)
    source = _Again(workshop, lock)
    chunks = source.alerts_of if slices[name].kind in ("alerts", "rule") else source.events_of

    def serve(_one: Configured) -> Report:
        with reader_of(archive, slices[name], lock) as reader:
            reader.check()
        return run.go(chunks(slices[name], window))

    (report,) = all_at_once([one], serve, [run])
    archive.settle()
    return report


def retry(
    workshop: Workshop,
    names: Sequence[str],
    *,
    patience: Patience | None = None,
    on_progress: Callable[[Report], None] = lambda _report: None,
    load: Callable[[str], Destination] = modules.load,
) -> list[Report]:
    """Send what lies in the dead letters of these destinations again, as the mappings make it today."""
    archive = workshop.archive
    archive.refresh()
    archive.check_key()
    lock = threading.Lock()
    served = archive.state.served()
    wanted = [one for one in workshop.destinations if one.name in names and one.name in served]
    wanted = [one for one in wanted if served[one.name].dead]
    if not wanted:
        return []
    checkpoint = newest_checkpoint(archive)
    totals = {one.name: Report(one.name, one.slice) for one in wanted}
    runs: dict[str, Run] = {}  # by the file of letters; made before any begins, so that a stop meets all of them

    def run_of(one: Configured, file: DeadFile) -> Run:
        book = book_of(archive, lock, one)
        book.action, book.closes = "retry", [file.key]
        return Run(
            target_of(one, load(one.type), checkpoint),
            book,
            patience=patience,
            clock=workshop.clock,
            on_progress=lambda report: on_progress(_so_far(totals[one.name], report)),
        )

    for one in wanted:
        runs |= {file.key: run_of(one, file) for file in served[one.name].dead}

    def serve(one: Configured) -> Report:
        total = totals[one.name]
        for file in served[one.name].dead:
            run, letters = runs[file.key], from_parquet(archive.read(file))
            run.book.tried = {
                (row["event_id"], row["version"]): (row["first_at"], row["attempts"])
                for row in letters.to_pylist()
            }
            add_run(total, run.go(_Again(workshop, lock).letters(letters)))
            if total.stopped is not None:
                break
        return total

    reports = all_at_once(wanted, serve, runs.values())
    archive.settle()
    return reports


def dead_letters(workshop: Workshop, names: Sequence[str] | None = None) -> list[dict[str, Any]]:
    """What lies in the dead letters, by batch and reason (design 13): destination, batch_id, event_ids, status,
    reason, first_at, attempts."""
    archive = workshop.archive
    found: dict[tuple[Any, ...], dict[str, Any]] = {}
    for name, served in sorted(archive.refresh().served().items()):
        if names is not None and name not in names:
            continue
        for file in served.dead:
            for row in from_parquet(archive.read(file)).to_pylist():
                key = (name, row["batch_id"], row["reason"])
                first_at: datetime = row["first_at"]
                group = found.setdefault(
                    key,
                    {
                        "destination": name,
                        "batch_id": row["batch_id"],
                        "event_ids": [],
                        "status": row["status"],
                        "reason": row["reason"],
                        "first_at": rfc3339(first_at),
                        "attempts": row["attempts"],
                    },
                )
                group["event_ids"].append(row["event_id"])
                group["first_at"] = min(group["first_at"], rfc3339(first_at))
                group["attempts"] = max(group["attempts"], row["attempts"])
    return list(found.values())


@dataclass
class _Again:
    """Rows that are sent again, in the form in which the engine takes them."""

    workshop: Workshop
    lock: threading.Lock

    def events_of(self, slice: Slice, window: Window) -> Iterator[Chunk]:
        """Day by day, each file in its own order: no more of it is in memory than a batch."""
        archive = self.workshop.archive
        with self.lock:
            files = self._files({day.isoformat() for day in window.days()})
            plain = slice.condition is None and not archive.state.restricted()
        folded = FoldedBy(archive)
        for file in sorted(files, key=lambda one: one.dt):
            if plain and streamable(archive, file):
                found = _within(window, stream(archive, file, COLUMNS, ROWS_AT_ONCE, dictionaries=CODED))
            else:
                found = self._asked(file, slice, window)
            for rows in found:
                if rows.num_rows:
                    yield _unplaced(rows, folded)

    def _asked(self, file: TableFile, slice: Slice, window: Window) -> Iterator[pa.RecordBatch]:
        """The rows of a file that a slice with a condition selects, masked where somebody is restricted."""
        condition = (
            f"created_at >= timestamptz '{rfc3339(window.start)}' and created_at < timestamptz "
            f"'{rfc3339(window.end)}' and ({slice.condition or 'true'})"
        )
        source, setup = rows_of(self.workshop.archive, [file])
        with Questions(slice) as questions:
            questions.prepare(setup)
            yield from questions.asked(f"select {', '.join(COLUMNS)} from ({source}) as stored where {condition}")

    def alerts_of(self, slice: Slice, window: Window) -> Iterator[Chunk]:
        wanted = "last_at >= ? and last_at < ?" + (" and rule_id = ?" if slice.rule else "")
        values = [window.start, window.end, *([slice.rule] if slice.rule else [])]
        yield from self._alerts(f"where {wanted}", values)

    def letters(self, letters: pa.Table) -> Iterator[Chunk]:
        """The events and alerts that dead letters name; what is not found is refused."""
        for start in range(0, letters.num_rows, _LETTERS_AT_ONCE):
            some = letters.slice(start, _LETTERS_AT_ONCE).to_pylist()
            wanted = {(row["event_id"], row["version"]): row for row in some}
            found: set[tuple[str, int]] = set()
            for chunk in (*self._letter_events(wanted), *self._alerts("where alert_id in (select unnest(?))", [
                [name for name, _ in wanted]
            ])):  # fmt: skip
                names = _names(chunk)
                kept = [place for place, name in enumerate(names) if name in wanted and name not in found]
                found.update(names[place] for place in kept)
                yield _some(chunk, kept, wanted)
            gone = [row for name, row in wanted.items() if name not in found]
            if gone:
                columns = ("event_id", "version", "entry_seq", "entry_row")
                ids, versions, seqs, places = ([row[name] for row in gone] for name in columns)
                known = facts(ids, versions, seqs, places, [None] * len(gone))
                yield Chunk(known, [_GONE] * len(gone), BEGINNING, 0)

    def _letter_events(self, wanted: dict[tuple[str, int], dict[str, Any]]) -> Iterator[Chunk]:
        days = {row["event_time"].date().isoformat() for row in wanted.values() if row["event_time"]}
        with self.lock:
            files = self._files(days if all(row["event_time"] for row in wanted.values()) else None)
        if not files:
            return
        source, setup = rows_of(self.workshop.archive, files)
        with connect(self.workshop.archive) if setup else open_narrow() as db:
            query = f"select {', '.join(COLUMNS)} from ({source}) as stored where id in (select unnest(?))"
            for rows in db.execute(query, [[name for name, _ in wanted]]).to_arrow_reader(ROWS_AT_ONCE):
                if rows.num_rows:
                    yield _unplaced(rows)

    def _alerts(self, where: str, values: list[Any]) -> Iterator[Chunk]:
        archive = self.workshop.archive
        if not archive.state.table(ALERT_TABLE).recent:
            return
        with self.lock:
            db = connect(archive)
        with db:
            names = ", ".join(ALERTS.names)
            rows = db.execute(f"select {names} from alert_versions {where} order by alert_id, version", values)
            found = [dict(zip(ALERTS.names, row, strict=True)) for row in rows.fetchall()]
            ids = sorted({one for row in found for one in row["event_ids"]})
            columns = ", ".join(COLUMNS)
            query = f"select {columns} from audit_events where id in (select unnest(?))"
            events = {
                event.event_id: event for event in canonical_events(db.execute(query, [ids]).to_arrow_table())
            }
        alerts = [
            canonical_alert(row, [events[one] for one in row["event_ids"] if one in events]) for row in found
        ]
        if alerts:
            absent = [None] * len(alerts)
            ids, versions = [alert.alert_id for alert in alerts], [alert.version for alert in alerts]
            times = [alert.stamp_us for alert in alerts]
            yield Chunk(facts(ids, versions, absent, absent, times), alerts, BEGINNING, 0)

    def _files(self, days: set[str] | None) -> list[TableFile]:
        table = self.workshop.archive.state.table(TABLE)
        return [file for file in (*table.sealed, *table.recent) if days is None or file.dt in days]


def _within(window: Window, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    start, end = arrays.micros(window.start), arrays.micros(window.end)
    for rows in batches:
        created = rows.column("created_at")
        at = arrays.plain(created)
        inside = (at >= start) & (at < end) & arrays.known(created)
        yield rows if inside.all() else rows.filter(arrays.flags(inside))


def _unplaced(rows: pa.RecordBatch, folded: "FoldedBy | None" = None) -> Chunk:
    """Rows whose number in their entry was not looked up."""
    seqs = None
    if folded is not None:
        seqs = arrays.integers([folded[pull] for pull in rows.column("commit_seq").to_pylist()], pa.int64())
    return chunk_of(rows, seqs, None, BEGINNING, 0)


def _some(chunk: Chunk, places: Sequence[int], letters: dict[tuple[str, int], dict[str, Any]]) -> Chunk:
    """Some events of a chunk, at the places in the log that their dead letters name."""
    every, times = _names(chunk), chunk.column("event_time")
    names = [every[place] for place in places]
    known = facts(
        [id for id, _ in names],
        [version for _, version in names],
        [letters[name]["entry_seq"] for name in names],
        [letters[name]["entry_row"] for name in names],
        [times[place] for place in places],
    )
    return Chunk(known, [chunk.events[place] for place in places], BEGINNING, 0)


def _names(chunk: Chunk) -> list[tuple[str, int]]:
    return list(zip(chunk.column("event_id"), chunk.column("version"), strict=True))


def _named(workshop: Workshop, name: str) -> Configured:
    found: Configured = next(one for one in workshop.destinations if one.name == name)
    return found


def _so_far(total: Report, report: Report) -> Report:
    """How far a destination is whose runs before this one are in `total`."""
    return Report(
        report.name,
        report.slice,
        settled=total.settled + report.settled,
        looked_at=total.looked_at + report.looked_at,
    )
