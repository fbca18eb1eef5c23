"""Telemetry files into the archive: some files as one commit, their rows as another, like a pull and its fold.

Promise: a file is archived before a row of it is believed; the same bytes land once; what a crash left between the
two commits is finished by the next landing. Rows follow from the archived lines alone.
"""

from collections.abc import Iterator
from datetime import date, datetime
from typing import Any, Final

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from warehouse.archive import keys
from warehouse.archive.archive import Archive
from warehouse.archive.entry import Draft, Entry, ObjectRef, sha256_hex
from warehouse.archive.state import LogState
from warehouse.tables import parquet
from warehouse.tables.telemetry.rows import by_day, complete
from warehouse.tables.telemetry.schema import OTEL_FILES, STREAM, TABLES
from warehouse.tables.telemetry.taking import Taken, rows_of
from warehouse.telemetry import Encoded, Message, Reader, allow_list
from warehouse.wire.times import parse_rfc3339

FILES_PER_COMMIT: Final = 250
ROWS_PER_COMMIT: Final = 100_000
_ROWS_HELD: Final = 100_000  # of all tables and days, before they are written
_REPEATED: Final = ("attributes", "resource")  # long texts that come again and again


class FileFacts(msgspec.Struct):
    """What a pull entry says of each of its files (`counts.by_file`)."""

    name: str
    sha256: str
    bytes: int
    version: str | None
    parts: int
    messages: int
    removed: dict[str, int]


def land(archive: Archive, files: list[Taken], findings: list[dict[str, str]] | None = None) -> int:
    """Commit files and their rows; the number of the entry that archived them. `findings` stand in that entry."""
    refs = [
        archive.put_packed(STREAM, packed, part.rows, taken.name)
        for taken in files
        for part, packed in taken.packed()
    ]
    counts = {
        "files": len(files),
        "records": sum(sum(taken.counts.values()) for taken in files),
        "removed": sum(taken.removed.total() for taken in files),
        "by_file": [taken.facts() for taken in files],
    }
    draft = Draft(kind="pull", stream=STREAM, complete=True, objects=refs, counts=counts)
    if findings:
        draft.findings = findings
    entry = archive.commit(draft)
    _fold(archive, entry, files)
    for taken in files:
        taken.aside.close()
    return entry.seq


def finish_landings(archive: Archive) -> int:
    """Make the rows of files that were committed and whose rows were not; how many commits that were."""
    archive.refresh()
    waiting = sorted(int(text) for text in archive.state.stream(STREAM).pending_fold)
    for seq in waiting:
        _fold(archive, archive.entry(seq), None)
    return len(waiting)


def rows_again(archive: Archive, entry: Entry) -> Iterator[tuple[str, pa.Table]]:
    """The rows that an archived commit of files makes, by table, in batches and in order; those of `otel_files`
    last. Raises what reading the archive raises."""
    yield from _rows(archive, entry, None)


def _rows(archive: Archive, entry: Entry, taken: list[Taken] | None) -> Iterator[tuple[str, pa.Table]]:
    landed_at = parse_rfc3339(entry.committed_at)
    facts = msgspec.convert(entry.counts["by_file"], list[FileFacts])
    positions = dict.fromkeys(TABLES, 0)
    told: list[dict[str, Any]] = []
    at = 0
    for number, file in enumerate(facts):
        parts = entry.objects[at : at + file.parts]
        at += file.parts
        seen = _Seen()
        batches = taken[number].rows() if taken is not None else rows_of(_messages(archive, parts))
        for name, rows in batches:
            first = positions[name]
            positions[name] += rows.num_rows
            seen.add(name, rows)
            yield (
                name,
                complete(
                    TABLES[name],
                    rows,
                    source=file.name,
                    sha256=file.sha256,
                    first=first,
                    seq=entry.seq,
                    landed_at=landed_at,
                ),
            )
        told.append(seen.row(file) | {"position": number, "commit_seq": entry.seq, "landed_at": landed_at})
    yield OTEL_FILES.name, pa.Table.from_pylist(told, schema=OTEL_FILES.schema)


