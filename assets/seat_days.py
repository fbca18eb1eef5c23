"""Who held which seat on which day of a month, from the snapshots of the directory. Knows no Dagster.

Promise: nobody who was not listed holds a seat; without a snapshot there are no seat days: all are vacant.
A day to come is held as today's. Rule book: reference finops, section 4.2.
"""

from collections.abc import Sequence
from datetime import date

import duckdb

from warehouse.finops.inputs import SeatDay
from warehouse.finops.periods import Period
from warehouse.finops.seats import IDLE_DAYS, Contract

# A member holds a seat from the day they were added to the day on which a snapshot no longer had them. The tier is
# that of the last change in the feed by that day, else what the first change after it came from, else $tier.
# Activity is any row of the feed, of usage or of engagement; of a day to come, what is known today.
_HELD = """
with seen as (
  select id, email, try_cast(added_at as timestamptz) as added, observed_at, fold, version
  from directory_user_versions
), members as (
  select id, max_by(email, version) as email,
         cast(least(min(added), min(observed_at)) at time zone 'UTC' as date) as first,
         case when max_by(fold, version) = 'withdrawn'
              then cast(max(observed_at) at time zone 'UTC' as date) end as gone
  from seen group by id
), held as (
  select m.id, m.email, cast(d.day as date) as day, least(cast(d.day as date), cast($known as date)) as judged
  from members as m, generate_series($start, $last, interval 1 day) as d(day)
  where cast(d.day as date) >= m.first and (m.gone is null or cast(d.day as date) < m.gone)
), active as (
  select distinct actor_id as id, day from usage_rows where day >= $begin and day < $end
  union select distinct actor_id, dt from audit_events where dt >= $begin and dt < $end
  union select distinct user_id, day from engagement_users
  where day >= $begin and day < $end and fold <> 'withdrawn'
), changes as (
  select raw ->> 'user_id' as id, cast(created_at at time zone 'UTC' as date) as day, created_at,
         raw ->> 'current_seat_tier' as tier, raw ->> 'previous_seat_tier' as previous
  from audit_events where type = 'claude_user_seat_tier_updated'
), tiers as (
  select h.id, h.day, max_by(c.tier, c.created_at) filter (where c.day <= h.day) as latest,
         min_by(c.previous, c.created_at) filter (where c.day > h.day) as earlier
  from held as h join changes as c using (id) group by all
)
select h.day, coalesce(t.latest, t.earlier, $tier) as tier, h.id, h.email,
       a.day + cast(h.day - h.judged as integer) as last_active
from held as h left join tiers as t using (id, day)
asof left join (select * from active where id is not null) as a on a.id = h.id and a.day <= h.judged
order by h.day, h.id
"""


def seat_days_of(
    db: duckdb.DuckDBPyConnection, period: Period, contracts: Sequence[Contract], known: date
) -> list[SeatDay]:
    """The seats of a month, sorted. `known` is the last day of which anything is known; whoever the feed gives no
    tier has that of the first contract."""
    if not contracts or not any(contract.days_in(period) for contract in contracts):
        return []
    span = {
        "start": period.start,
        "last": period.days[-1],
        "end": period.end,
        "begin": date.fromordinal(period.start.toordinal() - IDLE_DAYS - 1),
        "known": known,
        "tier": contracts[0].tier,
    }
    return [SeatDay(*row) for row in db.execute(_HELD, span).fetchall()]
