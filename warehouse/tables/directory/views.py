"""The directory in SQL: the newest version of each record, of those who left too, and what was known when."""

from warehouse.tables.directory.schema import LISTINGS, Listing

_NEWEST = """
select v.* from {versions} as v join (
  select record_key, max(version) as version from {versions} {known} group by record_key) as newest
  on newest.record_key = v.record_key and newest.version = v.version
"""


def versions_view(listing: Listing) -> str:
    """The name of the view over all versions: `directory_user_versions`."""
    return f"{listing.table.removesuffix('s')}_versions"


def directory_selects(source: str) -> dict[str, str]:
    """Each view by its name, as a SELECT over the views of versions below `source` (a schema with its dot)."""
    return {
        listing.table: _NEWEST.format(versions=f"{source}{versions_view(listing)}", known="")
        for listing in LISTINGS.values()
    }


def directory_views(prefix: str) -> list[str]:
    """Views and macros over the views of versions."""
    known = "where observed_at <= cast(ts as timestamptz)"
    made = [f"create or replace view {prefix}{name} as {sql}" for name, sql in directory_selects(prefix).items()]
    for listing in LISTINGS.values():
        made.append(
            f"create or replace macro {prefix}{listing.table}_as_of(ts) as table "
            + _NEWEST.format(versions=f"{prefix}{versions_view(listing)}", known=known)
        )
    return made


def directory_as_of(literal: str) -> list[str]:
    """Make the names of the directory mean what was known at a moment (a SQL literal), for this connection."""
    names = [versions_view(listing) for listing in LISTINGS.values()]
    made = [
        f"create or replace temp view {name} as select * from memory.main.{name} where observed_at <= {literal}"
        for name in names
    ]
    selects = directory_selects("temp.main.")
    return made + [f"create or replace temp view {name} as {sql}" for name, sql in selects.items()]
