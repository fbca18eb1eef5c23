"""Where a month is heading, out of the archive: outlook, orphaned spend, unit costs, restated days.

Promise: a closed month is told from what was known at its close, so it is told the same for ever.
Knows no Dagster.
"""

from collections.abc import Sequence
from datetime import date, timedelta

import duckdb

from assets.activity_counts import activity_of
from assets.closed_months import as_known, budgets_of, prepared
from assets.cost_lines import coverage, months
from assets.period_books import Bookkeeping
from warehouse.finops.orphans import Gone, orphans
from warehouse.finops.outlook import MONTHS_OF_HISTORY, make_outlook
from warehouse.finops.periods import Period
from warehouse.finops.preparing import Prepared
from warehouse.finops.restated import RestatedDay
from warehouse.finops.told import Told
from warehouse.finops.unit_economics import unit_costs

# Somebody is gone: the vendor calls the account deleted, or the directory has listed it no more. A key is
# ownerless where the directory knows the keys and not this one, or where who made it and whose it is are gone.
_GONE = """
with spenders as (
  select actor_type, actor_id, bool_or(coalesce(actor_deleted, false)) as deleted
  from cost_rows where day >= $start and day < $end and actor_id is not null group by all
), people as (
  select id, cast(observed_at at time zone 'UTC' as date) as gone from directory_users where fold = 'withdrawn'
), keys as (
  select k.id, k.status, k.fold, cast(k.observed_at at time zone 'UTC' as date) as seen, owner.gone as owner_gone,
         k.principal_id is null and k.created_by is null as nobody
  from directory_api_keys as k left join people as owner on owner.id = coalesce(k.principal_id, k.created_by)
)
select 'deleted_user', s.actor_id, p.gone,
       case when p.gone is null then 'the vendor calls the account deleted, and not since when'
            else 'the directory has not listed the account since ' || p.gone end
from spenders as s left join people as p on p.id = s.actor_id
where s.actor_type = 'user_actor' and (s.deleted or p.gone is not null)
union all
select 'ownerless_key', s.actor_id,
       case when k.id is null or k.nobody then null when k.fold = 'withdrawn' then k.seen
            when k.owner_gone is not null then k.owner_gone else k.seen end,
       case when k.id is null then 'no list of keys has ever had it'
            when k.nobody then 'the list of keys names neither an owner nor who made it'
            when k.fold = 'withdrawn' then 'the list of keys has not had it since ' || k.seen
            when k.owner_gone is not null then 'its owner has been gone since ' || k.owner_gone
            else 'it is ' || k.status end
from spenders as s left join keys as k on k.id = s.actor_id
where s.actor_type = 'api_actor' and exists (select 1 from directory_api_keys)
  and (k.id is null or k.nobody or k.fold = 'withdrawn' or k.owner_gone is not null or k.status <> 'active')
order by all
"""
_RESTATED = """
select day, version, data_refreshed_at, amount_before, amount, added, changed, vanished
from cost_restatements where day >= $start and day < $end order by day, version
"""


def months_before(desk: Bookkeeping, period: Period, last: Prepared | None = None) -> list[Prepared]:
    """The months whose days a forecast and an anomaly look back to, ascending; those that the tables have. `last`
    is the one just before, where it was made already."""
    wanted, month = [], period
    for _ in range(MONTHS_OF_HISTORY):
        month = Period.of(month.start - timedelta(days=1))
        wanted.append(month)
    found = [month for month in months(desk.db) if month in wanted]
    return [
        last if last is not None and last.statement.period == month else prepared(desk, month) for month in found
    ]


def told(
    desk: Bookkeeping, period: Period, done: Prepared | None = None, before: Sequence[Prepared] | None = None
) -> Told:
    """Everything about a month. `done` and `before` where they are known already. Raises as a statement does."""
    done = done or prepared(desk, period)
    before = months_before(desk, period) if before is None else before
    outlook = make_outlook(done, before, known_to(desk, period), budgets_of(desk, period))
    with as_known(desk, period) as db:
        gone, restated = _gone(db, period), _restated(db, period)
        activity = list(activity_of(done.allocation.lines, db, period))
    return Told(
        outlook,
        orphans(done.allocation.lines, gone, done.allocation.leavers),
        unit_costs(period, activity),
        restated,
    )


def known_to(desk: Bookkeeping, period: Period) -> date:
    """The first day of a month that was not read to its end; the day after it where all were. A closed month is
    known as it is."""
    if desk.books.state(period) == "closed":
        return period.end + timedelta(days=period.length)
    complete = coverage(desk.workshop.archive.state, period).complete
    first = next((day for day in period.days if day not in complete), None)
    if first is not None:
        return first
    return max(period.end, min(desk.workshop.clock().date(), period.final_from))


def _gone(db: duckdb.DuckDBPyConnection, period: Period) -> list[Gone]:
    found = db.execute(_GONE, {"start": period.start, "end": period.end}).fetchall()
    return [Gone(*row) for row in found]


def _restated(db: duckdb.DuckDBPyConnection, period: Period) -> list[RestatedDay]:
    found = db.execute(_RESTATED, {"start": period.start, "end": period.end}).fetchall()
    return [RestatedDay(*row) for row in found]
