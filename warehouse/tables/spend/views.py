"""Usage and cost in SQL: what is current, what was known at a moment, and what the vendor restated.

Promise: `cost_rows` of a day is the newest complete pull of that day and nothing else; what vanished in a
restatement is shown as vanished, not left standing.
"""

from warehouse.tables.spend.schema import ALL_REPORTS, LEGACY_COST, LEGACY_USAGE, REPORTS, Report

_NEWEST = """
select d.* from {days} as d join (
  select day, max(version) as version from {days} {known} group by day) as newest
  on newest.day = d.day and newest.version = d.version
"""
_ROWS_OF = """
select r.* from {rows} as r join (
  select day, max(version) as version from {days} {known} group by day) as newest
  on newest.day = r.day and newest.version = r.version
"""

# By day and version: the figures before and after, and what became of the rows.
_RESTATEMENTS = {
    "cost": """
select d.day, d.version, d.data_refreshed_at, d.observed_at, b.data_refreshed_at as refreshed_before,
       b.amount as amount_before, d.amount, d.amount - b.amount as change,
       b.list_amount as list_amount_before, d.list_amount, d.list_amount - b.list_amount as list_change,
       coalesce(c.added, 0) as added, coalesce(c.changed, 0) as changed, coalesce(c.vanished, 0) as vanished,
       d.commit_seq
from {days} as d join {days} as b on b.day = d.day and b.version = d.version - 1
left join ({counts}) as c on c.day = d.day and c.version = d.version
""",
    "usage": """
select d.day, d.version, d.data_refreshed_at, d.observed_at, b.data_refreshed_at as refreshed_before,
       b.tokens as tokens_before, d.tokens, d.tokens - b.tokens as change,
       b.requests as requests_before, d.requests, d.requests - b.requests as requests_change,
       coalesce(c.added, 0) as added, coalesce(c.changed, 0) as changed, coalesce(c.vanished, 0) as vanished,
       d.commit_seq
from {days} as d join {days} as b on b.day = d.day and b.version = d.version - 1
left join ({counts}) as c on c.day = d.day and c.version = d.version
""",
}
_COUNTS = """
select day, version, count(*) filter (where fold = 'added') as added,
       count(*) filter (where fold = 'changed') as changed, count(*) filter (where fold = 'vanished') as vanished
from {restated} group by day, version
"""

# Row by row. A key that stands twice in a day (it should not) is added up first, so nothing is paired wrongly.
_RESTATED = """
select d.day, d.version,
       case when b.row_key is null then 'added' when a.row_key is null then 'vanished' else 'changed' end as fold,
       {dimensions},
       b.measure as {measure}_before, a.measure as {measure},
       coalesce(a.measure, 0) - coalesce(b.measure, 0) as change, d.commit_seq,
       coalesce(a.row_key, b.row_key) as row_key
from (select day, version, commit_seq from {days} where version > 1) as d
join (select distinct day, version, row_key from (
  select day, version, row_key from {rows} union all select day, version + 1, row_key from {rows})) as k
  on k.day = d.day and k.version = d.version
left join ({keyed}) as a on a.day = d.day and a.version = d.version and a.row_key = k.row_key
left join ({keyed}) as b on b.day = d.day and b.version = d.version - 1 and b.row_key = k.row_key
where a.content is distinct from b.content
"""
_KEYED = """
select day, version, row_key, sum({measure}) as measure, array_agg(content_sha256 order by content_sha256)
       as content, {firsts}
from {rows} group by day, version, row_key
"""
_DIMENSIONS = ("organization_id", "product", "model", "context_window", "actor_type", "actor_id", "actor_email")
_MORE = {"cost": ("cost_type", "token_type"), "usage": ()}


