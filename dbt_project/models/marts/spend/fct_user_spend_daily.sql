{{ config(
  partitioned_by=(['period'] if target.type == 'athena' else none),
  properties=({'partitioned_by': "array['period']"} if target.type == 'trino' else none)
) }}

-- What everybody cost and used on a day, by product and model, as the vendor says it now. Whoever has several names is one
-- (unified_key); what is about nobody has a row without a key, so the rows add up to the vendor's total.
with matches as (

  select actor_key, unified_key from {{ ref('int_actor_matches') }}

),

measured as (

  select
    actor_key, actor_kind, organization_id, product, model, day,
    amount,
    list_amount,
    case when list_amount is null then 1 else 0 end as unlisted,
    0 as uncached_input_tokens, 0 as cache_creation_tokens, 0 as cache_read_tokens, 0 as output_tokens, 0 as total_tokens,
    0 as web_searches, 0 as requests
  from {{ ref('fct_cost_line') }}
  where is_current
  union all
  select
    actor_key, actor_kind, organization_id, product, model, day,
    cast(0 as decimal(38, 8)) as amount,
    cast(0 as decimal(38, 8)) as list_amount,
    0 as unlisted,
    coalesce(uncached_input_tokens, 0) as uncached_input_tokens,
    coalesce(cache_creation_5m_input_tokens, 0) + coalesce(cache_creation_1h_input_tokens, 0) as cache_creation_tokens,
    coalesce(cache_read_input_tokens, 0) as cache_read_tokens,
    coalesce(output_tokens, 0) as output_tokens,
    coalesce(total_tokens, 0) as total_tokens,
    coalesce(web_search_requests, 0) as web_searches,
    coalesce(requests, 0) as requests
  from {{ ref('stg_usage_rows') }}

),

named as (

  select coalesce(m.unified_key, s.actor_key) as unified_key, s.*
  from measured as s
  left join matches as m on m.actor_key = s.actor_key

)

select
  unified_key,
  case when max(actor_kind) is not null then {{ identity_type('max(actor_kind)') }} end as identity_type,
  organization_id,
  product,
  model,
  cast(sum(amount) as decimal(38, 8)) as amount,
  cast(case when sum(unlisted) = 0 then sum(list_amount) end as decimal(38, 8)) as list_amount,
  cast(sum(uncached_input_tokens) as bigint) as uncached_input_tokens,
  cast(sum(cache_creation_tokens) as bigint) as cache_creation_tokens,
  cast(sum(cache_read_tokens) as bigint) as cache_read_tokens,
  cast(sum(output_tokens) as bigint) as output_tokens,
  cast(sum(total_tokens) as bigint) as total_tokens,
  cast(sum(web_searches) as bigint) as web_searches,
  cast(sum(requests) as bigint) as requests,
  day,
  substr(cast(day as varchar), 1, 7) as period
from named
group by unified_key, organization_id, product, model, day
