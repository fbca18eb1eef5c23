-- Claude Code's events, each once. The day is that of the event's own time.
select
  "time" as event_at,
  cast("time" as date) as day,
  event_name,
  session_id,
  user_key,
  model,
  request_id,
  case when cost_usd between 0 and 1000000000 then cost_usd end as cost_usd,
  {{ sane_count('input_tokens') }} as input_tokens,
  {{ sane_count('output_tokens') }} as output_tokens,
  {{ sane_count('cache_read_tokens') }} as cache_read_tokens,
  {{ sane_count('cache_creation_tokens') }} as cache_creation_tokens,
  tool_name,
  decision,
  success,
  organization_id,
  cost_center,
  department,
  team,
  repo,
  user_email,
  enduser_id,
  service_version,
  observed_time
from {{ source('archive', 'otel_events') }}
where not duplicate
  and "time" is not null
