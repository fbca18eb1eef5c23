{{ config(
  partitioned_by=(['period'] if target.type == 'athena' else none),
  properties=({'partitioned_by': "array['period']"} if target.type == 'trino' else none)
) }}

-- What the vendor changed after we had it: each cost line that is another amount in a version of its day than in the one
-- before, that came, or that vanished.
with days as (

  select * from {{ ref('int_cost_days') }}

),

restated as (

  select day, max(version) as newest
  from days
  group by day
  having max(version) > 1

),

-- A line that stands twice in a day (it should not) is added up first, so that nothing is paired wrongly.
keyed as (

  select
    l.cost_line_key, l.day, l.version, r.newest,
    max(l.organization_id) as organization_id,
    max(l.product) as product,
    max(l.model) as model,
    max(l.cost_type) as cost_type,
    max(l.token_type) as token_type,
    max(l.actor_key) as actor_key,
    max(l.actor_email) as actor_email,
    sum(l.amount) as amount,
    sum(l.list_amount) as list_amount
  from {{ ref('fct_cost_line') }} as l
  inner join restated as r on r.day = l.day
  group by l.cost_line_key, l.day, l.version, r.newest

),

came_or_changed as (

  select
    a.cost_line_key, a.day, a.version,
    case when b.cost_line_key is null then 'added' else 'changed' end as fold,
    a.organization_id, a.product, a.model, a.cost_type, a.token_type, a.actor_key, a.actor_email,
    b.amount as amount_before, a.amount, b.list_amount as list_amount_before, a.list_amount
  from keyed as a
  left join keyed as b on b.cost_line_key = a.cost_line_key and b.day = a.day and b.version = a.version - 1
  where a.version > 1
    and (b.cost_line_key is null or b.amount is distinct from a.amount or b.list_amount is distinct from a.list_amount)

),

vanished as (

  select
    b.cost_line_key, b.day, b.version + 1 as version,
    'vanished' as fold,
    b.organization_id, b.product, b.model, b.cost_type, b.token_type, b.actor_key, b.actor_email,
    b.amount as amount_before, cast(null as decimal(38, 8)) as amount,
    b.list_amount as list_amount_before, cast(null as decimal(38, 8)) as list_amount
  from keyed as b
  left join keyed as a on a.cost_line_key = b.cost_line_key and a.day = b.day and a.version = b.version + 1
  where b.version < b.newest and a.cost_line_key is null

),

changes as (

  select * from came_or_changed
  union all
  select * from vanished

)

select
  c.cost_line_key || '/' || cast(c.version as varchar) as restatement_key,
  c.cost_line_key,
  c.version,
  c.fold,
  c.organization_id,
  c.product,
  c.model,
  c.cost_type,
  c.token_type,
  c.actor_key,
  c.actor_email,
  cast(c.amount_before as decimal(38, 8)) as amount_before,
  cast(c.amount as decimal(38, 8)) as amount,
  cast(coalesce(c.amount, 0) - coalesce(c.amount_before, 0) as decimal(38, 8)) as delta,
  cast(coalesce(c.list_amount, 0) - coalesce(c.list_amount_before, 0) as decimal(38, 8)) as list_delta,
  d.known_from,
  d.refreshed_before,
  d.data_refreshed_at,
  {{ days_between('c.day', 'cast(d.data_refreshed_at as date)') }} as days_late,
  d.commit_seq,
  c.day,
  substr(cast(c.day as varchar), 1, 7) as period
from changes as c
inner join days as d on d.day = c.day and d.version = c.version
