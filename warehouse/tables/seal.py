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
import pyarrow.compute as pc
from msgspec import UNSET

from warehouse.archive import keys
from warehouse.archive.archive import Archive
from warehouse.archive.entry import Draft, ObjectRef, sha256_hex
from warehouse.archive.state import LogState, TableFile
from warehouse.tables import parquet
from warehouse.tables.connection import open_duckdb
from warehouse.tables.fold import STREAM
from warehouse.tables.schema import AUDIT_EVENTS, DICTIONARY_COLUMNS, STATISTICS_COLUMNS, TABLE
from warehouse.wire.windows import Window, gaps

_PART_ROWS = 1_000_000  # one object of about 150 MB at the most
_FETCH_ROWS = 65_536
# Rows lie by actor, so whoever asks for one reads a group, or some of its pages. Smaller groups lie so near each
# other that Trino reads what is between them too, and one column of all rows costs the whole file (decision 35).
_GROUP_ROWS = 16_384
_PAGE_ROWS = 1_024
# Sorted and repeated, so that a page of plain values compresses to little, and no dictionary is read with it.
_DICTIONARY = [name for name in DICTIONARY_COLUMNS if name not in ("actor_id", "actor_email")]
_NEWEST_PARTS = 64
_MEMORY = "512MB"  # DuckDB sorts on disk beyond this

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
    for offset, data in enumerate(_sorted_parts(archive, recent)):
        part = first_part + offset
        part_ref, marker_ref, marker = _store_part(archive, day, part, through, data)
        parts.append(part_ref)
        markers.append((marker_ref, marker))

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


def _store_part(
    archive: Archive, day: date, part: int, through: int, data: tuple[bytes, int, list[str] | None]
) -> tuple[ObjectRef, ObjectRef, bytes]:
    content, rows, covers = data
    key = keys.sealed(TABLE, day, part, sha256_hex(content))
    stored = archive.put(key, content)
    text = day.isoformat()
    reference = ObjectRef(
        key=key,
        version_id=stored.version_id,
        sha256=stored.sha256,
        bytes=stored.bytes,
        records=rows,
        table=TABLE,
        dt=text,
        part=part,
        through_seq=through,
        covers=covers or UNSET,
    )
    marker = _marker(text, part, through, key)
    marker_ref = ObjectRef(
        key=keys.seal_marker(TABLE, day, part, stored.sha256),
        version_id=None,  # written after the entry, so its version is not known to it; the hash is
        sha256=sha256_hex(marker),
        bytes=len(marker),
        table=TABLE,
        dt=text,
        part=part,
        through_seq=through,
    )
    return reference, marker_ref, marker


def _marker(dt: str, part: int, through: int, part_key: str) -> bytes:
    row = {"dt": [dt], "part": [part], "through_seq": [through], "file": [part_key.rsplit("/", 1)[1]]}
    return parquet.write([pa.table(row, schema=MARKER)], MARKER)


def _sorted_parts(archive: Archive, files: list[TableFile]) -> Iterator[tuple[bytes, int, list[str] | None]]:
    """The rows of these files, sorted by actor, time and id, as Parquet parts of bounded size."""
    with tempfile.TemporaryDirectory(prefix="ledgerline-seal-") as folder:
        paths = []
        for number, file in enumerate(files):
            path = Path(folder) / f"{number:06d}.parquet"
            path.write_bytes(archive.read(file))
            paths.append(os.fspath(path))
        with open_duckdb(memory_limit=_MEMORY, temp_directory=folder) as db:
            relation = "read_parquet(?, hive_partitioning = false)"
            reader = db.execute(ordered(relation), [paths]).to_arrow_reader(_FETCH_ROWS)
            waiting: list[pa.Table] = []
            for batch in reader:
                waiting.append(pa.Table.from_batches([batch]).cast(AUDIT_EVENTS))
                if sum(table.num_rows for table in waiting) >= _PART_ROWS:
                    yield part(pa.concat_tables(waiting))
                    waiting = []
            if waiting:
                yield part(pa.concat_tables(waiting))


def ordered(relation: str) -> str:
    """The SELECT of a day's rows as they lie in sealed parts: by actor, time and id, versions above the first
    last, so that who looks for newer versions finds them in row groups of their own."""
    return (
        f"select * from {relation} "  # noqa: S608 - a name or a call of our own
        "order by version > 1, actor_id nulls last, created_at nulls last, id, version"
    )


def part(rows: pa.Table) -> tuple[bytes, int, list[str] | None]:
    """Rows in their order as the bytes of a part, how many they are, and what times they cover."""
    later = pc.sum(pc.greater(rows["version"], 1)).as_py() or 0
    tiers = [rows.slice(0, rows.num_rows - later), rows.slice(rows.num_rows - later)]
    groups = -(-rows.num_rows // _GROUP_ROWS)
    actors = pc.count_distinct(rows["actor_id"]).as_py() // groups + 1
    ends = pc.min_max(rows["created_at"]).as_py()
    data = parquet.write(
        [tier for tier in tiers if tier.num_rows],
        AUDIT_EVENTS,
        dictionary=_DICTIONARY,
        statistics=STATISTICS_COLUMNS,
        bloom={"id": min(rows.num_rows, _GROUP_ROWS), "actor_id": actors},
        row_group_rows=_GROUP_ROWS,
        page_rows=_PAGE_ROWS,
    )
    return data, rows.num_rows, parquet.span_text(ends["min"], ends["max"])


def seal_settled_days(archive: Archive) -> list[Sealed]:
    """Seal every past day that is whole and settled, then snapshot the state, so that a later cold start reads
    little; today and yesterday's open ends stay recent."""
    archive.refresh()
    today = archive.clock().date()
    sealed = [done for day in sealable_days(archive.state, today) if (done := seal_day(archive, day)) is not None]
    if sealed:
        archive.log.snapshot()
    return sealed
