"""Engagement in SQL: what is current, every version, and what was known at a moment.

Promise: `engagement_users` and its like hold each record once, in its newest version, and nothing that the vendor
has taken back: they can be summed as far as the columns allow.
"""

from warehouse.tables.engagement.schema import MEASURES, Measure

_CURRENT = """
select v.* from {versions} as v join (
  select record_key, max(version) as version from {versions} {known} group by record_key) as newest
  on newest.record_key = v.record_key and newest.version = v.version where v.fold <> 'withdrawn'
"""


def versions_view(measure: Measure) -> str:
    """The name of the view over all versions: `engagement_user_versions`."""
    return (
        f"{measure.table.removesuffix('ies')}y_versions"
        if measure.table.endswith("ies")
        else (f"{measure.table.removesuffix('s')}_versions")
    )


def engagement_selects(source: str) -> dict[str, str]:
    """Each view by its name, as a SELECT over the views of versions below `source` (a schema with its dot)."""
    return {
        measure.table: _CURRENT.format(versions=f"{source}{versions_view(measure)}", known="")
        for measure in MEASURES.values()
    }


def engagement_views(prefix: str) -> list[str]:
    """Views and macros over the views of versions."""
    known = "where observed_at <= cast(ts as timestamptz)"
    made = [f"create or replace view {prefix}{name} as {sql}" for name, sql in engagement_selects(prefix).items()]
    for measure in MEASURES.values():
        made.append(
            f"create or replace macro {prefix}{measure.table}_as_of(ts) as table "
            + _CURRENT.format(versions=f"{prefix}{versions_view(measure)}", known=known)
        )
    return made


def engagement_as_of(literal: str) -> list[str]:
    """Make the names of engagement mean what was known at a moment (a SQL literal), for this connection."""
    names = [versions_view(measure) for measure in MEASURES.values()]
    made = [
        f"create or replace temp view {name} as select * from memory.main.{name} where observed_at <= {literal}"
        for name in names
    ]
    selects = engagement_selects("temp.main.")
    return made + [f"create or replace temp view {name} as {sql}" for name, sql in selects.items()]