class _Seen:
    """What the rows of one file come to, for its row in `otel_files`."""

    def __init__(self) -> None:
        self._counts = dict.fromkeys(TABLES, 0)
        self._problems: dict[str, int] = {}
        self._first: datetime | None = None
        self._last: datetime | None = None

    def add(self, name: str, rows: pa.Table) -> None:
        self._counts[name] += rows.num_rows
        for one in pc.value_counts(pc.list_flatten(rows["problems"])).to_pylist():
            self._problems[one["values"]] = self._problems.get(one["values"], 0) + one["counts"]
        span = pc.min_max(rows["time"]).as_py()
        if span["min"] is not None:
            self._first = min(span["min"], self._first or span["min"])
            self._last = max(span["max"], self._last or span["max"])

    def row(self, file: FileFacts) -> dict[str, Any]:
        removed, problems = (
            msgspec.json.encode(one, order="sorted").decode() if one else None
            for one in (file.removed, self._problems)
        )
        return {
            "source_file": file.name,
            "source_sha256": file.sha256,
            "source_bytes": file.bytes,
            "source_version": file.version,
            "messages": file.messages,
            "points": self._counts["otel_metric_points"],
            "events": self._counts["otel_events"],
            "spans": self._counts["otel_spans"],
            "removed": removed,
            "removed_total": sum(file.removed.values()),
            "problems": problems,
            "first_time": self._first,
            "last_time": self._last,
        }


def _messages(archive: Archive, parts: list[ObjectRef]) -> Iterator[Message]:
    """The messages of a file as it was archived. Content is out of them, so nothing more is taken out."""
    reader = Reader(allow_list(anything=True))
    for ref in parts:
        for number, line in enumerate(archive.read_page(ref).splitlines(), 1):
            yield from reader.decode(Encoded("json", line, f"line {number} of {ref.key}"), None)


def _fold(archive: Archive, entry: Entry, taken: list[Taken] | None) -> None:
    counts = {"files": 0, "first": 0, "points": 0, "events": 0, "spans": 0}
    writer = _Writer(archive, entry)
    for name, rows in _rows(archive, entry, taken):
        if name == OTEL_FILES.name:
            counts["files"] += rows.num_rows
        else:
            counts["first"] += rows.num_rows
            counts[_COUNTED[name]] += rows.num_rows
        writer.add(name, rows)
    objects = writer.close()

    def build(state: LogState) -> Draft | None:
        if str(entry.seq) not in state.stream(STREAM).pending_fold:
            return None  # another landing has finished this commit
        return Draft(
            kind="table",
            stream=STREAM,
            table=OTEL_FILES.name,
            complete=True,
            objects=objects,
            derived_from=[entry.seq],
            counts=counts,
        )

    archive.append(build)


_COUNTED: Final = {"otel_metric_points": "points", "otel_events": "events", "otel_spans": "spans"}


class _Writer:
    """Rows into Parquet files, one for each table and day, of a bounded number of rows at a time."""

    def __init__(self, archive: Archive, entry: Entry) -> None:
        self._archive, self._entry = archive, entry
        self._landed_at = parse_rfc3339(entry.committed_at)
        self._held: dict[tuple[str, date], list[pa.Table]] = {}
        self._rows = 0
        self._written: list[ObjectRef] = []

    def add(self, name: str, rows: pa.Table) -> None:
        if name == OTEL_FILES.name:
            self._held.setdefault((name, self._landed_at.date()), []).append(rows)
        else:
            for day, part in by_day(rows, self._landed_at):
                self._held.setdefault((name, day), []).append(part)
        self._rows += rows.num_rows
        if self._rows >= _ROWS_HELD:
            self._flush()

    def close(self) -> list[ObjectRef]:
        """The files written, in the order of their tables and days."""
        self._flush()
        return self._written

    def _flush(self) -> None:
        for (name, day), tables in sorted(self._held.items()):
            self._written.append(self._store(name, day, pa.concat_tables(tables)))
        self._held, self._rows = {}, 0

    def _store(self, name: str, day: date, rows: pa.Table) -> ObjectRef:
        schema = TABLES[name].schema
        texts = [
            one.name for one in schema if one.type == pa.string() and one.name not in ("dedup_key", "span_id")
        ]
        data = parquet.write(
            [rows],
            schema,
            dictionary=texts,
            statistics=[one for one in schema.names if one not in (*_REPEATED, "problems", "removed")],
        )
        stored = self._archive.put(keys.recent(name, day, self._entry.seq, sha256_hex(data)), data)
        time = "landed_at" if name == OTEL_FILES.name else "time"
        span = pc.min_max(rows[time]).as_py()
        covers = parquet.span_text(span["min"], span["max"])
        return ObjectRef(
            key=stored.key,
            version_id=stored.version_id,
            sha256=stored.sha256,
            bytes=stored.bytes,
            records=rows.num_rows,
            table=name,
            dt=day.isoformat(),
            covers=covers if covers is not None else msgspec.UNSET,
        )
