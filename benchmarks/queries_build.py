"""Fills an archive's sealed tier with a year of made-up events, and with `--plain` a folder with the same rows as
plain files.

The archive is a real one: parts written by the very function that seals, put into the store, named by seal
entries with their markers. The plain files have the same columns, compression and row groups, in order of time,
and no bloom filter. Several processes may each do their share of the days (`--share 0/2`).
"""

import argparse
import json
from datetime import date, timedelta
from pathlib import Path

import duckdb
import pyarrow as pa

from benchmarks.queries_rows import day_of_rows
from warehouse.archive.archive import Archive
from warehouse.archive.entry import Draft
from warehouse.archive.signing import create_key, load_key
from warehouse.archive.store import open_store
from warehouse.tables import parquet
from warehouse.tables.fold import STREAM
from warehouse.tables.schema import AUDIT_EVENTS, DICTIONARY_COLUMNS, STATISTICS_COLUMNS, TABLE
from warehouse.tables.seal import store_part
from warehouse.tables.sealed_parts import sorted_parts
from warehouse.wire.windows import Window


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--first", type=date.fromisoformat, required=True)
    parser.add_argument("--days", type=int, required=True, help="0: only key, log and snapshot")
    parser.add_argument("--per-day", type=int, required=True)
    parser.add_argument("--people", type=int, required=True)
    parser.add_argument("--plain", action="store_true", help="the same rows as plain files too")
    parser.add_argument("--share", default="0/1")
    options = parser.parse_args()
    mine, of = map(int, options.share.split("/"))
    key = options.folder / "signing.key"
    if not key.exists():
        create_key(key)
    rows = sealed = plain = 0
    with (
        Archive(open_store(f"file:{options.folder}/archive"), key=lambda: load_key(key)) as archive,
        duckdb.connect(config={"threads": 1}) as db,
    ):
        db.execute("set timezone = 'UTC'")
        for offset in range(mine, options.days, of):
            day = options.first + timedelta(days=offset)
            made = day_of_rows(db, day, options.per_day, options.people)
            rows += made.num_rows
            if options.plain:
                plain += _write_plain(options.folder, day, made)
            sealed += _seal(archive, day, db, made)
        if options.days == 0:
            archive.log.snapshot()  # as the last seal of a day does
        archive.settle()
    print(json.dumps({"rows": rows, "sealed_bytes": sealed, "plain_bytes": plain}))


def _write_plain(folder: Path, day: date, rows: object) -> int:
    target = folder / "plain" / f"dt={day.isoformat()}"
    target.mkdir(parents=True)
    data = parquet.write([rows], AUDIT_EVENTS, dictionary=DICTIONARY_COLUMNS, statistics=STATISTICS_COLUMNS)
    (target / "part.parquet").write_bytes(data)
    return len(data)


def _seal(archive: Archive, day: date, db: duckdb.DuckDBPyConnection, made: pa.Table) -> int:
    """What `seal_day` does, with rows from memory instead of the recent tier."""
    db.register("made", made)
    stored = [
        store_part(archive, day, 1 + number, 0, part) for number, part in enumerate(sorted_parts(db, "made"))
    ]
    draft = Draft(
        kind="seal",
        stream=STREAM,
        table=TABLE,
        window=Window.of_day(day).as_text(),
        objects=[*(part for part, _, _ in stored), *(ref for _, ref, _ in stored)],
        counts={"rows": made.num_rows, "supersedes": 0},
    )
    archive.append(lambda _state: draft)
    for _, ref, marker in stored:
        archive.put(ref.key, marker)
    return sum(part.bytes for part, _, _ in stored)


if __name__ == "__main__":
    main()
