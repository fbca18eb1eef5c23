"""The fold: a pull's pages against what is held, into versions.

Promise: same id and same content is counted, other content is `revised`, held but no longer served in a
complete pull is `withdrawn`; a partial pull withdraws nothing; folding again changes nothing. The result is a
function of the log up to the pull, so whichever of two writers folds, the same rows come out.
"""

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, wait
from datetime import date, datetime

import msgspec
import pyarrow as pa
import pyarrow.compute as pc
from msgspec import UNSET

from warehouse.archive import keys
from warehouse.archive.archive import Archive
from warehouse.archive.entry import Draft, Entry, ObjectRef, sha256_hex
from warehouse.archive.recording import Turn
from warehouse.archive.state import LogState, TableFile
from warehouse.tables import parquet
from warehouse.tables.activities import Batch, Footprint, Parser, tally
from warehouse.tables.event_rows import by_day, rows_of_batch, withdrawals
from warehouse.tables.folded import Folded
from warehouse.tables.footprints import footprints_seen
from warehouse.tables.held import HELD, Held, files_for, full_rows, held_versions
from warehouse.tables.record_map import RecordMap
from warehouse.tables.schema import AUDIT_EVENTS, DICTIONARY_COLUMNS, STATISTICS_COLUMNS, TABLE
from warehouse.tables.seen_before import SeenBefore
from warehouse.wire.arrays import texts
from warehouse.wire.records import split_page
from warehouse.wire.times import parse_rfc3339
from warehouse.wire.windows import Window

STREAM = "activities"
_FILE_ROWS = 125_000  # rows gathered before a file is written: bounds memory and the size of one object
Span = tuple[datetime, datetime]  # both inclusive
_SEEN = pa.schema([pa.field("content", pa.binary(32))])


def batches_of(archive: Archive, entry: Entry, parser: Parser) -> Iterator[Batch]:
    """The pages of a committed pull, read back from the archive and parsed, one at a time."""
    for index, ref in enumerate(entry.objects, 1):
        yield parser.parse(split_page(archive.read_page(ref)).records, index)


def fold_pending(archive: Archive, parser: Parser, *, overlapping: Window | None = None) -> list[Folded]:
    """Fold every pull that a crash or another writer left unfolded, in order of the log.

    `overlapping`: only those that touch this window, which is what a fold of that window depends on.
    """
    archive.refresh()
    done = []
    pending = archive.state.stream(STREAM).pending_fold
    for seq in sorted(int(text) for text in pending):
        window = pending.get(str(seq))
        if window is None or (overlapping is not None and not window.overlaps(overlapping)):
            continue
        entry = archive.entry(seq)
        folded = fold(archive, entry, batches_of(archive, entry, parser), parser)
        if folded is not None:
            done.append(folded)
    return done


def fold(archive: Archive, entry: Entry, batches: Iterable[Batch], parser: Parser) -> Folded | None:
    """Fold one committed pull and commit the table entry; None when another writer had done so already.

    `batches` are the pages of `entry`, in order. Pulls before it that overlap its window must be folded
    first; those that are not are folded here.
    """
    return begin_fold(archive, entry, batches, parser).complete()


def begin_fold(archive: Archive, entry: Entry, batches: Iterable[Batch], parser: Parser) -> "OpenFold":
    """Compare and gather; files are being written in the background until `complete` commits them."""
    window = _window(entry)
    for earlier in sorted(int(seq) for seq in archive.state.stream(STREAM).pending_fold):
        other = archive.state.stream(STREAM).pending_fold.get(str(earlier))
        if other is not None and earlier < entry.seq and other.overlaps(window):
            before = archive.entry(earlier)
            fold(archive, before, batches_of(archive, before, parser), parser)
    work = OpenFold(archive, entry, window)
    for batch in batches:
        work.add(batch)
    work.close()
    return work


def _window(entry: Entry) -> Window:
    if entry.window is None:
        raise ValueError(f"pull entry {entry.seq} of {entry.stream} names no window")
    return Window.from_text(entry.window)


