"""The fold of a snapshot: new, changed and departed records become versions, everything else is counted.

Promise: whoever left stays, as a version `withdrawn` that repeats what was last known; a snapshot that was not
read to its end withdraws nobody. The result is a function of the log up to the pull.
"""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from warehouse.archive import keys
from warehouse.archive.archive import Archive
from warehouse.archive.entry import Draft, Entry, ObjectRef, sha256_hex
from warehouse.archive.state import LogState
from warehouse.tables import parquet
from warehouse.tables.directory.schema import GROUPS, MEMBERS, Listing, listings_of
from warehouse.wire.records import content_sha256, decode, split_page
from warehouse.wire.times import parse_rfc3339

Row = dict[str, Any]


@dataclass
class FoldedSnapshot:
    """What one fold did, in records."""

    seq: int
    records: int = 0
    first: int = 0
    revised: int = 0
    withdrawn: int = 0
    unchanged: int = 0
    unknown_types: Counter[str] = field(default_factory=Counter)
    unknown_fields: Counter[str] = field(default_factory=Counter)
    bytes: int = 0

    def counts(self) -> dict[str, Any]:
        names = ("records", "first", "revised", "withdrawn", "unchanged")
        return {name: getattr(self, name) for name in names}


def fold_pending_snapshots(archive: Archive, stream: str) -> list[FoldedSnapshot]:
    """Fold every snapshot of a stream that is not folded yet, in order of the log."""
    archive.refresh()
    done = []
    for seq in sorted(int(text) for text in archive.state.stream(stream).pending_fold):
        folded = _fold(archive, archive.entry(seq))
        if folded is not None:
            done.append(folded)
    return done


def snapshot_again(archive: Archive, entry: Entry, folded: FoldedSnapshot | None = None) -> dict[str, pa.Table]:
    """The versions that a snapshot adds to those before it, by table; nothing is written."""
    folded = folded or FoldedSnapshot(entry.seq)
    listings = listings_of(entry.stream or "")
    served: dict[str, dict[str, Row]] = {listing.table: {} for listing in listings}
    for number, ref in enumerate(entry.objects, 1):
        for position, record in enumerate(split_page(archive.read_page(ref)).records):
            listing, row = _row(listings, record)
            row |= {"page": number, "position": position}
            served[listing.table][row["record_key"]] = row  # served twice while the list moved: the later counts
    made = {}
    for listing in listings:
        rows = served[listing.table]
        folded.records += len(rows)
        made[listing.table] = _versions(archive, listing, entry, rows, folded)
    return made


def _fold(archive: Archive, entry: Entry) -> FoldedSnapshot | None:
    folded = FoldedSnapshot(entry.seq)
    made = snapshot_again(archive, entry, folded)
    day = parse_rfc3339(entry.committed_at).date()
    objects = []
    for table, rows in made.items():
        if rows.num_rows:
            data = parquet.write([rows], rows.schema)
            # kept for the full term: nothing seals these rows
            stored = archive.put(keys.recent(table, day, entry.seq, sha256_hex(data)), data)
            objects.append(
                ObjectRef(
                    key=stored.key,
                    version_id=stored.version_id,
                    sha256=stored.sha256,
                    bytes=stored.bytes,
                    records=rows.num_rows,
                    table=table,
                    dt=day.isoformat(),
                )
            )
    folded.bytes = sum(ref.bytes for ref in objects)

    def build(state: LogState) -> Draft | None:
        if str(entry.seq) not in state.stream(entry.stream or "").pending_fold:
            return None
        return Draft(
            kind="table",
            stream=entry.stream,
            table=listings_of(entry.stream or "")[0].table,
            complete=entry.complete,
            objects=objects,
            derived_from=[entry.seq],
            counts=folded.counts(),
        )

    return folded if archive.append(build) is not None else None


def _versions(
    archive: Archive, listing: Listing, entry: Entry, served: dict[str, Row], folded: FoldedSnapshot
) -> pa.Table:
    held = _held(archive, listing, entry.seq)
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
    return pa.Table.from_pylist([{**row, **observed} for row in rows], schema=listing.schema)


def _held(archive: Archive, listing: Listing, before: int) -> dict[str, Row]:
    """The newest version of each record, from snapshots before a number."""
    newest: dict[str, Row] = {}
    for file in archive.state.table(listing.table).recent:
        if file.seq is None or file.seq >= before:
            continue
        for row in parquet.read(archive.read(file), listing.schema.names).to_pylist():
            known = newest.get(row["record_key"])
            if known is None or row["version"] > known["version"]:
                newest[row["record_key"]] = row
    return newest


def _row(listings: list[Listing], record: bytes) -> tuple[Listing, Row]:
    content = content_sha256(record)
    try:
        document = decode(record)
    except (ValueError, RecursionError):
        document = None
    if not isinstance(document, dict):
        document = {}
    # groups and their members come in one stream; only a member names a user
    listing = MEMBERS if listings[0] is GROUPS and "user_id" in document else listings[0]
    row: Row = {name: _first(document, places) for name, places in listing.columns.items()}
    parts = [row[name] for name in listing.key]
    try:
        raw, raw_bytes = record.decode(), None
    except UnicodeDecodeError:
        raw, raw_bytes = record.decode("utf-8", "replace"), record
    key = "/".join(parts) if all(parts) else f"(no id) {content}"
    return listing, {**row, "record_key": key, "raw": raw, "raw_bytes": raw_bytes, "content_sha256": content}


def _first(document: dict[str, Any], places: tuple[str, ...]) -> str | None:
    for place in places:
        value: Any = document
        for name in place.split("."):
            value = value.get(name) if isinstance(value, dict) else None
        if isinstance(value, str):
            return value
    return None
