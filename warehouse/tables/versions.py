"""Records that carry a key and are pulled again and again: which are new, changed, gone or the same, as versions.

Promise: what is gone stays, as a version `withdrawn` that repeats what was last known; only a complete pull
withdraws. The result is a function of the log up to the pull, so whichever of two writers folds, the same rows
come out.
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import date
from typing import Any

import pyarrow as pa
from msgspec import UNSET

from warehouse.archive import keys
from warehouse.archive.archive import Archive
from warehouse.archive.entry import Draft, Entry, ObjectRef, sha256_hex
from warehouse.archive.errors import StoreUnreachable
from warehouse.archive.findings import Verification
from warehouse.archive.state import LogState, TableFile
from warehouse.tables import parquet
from warehouse.tables.folded import Folded
from warehouse.tables.row_difference import difference
from warehouse.tables.stored_rows import UNREADABLE, StoredRows
from warehouse.wire.times import midnight, parse_rfc3339

Row = dict[str, Any]
# A pull's rows again, by table; nothing is written.
Again = Callable[[Archive, Entry], dict[str, pa.Table]]


def next_versions(
    schema: pa.Schema,
    entry: Entry,
    served: Mapping[str, Row],
    held: Mapping[str, Row],
    folded: Folded,
) -> pa.Table:
    """The versions that a pull adds, by what was served and what was held of it, each by `record_key`."""
    rows = []
    for key, row in served.items():
        old = held.get(key)
        if old is not None and old["fold"] != "withdrawn" and old["content_sha256"] == row["content_sha256"]:
            folded.unchanged += 1
            continue
        fold = "first" if old is None else "revised"
        setattr(folded, fold, getattr(folded, fold) + 1)
        rows.append({**row, "version": 1 if old is None else old["version"] + 1, "fold": fold})
    for key, old in sorted(held.items()) if entry.complete else []:
        if key not in served and old["fold"] != "withdrawn":
            folded.withdrawn += 1
            gone = {"page": None, "position": None, "version": old["version"] + 1, "fold": "withdrawn"}
            rows.append({**old, **gone})
    observed = {"observed_at": parse_rfc3339(entry.committed_at), "commit_seq": entry.seq}
    return pa.Table.from_pylist([{**row, **observed} for row in rows], schema=schema)


def newest(archive: Archive, schema: pa.Schema, files: Iterable[TableFile], before: int) -> dict[str, Row]:
    """The newest version of each record in these files, from pulls before a number."""
    found: dict[str, Row] = {}
    for file in files:
        if file.seq is None or file.seq >= before:
            continue
        for row in parquet.read(archive.read(file), schema.names, key=file.key).to_pylist():
            known = found.get(row["record_key"])
            if known is None or row["version"] > known["version"]:
                found[row["record_key"]] = row
    return found


def commit_versions(
    archive: Archive, entry: Entry, made: Mapping[str, pa.Table], table: str, folded: Folded
) -> Folded | None:
    """Store what a pull comes to and commit the table entry (under the name `table`); None when another writer had
    done so already. A table with a column `day` lies under its first one, others under the day of the pull."""
    objects = [_put(archive, entry, name, rows) for name, rows in made.items() if rows.num_rows]
    folded.bytes = sum(ref.bytes for ref in objects)

    def build(state: LogState) -> Draft | None:
        if str(entry.seq) not in state.stream(entry.stream or "").pending_fold:
            return None
        return Draft(
            kind="table",
            stream=entry.stream,
            table=table,
            window=entry.window,
            complete=entry.complete,
            objects=objects,
            derived_from=[entry.seq],
            counts=folded.counts(),
        )

    return folded if archive.append(build) is not None else None


def _put(archive: Archive, entry: Entry, name: str, rows: pa.Table) -> ObjectRef:
    days = _days(rows)
    home = days[0] if days else parse_rfc3339(entry.committed_at).date()
    data = parquet.write([rows], rows.schema)
    # kept for the full term: nothing seals these rows
    stored = archive.put(keys.recent(name, home, entry.seq, sha256_hex(data)), data)
    covers = parquet.span_text(midnight(days[0]), midnight(days[-1])) if days else None
    return ObjectRef(
        key=stored.key,
        version_id=stored.version_id,
        sha256=stored.sha256,
        bytes=stored.bytes,
        records=rows.num_rows,
        table=name,
        dt=home.isoformat(),
        covers=covers or UNSET,
    )


def _days(rows: pa.Table) -> list[date]:
    return sorted(set(rows["day"].to_pylist())) if "day" in rows.column_names else []


def rederive_versions(
    archive: Archive,
    pulls: list[Entry],
    result: Verification,
    *,
    schemas: Mapping[str, pa.Schema],
    streams: Iterable[str],
    again: Again,
) -> None:
    """Compare each pull of these streams (in order of the log) with the versions stored of it. Reads only."""
    stored = {name: StoredRows(archive, name, schema) for name, schema in schemas.items()}
    wanted, folded = set(streams), set[int]()
    for entry in pulls:
        if entry.stream not in wanted or str(entry.seq) in archive.state.stream(entry.stream).pending_fold:
            continue
        folded.add(entry.seq)
        try:
            for name, made in again(archive, entry).items():
                _compare(stored[name], name, entry, made, result)
        except StoreUnreachable:
            raise
        except UNREADABLE as error:
            result.not_made_again(f"pull {entry.seq}", error)
    for rows in stored.values():
        for _, file, counted in rows.counted(result):
            for seq, count in counted.items():
                if seq != file.seq or seq not in folded:
                    result.not_rederived(
                        file.key, f"{count} rows say that they come from entry {seq}, not from its"
                    )


def _compare(stored: StoredRows, name: str, entry: Entry, made: pa.Table, result: Verification) -> None:
    days = _days(made)
    home = days[0].isoformat() if days else entry.committed_at[:10]
    for dt in sorted({dt for dt, files in stored.days.items() if any(f.seq == entry.seq for f in files)} | {home}):
        mine = made if dt == home else made.slice(0, 0)
        for file, detail in difference(mine, stored.of_commit(dt, entry.seq), made.schema).rows:
            files = stored.files(dt)
            place = f"tables/recent/{name}/dt={dt}/ (rows of entry {entry.seq})"
            result.not_rederived(files[file].key if file is not None else place, detail)
