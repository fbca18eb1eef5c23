-- One row per actor, UTC day, category, outcome and client. The counts leave withdrawn events out and say how many.
with events as (

  select * from {{ ref('int_audit_events') }}

),

counted as (

  select
    actor_key,
    actor_kind,
    category,
    outcome,
    client,
    count(*) filter (where not is_withdrawn) as events,
    count(*) filter (where is_withdrawn) as withdrawn_count,
    count(*) filter (where fold = 'revised') as revised_count,
    count(*) filter (where is_unknown_event and not is_withdrawn) as unknown_events,
    count(distinct event_type) filter (where not is_withdrawn) as distinct_event_types,
    count(distinct ip_address) filter (where not is_withdrawn) as distinct_addresses,
    min(created_at) filter (where not is_withdrawn) as first_at,
    max(created_at) filter (where not is_withdrawn) as last_at,
    day
  from events
  group by actor_key, actor_kind, category, outcome, client, day

)

select
  {{ row_key(['actor_key', 'day', 'category', 'outcome', 'client']) }} as activity_key,
  actor_key,
  actor_kind,
  category,
  outcome,
  client,
  events,
  withdrawn_count,
  revised_count,
  unknown_events,
  distinct_event_types,
  distinct_addresses,
  first_at,
  last_at,
  day
from counted
