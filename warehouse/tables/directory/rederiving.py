"""Versions of the directory made again from the snapshots, and compared with what is stored. Reads only."""

import pyarrow as pa

from warehouse.archive.archive import Archive
from warehouse.archive.entry import Entry
from warehouse.archive.errors import ArchiveError, StoreUnreachable
from warehouse.archive.findings import Verification
from warehouse.tables.directory.fold import snapshot_again
from warehouse.tables.directory.schema import LISTINGS
from warehouse.tables.row_difference import difference
from warehouse.tables.stored_rows import StoredRows


def rederive_directory(archive: Archive, pulls: list[Entry], result: Verification) -> None:
    """Compare each snapshot (in order of the log) with the versions stored of it."""
    stored = {name: StoredRows(archive, name, listing.schema) for name, listing in LISTINGS.items()}
    streams = {listing.stream for listing in LISTINGS.values()}
    folded: set[int] = set()
    for entry in pulls:
        if entry.stream not in streams or str(entry.seq) in archive.state.stream(entry.stream).pending_fold:
            continue
        folded.add(entry.seq)
        try:
            for name, made in snapshot_again(archive, entry).items():
                _compare(stored[name], name, entry, made, result)
        except StoreUnreachable:
            raise
        except (ArchiveError, ValueError, pa.ArrowException) as error:
            result.notes.append(f"the rows of snapshot {entry.seq} could not be made again or read: {error}")
    for rows in stored.values():
        for day in sorted(rows.days):
            for file, counted in rows.counts(day):
                for seq, count in counted.items():
                    if seq != file.seq or seq not in folded:
                        result.not_rederived(
                            file.key, f"{count} rows say that they come from entry {seq}, not from its"
                        )


def _compare(stored: StoredRows, name: str, entry: Entry, made: pa.Table, result: Verification) -> None:
    day = entry.committed_at[:10]
    days = {dt for dt, files in stored.days.items() if any(file.seq == entry.seq for file in files)} | {day}
    for dt in sorted(days):
        mine = made if dt == day else made.slice(0, 0)
        for file, detail in difference(mine, stored.of_commit(dt, entry.seq), LISTINGS[name].schema).rows:
            files = stored.files(dt)
            place = f"tables/recent/{name}/dt={dt}/ (rows of entry {entry.seq})"
            result.not_rederived(files[file].key if file is not None else place, detail)
