-- Which event types were seen on a day.
select
  event_type,
  count(*) filter (where not is_withdrawn) as events,
  count(*) filter (where is_withdrawn) as withdrawn_count,
  min(created_at) as first_seen_at,
  max(created_at) as last_seen_at,
  day
from {{ ref('int_audit_events') }}
group by event_type, day
