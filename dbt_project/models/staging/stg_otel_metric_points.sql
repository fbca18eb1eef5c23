-- Claude Code's counters, each point once. Only what can be added up: monotonic sums with a number between 0 and 10^12.
-- The others stay in otel_metric_points, with what is odd about them.
select
  "time" as point_at,
  start_time,
  cast("time" as date) as day,
  metric,
  temporality,
  cast("value" as decimal(38, 12)) as amount,
  series_key,
  session_id,
  user_key,
  model,
  "type" as counted,
  start_type,
  decision,
  organization_id,
  cost_center,
  department,
  team,
  repo,
  user_email,
  enduser_id,
  service_version
from {{ source('archive', 'otel_metric_points') }}
where not duplicate
  and kind = 'sum'
  and monotonic
  and temporality in ('delta', 'cumulative')
  and "value" between 0 and 1000000000000
  and "time" is not null
