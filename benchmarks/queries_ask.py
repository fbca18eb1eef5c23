"""One auditor's question in a process of its own: first answer and later ones. Prints one JSON line.

The kernel's cache of the files is dropped before the first answer, so that it comes from the disk. Bytes are
those that this process read from files (the kernel's count), rows those of the row groups that neither
statistics nor bloom filter nor the name of the folder rule out.
"""

import argparse
import json
import os
import time
from datetime import date
from pathlib import Path
from statistics import median
from typing import Any

import duckdb

from warehouse.archive.archive import Archive
from warehouse.archive.store import open_store
from warehouse.tables import catalog
from warehouse.tables.current import current_rows
from warehouse.tables.schema import AUDIT_EVENTS

# What each question asks, and which column decides what has to be read.
QUESTIONS = {
    "id": ("select * from {table} where id = $id", "id"),
    "id and day": ("select * from {table} where id = $id and dt = $day", "id"),
    "actor": ("select created_at, type, ip_address, raw from {table} where actor_id = $actor", "actor_id"),
    "month": (
        "select type, count(*), count(distinct actor_id) from {table} "
        "where dt >= $first and dt < $last group by type",
        None,
    ),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--plain", action="store_true", help="ask the plain files instead of the archive")
    parser.add_argument("--table", required=True)
    parser.add_argument("--question", choices=list(QUESTIONS), required=True)
    parser.add_argument("--values", type=json.loads, required=True)
    parser.add_argument("--warm", type=int, default=5)
    options = parser.parse_args()
    files = sorted(
        str(path)
        for path in (options.folder / ("plain" if options.plain else "archive/tables/sealed")).rglob("*.parquet")
    )
    _drop_from_cache(files)
    began = time.perf_counter()
    db = _plain(files) if options.plain else _archive(options.folder)
    opened = time.perf_counter() - began
    # the first value given and the first time stamp taken make the client load modules of its own
    db.execute("select $value, now()", {"value": "x"}).fetchall()
    sql, column = QUESTIONS[options.question]
    values = {name: value for name, value in options.values.items() if f"${name}" in sql}
    answers = [_ask(db, sql.format(table=options.table), values) for _ in range(1 + options.warm)]
    groups, rows = _left(db, files, column, values)
    print(
        json.dumps(
            {
                "open_ms": opened * 1000,
                "first_ms": answers[0][0],
                "warm_ms": median(answer[0] for answer in answers[1:]),
                "first_bytes": answers[0][1],
                "warm_bytes": median(answer[1] for answer in answers[1:]),
                "answer_rows": answers[0][2],
                "groups": groups,
                "rows": rows,
                "files": len(files),
            }
        )
    )


def _archive(folder: Path) -> duckdb.DuckDBPyConnection:
    with Archive(open_store(f"file:{folder}/archive", writable=False)) as archive:
        return catalog.connect(archive)


def _plain(files: list[str]) -> duckdb.DuckDBPyConnection:
    """The same two views over plain files."""
    db = duckdb.connect()
    db.execute("set timezone = 'UTC'")
    listed = ", ".join(f"'{file}'" for file in files)
    names = ", ".join(AUDIT_EVENTS.names)
    db.execute(
        f"create view audit_event_versions as select {names}, dt from "
        f"read_parquet([{listed}], hive_partitioning = true, hive_types = {{'dt': date}})"
    )
    db.execute("create view audit_events as " + current_rows("audit_event_versions"))
    return db


def _ask(db: duckdb.DuckDBPyConnection, sql: str, values: dict[str, Any]) -> tuple[float, int, int]:
    """Milliseconds, bytes read, rows answered."""
    before, began = _bytes_read(), time.perf_counter()
    rows = db.execute(sql, values).fetchall()
    return (time.perf_counter() - began) * 1000, _bytes_read() - before, len(rows)


def _bytes_read() -> int:
    return int(Path("/proc/self/io").read_text().splitlines()[0].split()[1])


def _drop_from_cache(files: list[str]) -> None:
    for file in files:
        handle = os.open(file, os.O_RDONLY)
        os.posix_fadvise(handle, 0, 0, os.POSIX_FADV_DONTNEED)
        os.close(handle)


def _left(
    db: duckdb.DuckDBPyConnection, files: list[str], column: str | None, values: dict[str, Any]
) -> list[int]:
    """Row groups that have to be looked at, and their rows."""

    def day(file: str) -> date:
        return date.fromisoformat(file.rpartition("dt=")[2][:10])

    if "day" in values:
        files = [file for file in files if day(file) == date.fromisoformat(values["day"])]
    if "first" in values:
        first, last = (date.fromisoformat(values[name]) for name in ("first", "last"))
        files = [file for file in files if first <= day(file) < last]
    value = values.get("id") or values.get("actor")
    found = db.execute(
        "select file_name, row_group_id, any_value(row_group_num_rows), "
        "  bool_or(path_in_schema = $column and ($value < stats_min_value or $value > stats_max_value)) "
        "from parquet_metadata($files) group by all",
        {"files": files, "column": column, "value": value},
    ).fetchall()
    excluded: set[tuple[str, int]] = set()
    if column == "id":
        excluded = set(
            db.execute(
                "select file_name, row_group_id from parquet_bloom_probe($files, 'id', $value) "
                "where bloom_filter_excludes",
                {"files": files, "value": value},
            ).fetchall()
        )
    left = [rows for file, group, rows, outside in found if not outside and (file, group) not in excluded]
    return [len(left), sum(left)]


if __name__ == "__main__":
    main()
