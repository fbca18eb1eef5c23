"""Who of those that spend is gone, out of the directory: deleted people, keys that belong to nobody.

Promise: each with the day since when, where that is known, and how we know.
"""

from datetime import date

import duckdb

from warehouse.finops.orphans import Gone

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


def gone_owners(db: duckdb.DuckDBPyConnection, start: date, end: date) -> list[Gone]:
    """Those with cost on the days [start, end) who are gone, or whose owner is."""
    return [Gone(*row) for row in db.execute(_GONE, {"start": start, "end": end}).fetchall()]
