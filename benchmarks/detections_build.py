"""Fills an archive's sealed tier with events of the pretend tenant: a fortnight as it was served and parsed, so
often beside itself with other people, and again and again, each time a fortnight later.

What a rule meets is what the tenant does: everyday work, and the stories that are planted in each fortnight. Parts
are written by the function that seals. Of a copy the id, the time and the person are its own; `raw` stays that of
the record it is a copy of. Several processes may each do their share of the days (`--share 0/2`).
"""

import argparse
import json
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from sandbox import Tenant
from warehouse.archive.archive import Archive
from warehouse.archive.entry import Draft
from warehouse.archive.signing import create_key, load_key
from warehouse.archive.store import open_store
from warehouse.tables.activities import Parser
from warehouse.tables.fold import STREAM
from warehouse.tables.schema import AUDIT_EVENTS, TABLE
from warehouse.tables.seal import store_part
from warehouse.tables.sealed_parts import Rows, write_part
from warehouse.taxonomy import load
from warehouse.wire.windows import Window

FIRST = date(2025, 11, 22)
_FORTNIGHT = 14
# Of an average day of a person, weekends too, as the tenant lives it.
EVENTS_OF_A_PERSON = 12.0
_PART_ROWS = 250_000
_ORDER = [(name, "ascending") for name in ("actor_id", "created_at", "id", "version")]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--days", type=int, required=True, help="0: only key, log and snapshot")
    parser.add_argument("--people", type=int, required=True)
    parser.add_argument("--copies", type=int, default=1)
    parser.add_argument("--share", default="0/1")
    options = parser.parse_args()
    mine, of = map(int, options.share.split("/"))
    key = options.folder / "signing.key"
    if not key.exists():
        create_key(key)
    rows = stored = 0
    with Archive(open_store(f"file:{options.folder}/archive"), key=lambda: load_key(key)) as archive:
        for day, parts in _days(options.days, options.people, options.copies, mine, of):
            held, size = _seal(archive, day, parts)
            rows, stored = rows + held, stored + size
        if options.days == 0:
            archive.log.snapshot()  # as the last seal of a day does
        archive.settle()
    print(json.dumps({"rows": rows, "bytes": stored}))


def _days(days: int, people: int, copies: int, mine: int, of: int) -> Iterator[tuple[date, Iterator[pa.Table]]]:
    """The days of a share, each with its rows in parts of bounded size, made one at a time, as sealed ones lie."""
    if days == 0:
        return
    end = datetime.combine(FIRST + timedelta(days=_FORTNIGHT), datetime.min.time(), UTC)
    tenant, parser = Tenant(seed=5, users=people, days=_FORTNIGHT, clock=end.isoformat()), Parser(load())
    for number in range(mine, min(days, _FORTNIGHT), of):
        start = end - timedelta(days=_FORTNIGHT - number)
        served = list(tenant.records(start, start + timedelta(days=1)))
        pattern = _parsed(parser, served, start)
        at_once = max(1, _PART_ROWS // max(1, pattern.num_rows))
        numbers = [range(first, min(first + at_once, copies)) for first in range(0, copies, at_once)]
        whole = _beside(pattern, numbers[0]) if len(numbers) == 1 else None
        for later in range(number, days, _FORTNIGHT):
            parts = (whole if whole is not None else _beside(pattern, some) for some in numbers)
            yield FIRST + timedelta(days=later), (_later(part, later - number) for part in parts)


def _parsed(parser: Parser, served: list[bytes], day: datetime) -> pa.Table:
    """The records of a day as the fold would store them."""
    batch = parser.parse(served, 0)
    count = len(served)
    own = {
        "observed_at": pa.array([day + timedelta(hours=26)] * count, pa.timestamp("us", "UTC")),
        "commit_seq": pa.array([0] * count, pa.int64()),
        "page": pa.array([number // 5_000 for number in range(count)], pa.int32()),
        "position": pa.array([number % 5_000 for number in range(count)], pa.int32()),
        "version": pa.array([1] * count, pa.int32()),
        "fold": pa.array(["first"] * count),
        "content_sha256": pa.array(batch.content),
        "unknown_event": pa.array([bool(names) for names in batch.unknown]),
        "unknown_fields": pa.array(batch.unknown_fields, pa.list_(pa.string())),
    }
    columns = {name: batch.columns[name] for name in batch.columns.column_names} | own
    return pa.table([columns[name] for name in AUDIT_EVENTS.names], schema=AUDIT_EVENTS)


def _beside(pattern: pa.Table, copies: range) -> pa.Table:
    """The rows once for each number, each time of other people, in the order of sealed parts."""
    made = []
    for copy in copies:
        more = pattern
        for name in ("id", "actor_id", "actor_email"):
            more = _with(more, name, pc.binary_join_element_wise(f"{copy}", pattern[name], "."))
        made.append(more)
    return pa.concat_tables(made).sort_by(_ORDER)


def _later(pattern: pa.Table, days: int) -> pa.Table:
    """The rows so many days later, under ids of their own."""
    if days == 0:
        return pattern
    shift = pa.scalar(timedelta(days=days), pa.duration("us"))
    made = pattern
    for name in ("created_at", "observed_at"):
        made = _with(made, name, pc.add(pattern[name], shift))
    return _with(made, "id", pc.binary_join_element_wise(pattern["id"], f"{days}", "."))


def _with(rows: pa.Table, name: str, column: pa.ChunkedArray) -> pa.Table:
    return rows.set_column(rows.schema.get_field_index(name), AUDIT_EVENTS.field(name), column)


def _seal(archive: Archive, day: date, parts: Iterator[pa.Table]) -> tuple[int, int]:
    """What `seal_day` does, with rows from memory instead of the recent tier; how many rows, and bytes."""
    stored, held = [], 0
    for number, rows in enumerate(parts, start=1):
        actors = pc.count_distinct(rows["actor_id"]).as_py()
        part = write_part(Rows(rows.to_batches()), actors=actors, first=rows.num_rows, later=0)
        stored.append(store_part(archive, day, number, 0, part))
        held += rows.num_rows
    draft = Draft(
        kind="seal",
        stream=STREAM,
        table=TABLE,
        window=Window.of_day(day).as_text(),
        objects=[*(part for part, _, _ in stored), *(ref for _, ref, _ in stored)],
        counts={"rows": held, "supersedes": 0},
    )
    archive.append(lambda _state: draft)
    for _, ref, marker in stored:
        archive.put(ref.key, marker)
    return held, sum(part.bytes for part, _, _ in stored)


if __name__ == "__main__":
    main()
