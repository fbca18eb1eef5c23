-- Every known event type, and every type seen in the feed that is not known: marked, and never informational.
with known as (

  select * from {{ ref('stg_event_types') }}

),

seen as (

  select
    event_type,
    cast(sum(events) as bigint) as events,
    cast(sum(withdrawn_count) as bigint) as withdrawn_count,
    min(first_seen_at) as first_seen_at,
    max(last_seen_at) as last_seen_at
  from {{ ref('int_event_type_days') }}
  group by event_type

)

select
  coalesce(k.event_type, s.event_type) as event_type,
  coalesce(k.verb, 'unknown') as verb,
  coalesce(k.object, 'unknown') as object,
  coalesce(k.category, 'unknown') as category,
  coalesce(k.outcome, 'unknown') as outcome,
  coalesce(k.severity, '{{ var("unknown_severity") }}') as severity,
  coalesce(k.is_login, false) as is_login,
  coalesce(k.is_admin_change, false) as is_admin_change,
  k.data_movement,
  coalesce(k.is_self_audit, false) as is_self_audit,
  k.outcome_field,
  k.event_type is not null as is_known,
  coalesce(k.has_documented_fields, false) as has_documented_fields,
  s.event_type is not null as is_seen,
  coalesce(s.events, 0) as events,
  coalesce(s.withdrawn_count, 0) as withdrawn_count,
  s.first_seen_at,
  s.last_seen_at,
  k.note
from known as k
full outer join seen as s on k.event_type = s.event_type
