"""Builds an archive to deliver from: days of made-up events, each a pull that is folded. Prints one JSON line.

The rows come from DuckDB instead of a feed; files and entries are made as the fold makes them. `--skip`
and `--days` say which days; an archive that is there grows.
"""

import argparse
import json
import os
from datetime import date, timedelta
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from benchmarks.delivery_days import FIRST
from benchmarks.queries_rows import day_of_rows
from warehouse.archive import keys
from warehouse.archive.archive import Archive
from warehouse.archive.entry import Draft, ObjectRef, sha256_hex
from warehouse.archive.signing import create_key, load_key
from warehouse.archive.store import open_store
from warehouse.tables import parquet
from warehouse.tables.fold import STREAM
from warehouse.tables.schema import AUDIT_EVENTS, DICTIONARY_COLUMNS, STATISTICS_COLUMNS, TABLE
from warehouse.wire.windows import Window


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--skip", type=int, default=0, help="days before the first, already there")
    parser.add_argument("--days", type=int, required=True)
    parser.add_argument("--per-day", type=int, required=True)
    options = parser.parse_args()
    os.fsync = lambda _handle: None  # type: ignore[assignment]
    key = options.folder / "signing.key"
    if not key.exists():
        create_key(key)
    rows = 0
    with (
        Archive(open_store(f"file:{options.folder}/archive"), key=lambda: load_key(key)) as archive,
        duckdb.connect(config={"threads": 2}) as db,
    ):
        db.execute("set timezone = 'UTC'")
        for number in range(options.skip, options.skip + options.days):
            day = FIRST + timedelta(days=number)
            made = day_of_rows(db, day, options.per_day)
            rows += _commit(archive, day, made.filter(pc.equal(made["version"], 1)))
        archive.settle()
    print(json.dumps({"rows": rows}))


def _commit(archive: Archive, day: date, rows: pa.Table) -> int:
    window = Window.of_day(day).as_text()
    pulled = archive.commit(
        Draft(kind="pull", stream=STREAM, window=window, complete=True, counts={"records": rows.num_rows})
    )
    seq = pa.repeat(pa.scalar(pulled.seq, pa.int64()), rows.num_rows)
    rows = rows.set_column(AUDIT_EVENTS.names.index("commit_seq"), AUDIT_EVENTS.field("commit_seq"), seq)
    data = parquet.write(
        [rows.sort_by([("page", "ascending"), ("position", "ascending")])],
        AUDIT_EVENTS,
        dictionary=DICTIONARY_COLUMNS,
        statistics=STATISTICS_COLUMNS,
    )
    stored = archive.put(keys.recent(TABLE, day, pulled.seq, sha256_hex(data)), data, recent=True)
    file = ObjectRef(
        key=stored.key,
        version_id=stored.version_id,
        sha256=stored.sha256,
        bytes=stored.bytes,
        records=rows.num_rows,
        table=TABLE,
        dt=day.isoformat(),
    )
    archive.commit(
        Draft(
            kind="table",
            stream=STREAM,
            table=TABLE,
            window=window,
            complete=True,
            objects=[file],
            derived_from=[pulled.seq],
            counts={"first": rows.num_rows},
        )
    )
    return rows.num_rows


if __name__ == "__main__":
    main()
