"""Rows of telemetry made again from the archived lines, and compared with what is stored.

Promise: reads only; a row that does not follow from the lines, is missing or is one too many is a finding.
"""

from collections import defaultdict
from datetime import date

import pyarrow as pa
import pyarrow.compute as pc

from warehouse.archive.archive import Archive
from warehouse.archive.entry import Entry
from warehouse.archive.errors import ArchiveError, StoreUnreachable
from warehouse.archive.findings import Verification
from warehouse.tables import parquet
from warehouse.tables.stored_rows import UNREADABLE
from warehouse.tables.telemetry.landing import rows_again
from warehouse.tables.telemetry.rows import by_day
from warehouse.tables.telemetry.schema import OTEL_FILES, STREAM, TABLES
from warehouse.telemetry import TelemetryError
from warehouse.wire.times import parse_rfc3339

_Place = tuple[str, str]  # table and day


def rederive_telemetry(archive: Archive, pulls: list[Entry], result: Verification) -> None:
    """Compare each commit of telemetry (of the pulls, in order of the log) with the rows stored of it."""
    waiting = archive.state.stream(STREAM).pending_fold
    landed = [entry for entry in pulls if entry.stream == STREAM and str(entry.seq) not in waiting]
    known: dict[int, set[_Place]] = {}
    for entry in landed:
        try:
            made = _made(archive, entry)
        except StoreUnreachable:
            raise
        except (ArchiveError, TelemetryError, ValueError, KeyError) as error:
            result.not_made_again(f"landing {entry.seq}", error)
            known[entry.seq] = {(name, file.dt) for name in TABLES for file in archive.state.table(name).recent}
            continue
        known[entry.seq] = set(made)
        stored = _stored_keys(archive, entry.seq)
        for place in sorted({*made, *stored}):
            try:
                _compare(archive, entry, place, made.get(place), stored.get(place, []), result)
            except StoreUnreachable:
                raise
            except UNREADABLE as error:
                result.not_made_again(f"landing {entry.seq}", error)
    for name in TABLES:
        for file in archive.state.table(name).recent:
            if file.seq not in known:
                result.not_rederived(file.key, f"it says that it comes from entry {file.seq}, no landing")


def _made(archive: Archive, entry: Entry) -> dict[_Place, pa.Table]:
    landed_at = parse_rfc3339(entry.committed_at)
    found: dict[_Place, list[pa.Table]] = defaultdict(list)
    for name, rows in rows_again(archive, entry):
        parts: list[tuple[date, pa.Table]] = (
            [(landed_at.date(), rows)] if name == OTEL_FILES.name else list(by_day(rows, landed_at))
        )
        for day, part in parts:
            found[name, day.isoformat()].append(part)
    return {place: pa.concat_tables(tables) for place, tables in found.items()}


def _stored_keys(archive: Archive, seq: int) -> dict[_Place, list[str]]:
    found: dict[_Place, list[str]] = defaultdict(list)
    for name in TABLES:
        for file in archive.state.table(name).recent:
            if file.seq == seq:
                found[name, file.dt].append(file.key)
    return found


def _compare(
    archive: Archive, entry: Entry, place: _Place, made: pa.Table | None, keys: list[str], result: Verification
) -> None:
    name, day = place
    schema = TABLES[name].schema
    files = {file.key: file for file in archive.state.table(name).recent if file.key in keys}
    parts = [parquet.read(archive.read(file), schema.names, key=file.key).cast(schema) for file in files.values()]
    stored = pa.concat_tables([schema.empty_table(), *parts]).sort_by("position")
    expected = (made if made is not None else schema.empty_table()).sort_by("position")
    subject = keys[0] if keys else f"tables/*/{name}/dt={day}/ (rows of entry {entry.seq})"
    if stored.num_rows != expected.num_rows:
        result.not_rederived(
            subject,
            f"{stored.num_rows} rows where the archived lines of entry {entry.seq} give {expected.num_rows}",
        )
        return
    odd = [column for column in schema.names if not _same(stored[column], expected[column])]
    if odd:
        first = _first_difference(stored[odd[0]], expected[odd[0]])
        result.not_rederived(
            subject, f"row {first}: other values than the archived lines give in {', '.join(odd)}"
        )


def _same(one: pa.ChunkedArray, other: pa.ChunkedArray) -> bool:
    return bool(one.combine_chunks().equals(other.combine_chunks()))


def _first_difference(one: pa.ChunkedArray, other: pa.ChunkedArray) -> int:
    if pa.types.is_list(one.type):
        return next(n for n, (a, b) in enumerate(zip(one.to_pylist(), other.to_pylist(), strict=True)) if a != b)
    differs = pc.fill_null(pc.not_equal(one, other), True)
    return int(pc.index(differs, True).as_py())
