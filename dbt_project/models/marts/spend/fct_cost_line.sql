{{ config(
  partitioned_by=(['period'] if target.type == 'athena' else none),
  properties=({'partitioned_by': "array['period']"} if target.type == 'trino' else none)
) }}

-- Every row of cost in every version of its day, and for each version the row that is missing to the vendor's own total.
-- The rows of the current versions add up to that total.
with days as (

  select * from {{ ref('int_cost_days') }}

),

-- Tokens stand in the other report: by the same actor, product, model and context, one column for each kind.
counted as (

  select
    day,
    coalesce(organization_id, '') as organization_id,
    coalesce(product, '') as product,
    coalesce(model, '') as model,
    coalesce(context_window, '') as context_window,
    coalesce(actor_key, '') as actor_key,
    sum(uncached_input_tokens) as uncached_input_tokens,
    sum(output_tokens) as output_tokens,
    sum(cache_read_input_tokens) as cache_read_input_tokens,
    sum(cache_creation_5m_input_tokens) as cache_creation_5m_input_tokens,
    sum(cache_creation_1h_input_tokens) as cache_creation_1h_input_tokens,
    sum(web_search_requests) as web_search_requests
  from {{ ref('stg_usage_rows') }}
  group by day, coalesce(organization_id, ''), coalesce(product, ''), coalesce(model, ''), coalesce(context_window, ''),
    coalesce(actor_key, '')

),

served as (

  select
    c.cost_line_key,
    c.version,
    d.is_current,
    'Usage' as charge_category,
    c.organization_id,
    c.product,
    c.model,
    c.context_window,
    c.cost_type,
    c.token_type,
    c.actor_key,
    c.actor_kind,
    c.actor_id,
    c.actor_email,
    c.amount,
    c.list_amount,
    c.currency,
    c.requests,
    case when d.is_current then case
      when c.token_type = 'uncached_input_tokens' then u.uncached_input_tokens
      when c.token_type = 'output_tokens' then u.output_tokens
      when c.token_type = 'cache_read_input_tokens' then u.cache_read_input_tokens
      when c.token_type = 'cache_creation.ephemeral_5m_input_tokens' then u.cache_creation_5m_input_tokens
      when c.token_type = 'cache_creation.ephemeral_1h_input_tokens' then u.cache_creation_1h_input_tokens
      when c.cost_type = 'web_search' then u.web_search_requests
    end end as quantity,
    case when c.token_type is not null then 'Tokens' when c.cost_type = 'web_search' then 'Searches' end as unit,
    d.is_final,
    d.known_from,
    d.known_until,
    c.data_refreshed_at,
    c.commit_seq,
    c.page,
    c.position,
    c.content_sha256,
    c.day
  from {{ ref('stg_cost_rows') }} as c
  inner join days as d on d.day = c.day and d.version = c.version
  left join counted as u
    on u.day = c.day
    and u.organization_id = coalesce(c.organization_id, '')
    and u.product = coalesce(c.product, '')
    and u.model = coalesce(c.model, '')
    and u.context_window = coalesce(c.context_window, '')
    and u.actor_key = coalesce(c.actor_key, '')

),

missing as (

  select
    'difference_to_total:' || cast(day as varchar) as cost_line_key,
    version,
    is_current,
    'Adjustment' as charge_category,
    cast(null as varchar) as organization_id,
    cast(null as varchar) as product,
    cast(null as varchar) as model,
    cast(null as varchar) as context_window,
    'difference_to_total' as cost_type,
    cast(null as varchar) as token_type,
    cast(null as varchar) as actor_key,
    cast(null as varchar) as actor_kind,
    cast(null as varchar) as actor_id,
    cast(null as varchar) as actor_email,
    total_amount - coalesce(amount, 0) as amount,
    total_list_amount - coalesce(list_amount, 0) as list_amount,
    'USD' as currency,
    cast(null as bigint) as requests,
    cast(null as bigint) as quantity,
    cast(null as varchar) as unit,
    is_final,
    known_from,
    known_until,
    data_refreshed_at,
    commit_seq,
    cast(null as integer) as page,
    cast(null as integer) as position,
    cast(null as varchar) as content_sha256,
    day
  from days
  where total_amount <> coalesce(amount, 0)

),

lines as (

  select * from served
  union all
  select * from missing

)

select
  cost_line_key,
  version,
  is_current,
  charge_category,
  organization_id,
  product,
  model,
  context_window,
  cost_type,
  token_type,
  actor_key,
  actor_kind,
  actor_id,
  actor_email,
  cast(amount as decimal(38, 8)) as amount,
  cast(list_amount as decimal(38, 8)) as list_amount,
  currency,
  requests,
  cast(quantity as decimal(38, 0)) as quantity,
  unit,
  is_final,
  known_from,
  known_until,
  data_refreshed_at,
  commit_seq,
  page,
  position,
  content_sha256,
  day,
  substr(cast(day as varchar), 1, 7) as period
from lines