# Old and new beside each other, day by day. What the legacy reports leave out is spend without a person.
_PARITY = {
    LEGACY_COST.stream: """
select n.day, n.data_refreshed_at, o.data_refreshed_at as legacy_refreshed_at,
       n.data_refreshed_at = o.data_refreshed_at as comparable,
       n.total_amount as amount, o.total_amount as legacy_amount, o.total_amount - n.total_amount as difference,
       coalesce(p.amount, 0) as of_people, o.amount as legacy_of_people,
       o.amount - coalesce(p.amount, 0) as difference_of_people,
       n.total_amount - coalesce(p.amount, 0) as without_person, o.difference as legacy_missing
from {prefix}cost_days as n join {prefix}legacy_cost_days as o on o.day = n.day
left join (
  select day, sum(amount) as amount from {prefix}cost_rows where actor_type = 'user_actor' group by day) as p
  on p.day = n.day
""",
    LEGACY_USAGE.stream: """
select n.day, n.data_refreshed_at, o.data_refreshed_at as legacy_refreshed_at,
       n.data_refreshed_at = o.data_refreshed_at as comparable,
       n.total_tokens as tokens, o.total_tokens as legacy_tokens, o.total_tokens - n.total_tokens as difference,
       coalesce(p.tokens, 0) as of_people, o.tokens as legacy_of_people,
       o.tokens - coalesce(p.tokens, 0) as difference_of_people,
       n.total_tokens - coalesce(p.tokens, 0) as without_person, o.difference as legacy_missing
from {prefix}usage_days as n join {prefix}legacy_usage_days as o on o.day = n.day
left join (
  select day, cast(sum(total_tokens) as bigint) as tokens from {prefix}usage_rows
  where actor_type = 'user_actor' group by day) as p
  on p.day = n.day
""",
}


def spend_selects(source: str) -> dict[str, str]:
    """Each view by its name, as a SELECT over the views of versions below `source` (a schema with its dot).

    The text is standard SQL, the same in DuckDB and in Athena, in the order in which views can be made.
    """
    found: dict[str, str] = {}
    for report in REPORTS.values():
        found |= _derived(report, _names(report, source))
    for report, parity in ((LEGACY_COST, "cost_parity"), (LEGACY_USAGE, "usage_parity")):
        names = _names(report, source)
        found |= {
            report.rows_table: _ROWS_OF.format(**names, known=""),
            report.days_table: _NEWEST.format(**names, known=""),
            parity: _PARITY[report.stream].format(prefix=source),
        }
    return found


def spend_views(prefix: str) -> list[str]:
    """Views and macros over `{prefix}cost_row_versions`, `{prefix}cost_day_versions` and the same of usage."""
    made = [f"create or replace view {prefix}{name} as {sql}" for name, sql in spend_selects(prefix).items()]
    known = "where observed_at <= cast(ts as timestamptz)"
    for report in REPORTS.values():
        names = _names(report, prefix)
        made += [
            f"create or replace macro {prefix}{report.rows_table}_as_of(ts) as table "
            + _ROWS_OF.format(**names, known=known),
            f"create or replace macro {prefix}{report.days_table}_as_of(ts) as table "
            + _NEWEST.format(**names, known=known),
        ]
    return made


def spend_as_of(literal: str) -> list[str]:
    """Make the names of usage and cost mean what was known at a moment (a SQL literal), for this connection."""
    made = [
        f"create or replace temp view {name} as select * from memory.main.{name} where observed_at <= {literal}"
        for report in ALL_REPORTS.values()
        for name in (f"{report.stream}_row_versions", f"{report.stream}_day_versions")
    ]
    selects = spend_selects("temp.main.")
    return made + [f"create or replace temp view {name} as {sql}" for name, sql in selects.items()]


def _names(report: Report, prefix: str) -> dict[str, str]:
    return {"rows": f"{prefix}{report.stream}_row_versions", "days": f"{prefix}{report.stream}_day_versions"}


def _derived(report: Report, names: dict[str, str]) -> dict[str, str]:
    stream = report.stream
    dimensions = (*_DIMENSIONS, *_MORE[stream])
    keyed = _KEYED.format(
        rows=names["rows"],
        measure=report.measure,
        firsts=", ".join(f"min({name}) as {name}" for name in dimensions),
    )
    restated = _RESTATED.format(
        **names,
        measure=report.measure,
        keyed=keyed,
        dimensions=", ".join(f"coalesce(a.{name}, b.{name}) as {name}" for name in dimensions),
    )
    return {
        f"{stream}_rows": _ROWS_OF.format(**names, known=""),
        f"{stream}_days": _NEWEST.format(**names, known=""),
        f"{stream}_restated_rows": restated,
        f"{stream}_restatements": _RESTATEMENTS[stream].format(
            **names, counts=_COUNTS.format(restated=f"({restated})")
        ),
    }
