-- What each point adds to its counter. A delta adds itself. A cumulative one adds the difference to the point before it
-- of the same process (series and start time): the first counts from 0, a fall is a reset and counts whole, and the
-- repeat that a client sends when it ends adds nothing.
with ordered as (

  select
    *,
    lag(amount) over (partition by series_key, start_time order by point_at) as amount_before
  from {{ ref('stg_otel_metric_points') }}

)

select
  point_at,
  day,
  metric,
  session_id,
  user_key,
  model,
  counted,
  start_type,
  decision,
  organization_id,
  cost_center,
  department,
  team,
  repo,
  user_email,
  enduser_id,
  service_version,
  case
    when temporality = 'delta' or amount_before is null or amount < amount_before then amount
    else amount - amount_before
  end as amount
from ordered
