"""Versions of the directory made again from the snapshots, and compared with what is stored. Reads only."""

from warehouse.archive.archive import Archive
from warehouse.archive.entry import Entry
from warehouse.archive.findings import Verification
from warehouse.tables.directory.fold import snapshot_again
from warehouse.tables.directory.schema import LISTINGS
from warehouse.tables.versions import rederive_versions


def rederive_directory(archive: Archive, pulls: list[Entry], result: Verification) -> None:
    """Compare each snapshot (in order of the log) with the versions stored of it."""
    rederive_versions(
        archive,
        pulls,
        result,
        schemas={name: listing.schema for name, listing in LISTINGS.items()},
        streams={listing.stream for listing in LISTINGS.values()},
        again=snapshot_again,
    )