class OpenFold:
    """One fold while its pages come in and its files are written; `complete` commits it."""

    def __init__(self, archive: Archive, entry: Entry, window: Window) -> None:
        self.archive = archive
        self.entry = entry
        self.window = window
        self.folded = Folded(entry.seq)
        self._observed_at = parse_rfc3339(entry.committed_at)
        self._looked: dict[str, TableFile] = {}  # by key, the files that have versions in _held
        self._strays: dict[date, Span] = {}  # of days with records outside the window, which times were looked at
        self._held: RecordMap[Held] = RecordMap(HELD, Held._make)
        self._seen: RecordMap[tuple[str, ...]] = RecordMap(_SEEN, tuple)
        self._given: dict[str, int] = {}  # versions above the first that this pull has given already
        self._rows: list[pa.Table] = []
        self._waiting = 0
        self._files: list[Future[ObjectRef]] = []
        self._footprints: list[Footprint] = []
        self._switched: list[Turn] = []
        self._outside = 0
        self._look(window.days(), (window.start, window.end))

    def _look(self, days: Iterable[date], span: Span | None, ids: pa.Array | None = None) -> None:
        """Hold what these days have of a span (all without one); with `ids`, of those records alone."""
        for file in files_for(self.archive.state, days, span):
            self._looked[file.key] = file
            for versions in held_versions(self.archive, file, self.entry.seq, span, ids):
                self._hold(versions)

    def _look_at_strays(self, times: pa.ChunkedArray) -> None:
        """The same for records outside the window, of their own days and no day between."""
        times = times.drop_null().combine_chunks()
        low, high = (pa.scalar(end, times.type) for end in (self.window.start, self.window.end))
        times = times.filter(pc.or_(pc.less(times, low), pc.greater_equal(times, high)))
        days = pc.cast(times, pa.date32())
        for day in sorted(pc.unique(days).to_pylist()):
            ends = pc.min_max(times.filter(pc.equal(days, pa.scalar(day, pa.date32())))).as_py()
            before = self._strays.get(day, (ends["min"], ends["max"]))
            span = min(before[0], ends["min"]), max(before[1], ends["max"])
            if self._strays.get(day) != span:
                self._strays[day] = span
                self._look([day], span)

    def _hold(self, versions: Sequence[tuple[str, Held]]) -> None:
        """Take in what is held; the newest version of each record counts, and of two with one number (a record
        that moved) the one that was first, whichever file is read first."""
        newest: dict[str, Held] = {}
        before = self._held.get_all([record_id for record_id, _ in versions])
        for (record_id, held), other in zip(versions, before, strict=True):
            known = newest.get(record_id, other)
            if (
                known is None
                or held.version > known.version
                or (held.version == known.version and held.seq < known.seq)
            ):
                newest[record_id] = held
        self._held.update(newest.items())

    def add(self, batch: Batch) -> None:
        folded = self.folded
        folded.records += batch.rows
        self._footprints += batch.footprints
        self._switched += batch.switched
        span = batch.span()
        if span is not None and not (self.window.contains(span[0]) and self.window.contains(span[1])):
            # Served outside what was asked for: kept all the same, compared with what its own days hold.
            self._outside += 1
            self._look_at_strays(batch.columns["created_at"])
        ids = batch.ids
        if self._held or len(set(ids)) != len(ids) or self._seen.has_any(ids):
            self._compare(batch)
        else:
            self._seen.update(zip(ids, zip(batch.content, strict=True), strict=True))
            folded.first += batch.rows
            types, fields = tally(batch)
            folded.unknown_types += types
            folded.unknown_fields += fields
            self._gather(self._of_batch(batch, None, 1, "first"))
        if self._waiting >= _FILE_ROWS:
            self._flush()

    def _compare(self, batch: Batch) -> None:
        """Row by row against what is held and what this pull has served already."""
        folded = self.folded
        held, before = self._held.get_all(batch.ids), self._seen.get_all(batch.ids)
        seen: dict[str, tuple[str, ...]] = {}
        take: list[int] = []
        versions: list[int] = []
        folds: list[str] = []
        for position, (record_id, content) in enumerate(zip(batch.ids, batch.content, strict=True)):
            served = seen.get(record_id, before[position])
            if served == (content,):
                continue  # served twice in one walk (at-least-once); the page keeps both
            seen[record_id] = (content,)
            old = held[position]
            if old is None and served is None:
                version, kind = 1, "first"
                folded.first += 1
            elif old is not None and served is None and old.content == content and not old.withdrawn:
                folded.unchanged += 1
                continue
            else:
                # The newest number so far: given in this pull, or held, or the 1 of a first sight.
                version = self._given.get(record_id, old.version if old is not None else 1) + 1
                self._given[record_id] = version
                kind = "revised"
                folded.revised += 1
            take.append(position)
            versions.append(version)
            folds.append(kind)
        self._seen.update(seen.items())
        if take:
            kept = set(take)
            types, fields = tally(batch, kept.__contains__)
            folded.unknown_types += types
            folded.unknown_fields += fields
            self._gather(self._of_batch(batch, take, versions, folds))

    def _gather(self, rows: pa.Table) -> None:
        self._rows.append(rows)
        self._waiting += rows.num_rows

    def _of_batch(
        self, batch: Batch, take: list[int] | None, versions: int | list[int], folds: str | list[str]
    ) -> pa.Table:
        return rows_of_batch(batch, take, versions, folds, seq=self.entry.seq, observed_at=self._observed_at)

    def _is_missed(self, held: Held) -> bool:
        return not held.withdrawn and held.created_at is not None and self.window.contains(held.created_at)

    def _withdraw(self) -> None:
        """Versions for records that are held for this window and that a complete pull no longer served."""
        held = self._held.missing_from(self._seen)
        missed = {record_id: one for record_id, one in held.items() if self._is_missed(one)}
        if missed:
            newest = self._newest(missed)
            rows = self._withdrawn({record_id: one for record_id, one in newest.items() if self._is_missed(one)})
            self.folded.withdrawn = rows.num_rows
            self._gather(rows)

    def _newest(self, missed: dict[str, Held]) -> dict[str, Held]:
        """The newest versions of these records: some may stand at another time of their day by now."""
        of_days = {day: Window.of_day(day) for day in self.window.days()}
        days = [day for day, whole in of_days.items() if whole.clip(self.window) != whole]
        if not days:
            return missed
        self._look(days, None, texts(list(missed)))
        newest = self._held.get_all(list(missed))
        return {record_id: one for record_id, one in zip(missed, newest, strict=True) if one is not None}

    def _withdrawn(self, gone: dict[str, Held]) -> pa.Table:
        """The withdrawals of these. What another writer saw only after this pull had begun to ask is left alone:
        the next pull will tell."""
        # In one order whatever tier they were held in: two writers must write the same bytes.
        ordered = [gone[record_id] for record_id in sorted(gone)]
        rows = full_rows(self.archive, ordered, self._looked)
        known = SeenBefore(self.archive, self.entry).known(rows)
        versions = [held.version + 1 for held, was in zip(ordered, known.to_pylist(), strict=True) if was]
        return withdrawals(rows.filter(known), versions, seq=self.entry.seq, observed_at=self._observed_at)

    def close(self) -> None:
        """No more pages will come."""
        if self.entry.complete:
            self._withdraw()
        self._flush()

    def complete(self) -> Folded | None:
        """Wait for the files and commit the table entry; None when another writer had folded this pull."""
        objects = [file.result() for file in self._files]
        shown = [one.event_id for one in self._footprints]
        known = {one for one, held in zip(shown, self._held.get_all(shown), strict=True) if held is not None}
        self.folded.bytes = sum(ref.bytes for ref in objects)
        entry = self.entry

        def build(state: LogState) -> Draft | None:
            if str(entry.seq) not in state.stream(STREAM).pending_fold:
                return None
            return Draft(
                kind="table",
                stream=STREAM,
                table=TABLE,
                window=entry.window,
                complete=entry.complete,
                objects=objects,
                derived_from=[entry.seq],
                counts=self.folded.counts(),
                footprints=footprints_seen(state, self._footprints, known),
                findings=self._findings(),
                recording=[msgspec.to_builtins(turn) for turn in self._switched] or UNSET,
            )

        return self.folded if self.archive.append(build) is not None else None

    def _findings(self) -> list[dict[str, str]]:
        if not self._outside:
            return []
        detail = f"{self._outside} pages held records outside the window asked for; all are kept"
        return [{"code": "outside_window", "subject": str(self.window), "detail": detail}]

    def _flush(self) -> None:
        """Have what has gathered written, one file a day of event time."""
        if not self._rows:
            return
        rows = pa.concat_tables(self._rows)
        self._rows, self._waiting = [], 0
        wait(self._files[:-1])  # no more than two are in memory: the one that is being written, and this one
        self._files += [
            self.archive.in_background(self._write, day, part)
            for day, part in by_day(rows, self.window.start.date())
        ]

    def _write(self, day: date, part: pa.Table) -> ObjectRef:
        data = parquet.write([part], AUDIT_EVENTS, dictionary=DICTIONARY_COLUMNS, statistics=STATISTICS_COLUMNS)
        stored = self.archive.put(keys.recent(TABLE, day, self.entry.seq, sha256_hex(data)), data, recent=True)
        # A row without a time must be found whatever window a later pull asks for.
        ends = pc.min_max(part["created_at"], skip_nulls=False).as_py()
        return ObjectRef(
            key=stored.key,
            version_id=stored.version_id,
            sha256=stored.sha256,
            bytes=stored.bytes,
            records=part.num_rows,
            table=TABLE,
            dt=day.isoformat(),
            covers=parquet.span_text(ends["min"], ends["max"]) or UNSET,
        )
