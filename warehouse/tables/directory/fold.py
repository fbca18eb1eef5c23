"""The fold of a snapshot: new, changed and departed records become versions, everything else is counted.

Promise: whoever left stays, as a version `withdrawn` that repeats what was last known; a snapshot that was not
read to its end withdraws nobody. The result is a function of the log up to the pull.
"""

import pyarrow as pa

from warehouse.archive.archive import Archive
from warehouse.archive.entry import Entry
from warehouse.tables.directory.rows import rows_of
from warehouse.tables.directory.schema import listings_of
from warehouse.tables.folded import Folded
from warehouse.tables.versions import Row, commit_versions, newest, next_versions
from warehouse.wire.records import split_page


def fold_pending_snapshots(archive: Archive, stream: str) -> list[Folded]:
    """Fold every snapshot of a stream that is not folded yet, in order of the log."""
    archive.refresh()
    done = []
    for seq in sorted(int(text) for text in archive.state.stream(stream).pending_fold):
        entry = archive.entry(seq)
        folded = Folded(seq)
        made = snapshot_again(archive, entry, folded)
        if commit_versions(archive, entry, made, listings_of(stream)[0].table, folded) is not None:
            done.append(folded)
    return done


def snapshot_again(archive: Archive, entry: Entry, folded: Folded | None = None) -> dict[str, pa.Table]:
    """The versions that a snapshot adds to those before it, by table; nothing is written."""
    folded = folded or Folded(entry.seq)
    listings = listings_of(entry.stream or "")
    served: dict[str, dict[str, Row]] = {listing.table: {} for listing in listings}
    for number, ref in enumerate(entry.objects, 1):
        for position, record in enumerate(split_page(archive.read_page(ref)).records):
            for listing, row in rows_of(entry.stream or "", record, position):
                # served twice while the list moved: the later counts
                served[listing.table][row["record_key"]] = row | {"page": number}
    made = {}
    for listing in listings:
        rows = served[listing.table]
        folded.records += len(rows)
        held = newest(archive, listing.schema, archive.state.table(listing.table).recent, entry.seq)
        made[listing.table] = next_versions(listing.schema, entry, rows, held, folded)
    return made
