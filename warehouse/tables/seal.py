"""The seal of a day: its recent rows, sorted by actor and time, become final parts that one marker makes visible.

Promise: a reader sees each row once, before, while and after a day is sealed, and whatever a crash leaves.
Order: parts, then the entry that names parts and markers, then the markers (a marker's bytes follow from the
entry, so a later run writes one that a crash left out).
"""

import os
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pyarrow as pa
from msgspec import UNSET

from warehouse.archive import keys
from warehouse.archive.archive import Archive
from warehouse.archive.entry import Draft, ObjectRef, sha256_hex
from warehouse.archive.state import LogState, TableFile
from warehouse.tables import parquet
from warehouse.tables.fold import STREAM
from warehouse.tables.schema import TABLE
from warehouse.tables.sealed_parts import Part, sorted_parts, sorting
from warehouse.wire.windows import Window, gaps

_NEWEST_PARTS = 64

MARKER = pa.schema(
    [
        pa.field("dt", pa.string()),
        pa.field("part", pa.int32()),
        pa.field("through_seq", pa.int64()),
        pa.field("file", pa.string()),
    ]
)


@dataclass(frozen=True)
class Sealed:
    day: date
    parts: int
    rows: int
    bytes: int
    through_seq: int


def sealable_days(state: LogState, before: date) -> list[date]:
    """Days before `before` that are wholly covered, were read again after they ended, and have recent rows."""
    stream = state.stream(STREAM)
    table = state.table(TABLE)
    sealed = {file.dt for file in table.sealed}
    days = []
    for text in sorted({file.dt for file in table.recent}):
        day = date.fromisoformat(text)
        if day >= before or gaps(stream.covered, Window.of_day(day)):
            continue
        if text in stream.reread or text in sealed:
            days.append(day)
    return days


def seal_day(archive: Archive, day: date) -> Sealed | None:
    """Seal what `recent` holds of a day; None when there is nothing to seal or another writer was faster.

    Further calls for the same day make further parts out of rows that came late.
    """
    archive.refresh()
    table = archive.state.table(TABLE)
    text = day.isoformat()
    recent = [file for file in table.recent if file.dt == text]
    # A pull that waits to be folded may hold rows of any day; none must fall between the two tiers.
    if not recent or archive.state.stream(STREAM).pending_fold:
        return None
    through = table.folded_through
    earlier = [file for file in table.sealed if file.dt == text]
    first_part = 1 + max((file.part or 0 for file in earlier), default=0)
    parts: list[ObjectRef] = []
    markers: list[tuple[ObjectRef, bytes]] = []
    for part in _parts(archive, recent):
        part_ref, marker_ref, marker = store_part(archive, day, first_part + len(parts), through, part)
        parts.append(part_ref)
        markers.append((marker_ref, marker))
        del part  # its bytes, before the next one's are made

    def build(state: LogState) -> Draft | None:
        now = state.table(TABLE)
        if [file.key for file in now.sealed if file.dt == text] != [file.key for file in earlier]:
            return None  # sealed by another writer since
        return Draft(
            kind="seal",
            stream=STREAM,
            table=TABLE,
            window=Window.of_day(day).as_text(),
            objects=[*parts, *(ref for ref, _ in markers)],
            derived_from=sorted({file.seq for file in recent if file.seq is not None}),
            counts={"rows": sum(file.rows for file in recent), "supersedes": len(recent)},
        )

    if archive.append(build) is None:
        return None
    for ref, marker in markers:
        archive.put(ref.key, marker)
    rows = sum(file.rows for file in recent)
    return Sealed(day, len(parts), rows, sum(ref.bytes for ref in parts), through)


def write_missing_markers(archive: Archive, newest: int | None = _NEWEST_PARTS) -> int:
    """Write the markers that a crash left out after their entry; returns how many.

    Looks at the `newest` sealed parts in order of the log (None: at all): a writer seals nothing further before
    its markers are written, so only a last seal can lack some, and a run costs the same in an old archive.
    """
    archive.refresh()
    state = archive.state.table(TABLE)
    files = state.sealed if newest is None else state.sealed[-newest:]
    by_key = {file.key: file for file in files}
    wanted = {marker: by_key[part] for marker, part in state.markers.items() if part in by_key}
    if not wanted:
        return 0
    before = min(wanted).rpartition("/")[0]  # the folder of the first day: its files come after it
    present = {info.key for info in archive.store.list(keys.seal_markers(TABLE), before)}
    missing = sorted(wanted.keys() - present)
    again: list[str] = []
    if archive.state.held():
        # A crash may have come between a marker and its hold; putting it again changes nothing, and holds it.
        last = files[-1]
        of_last = [
            name for name, file in wanted.items() if (file.dt, file.through_seq) == (last.dt, last.through_seq)
        ]
        again = sorted(present.intersection(of_last))
    for marker in [*missing, *again]:
        file = wanted[marker]
        archive.put(marker, _marker(file.dt, file.part or 0, file.through_seq or 0, file.key))
    return len(missing)


def store_part(
    archive: Archive, day: date, number: int, through: int, part: Part
) -> tuple[ObjectRef, ObjectRef, bytes]:
    """Put a part; the entry names it and its marker, which is to be put when the entry stands."""
    key = keys.sealed(TABLE, day, number, sha256_hex(part.data))
    stored = archive.put(key, part.data)
    text = day.isoformat()
    reference = ObjectRef(
        key=key,
        version_id=stored.version_id,
        sha256=stored.sha256,
        bytes=stored.bytes,
        records=part.rows,
        table=TABLE,
        dt=text,
        part=number,
        through_seq=through,
        covers=part.covers or UNSET,
    )
    marker = _marker(text, number, through, key)
    marker_ref = ObjectRef(
        key=keys.seal_marker(TABLE, day, number, stored.sha256),
        version_id=None,  # written after the entry, so its version is not known to it; the hash is
        sha256=sha256_hex(marker),
        bytes=len(marker),
        table=TABLE,
        dt=text,
        part=number,
        through_seq=through,
    )
    return reference, marker_ref, marker


def _marker(dt: str, part: int, through: int, part_key: str) -> bytes:
    row = {"dt": [dt], "part": [part], "through_seq": [through], "file": [part_key.rsplit("/", 1)[1]]}
    return parquet.write([pa.table(row, schema=MARKER)], MARKER)


def _parts(archive: Archive, files: list[TableFile]) -> Iterator[Part]:
    """The rows of these files as parts."""
    with tempfile.TemporaryDirectory(prefix="ledgerline-seal-") as folder, sorting(Path(folder)) as db:
        paths = []
        for number, file in enumerate(files):
            path = Path(folder) / f"{number:06d}.parquet"
            path.write_bytes(archive.read(file))
            paths.append(os.fspath(path))
        yield from sorted_parts(db, "read_parquet(?, hive_partitioning = false)", [paths])


def seal_settled_days(archive: Archive) -> list[Sealed]:
    """Seal every past day that is whole and settled, then snapshot the state, so that a later cold start reads
    little; today and yesterday's open ends stay recent."""
    archive.refresh()
    today = archive.clock().date()
    sealed = [done for day in sealable_days(archive.state, today) if (done := seal_day(archive, day)) is not None]
    if sealed:
        archive.log.snapshot()
    return sealed
