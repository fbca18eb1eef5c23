"""The directory in SQL: the newest version of each record, of those who left too, and what was known when."""

from warehouse.tables.directory.schema import LISTINGS, Listing

_NEWEST = """
select v.* from {versions} as v join (
  select record_key, max(version) as version from {versions} {known} group by record_key) as newest
  using (record_key, version)
"""


def versions_view(listing: Listing) -> str:
    """The name of the view over all versions: `directory_user_versions`."""
    return f"{listing.table.removesuffix('s')}_versions"


def directory_views(prefix: str) -> list[str]:
    """Views and macros over the views of versions."""
    known = "where observed_at <= cast(ts as timestamptz)"
    made = []
    for listing in LISTINGS.values():
        versions = f"{prefix}{versions_view(listing)}"
        made += [
            f"create or replace view {prefix}{listing.table} as " + _NEWEST.format(versions=versions, known=""),
            f"create or replace macro {prefix}{listing.table}_as_of(ts) as table "
            + _NEWEST.format(versions=versions, known=known),
        ]
    return made


def directory_as_of(literal: str) -> list[str]:
    """Make the names of the directory mean what was known at a moment (a SQL literal), for this connection."""
    made = []
    for listing in LISTINGS.values():
        name = versions_view(listing)
        made += [
            f"create or replace temp view {name} as select * from memory.main.{name} "
            f"where observed_at <= {literal}",
            f"create or replace temp view {listing.table} as "
            + _NEWEST.format(versions=f"temp.main.{name}", known=""),
        ]
    return made
