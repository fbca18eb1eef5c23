-- Every version of every day of cost, and from when to when it was what the vendor said.
select
  day,
  version,
  lead(observed_at) over (partition by day order by version) is null as is_current,
  coalesce(final, false) as is_final,
  amount,
  total_amount,
  list_amount,
  total_list_amount,
  observed_at as known_from,
  lead(observed_at) over (partition by day order by version) as known_until,
  lag(data_refreshed_at) over (partition by day order by version) as refreshed_before,
  data_refreshed_at,
  commit_seq
from {{ source('archive', 'cost_day_versions') }}
