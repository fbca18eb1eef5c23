"""The fold of a snapshot: new, changed and departed records become versions, everything else is counted.

Promise: whoever left stays, as a version `withdrawn` that repeats what was last known; a snapshot that was not
read to its end withdraws nobody. The result is a function of the log up to the pull.
"""

from typing import Any

import pyarrow as pa

from warehouse.archive.archive import Archive
from warehouse.archive.entry import Entry
from warehouse.tables.directory.schema import GROUPS, MEMBERS, Listing, listings_of
from warehouse.tables.versions import FoldedRecords, Row, commit_versions, newest, next_versions
from warehouse.wire.records import content_sha256, decode, split_page


def fold_pending_snapshots(archive: Archive, stream: str) -> list[FoldedRecords]:
    """Fold every snapshot of a stream that is not folded yet, in order of the log."""
    archive.refresh()
    done = []
    for seq in sorted(int(text) for text in archive.state.stream(stream).pending_fold):
        entry = archive.entry(seq)
        folded = FoldedRecords(seq)
        made = snapshot_again(archive, entry, folded)
        if commit_versions(archive, entry, made, listings_of(stream)[0].table, folded) is not None:
            done.append(folded)
    return done


def snapshot_again(archive: Archive, entry: Entry, folded: FoldedRecords | None = None) -> dict[str, pa.Table]:
    """The versions that a snapshot adds to those before it, by table; nothing is written."""
    folded = folded or FoldedRecords(entry.seq)
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
        held = newest(archive, listing.schema, archive.state.table(listing.table).recent, entry.seq)
        made[listing.table] = next_versions(listing.schema, entry, rows, held, folded)
    return made


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
