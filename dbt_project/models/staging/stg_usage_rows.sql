-- The usage rows as the vendor says them now, with who they are about; see stg_cost_rows.
with rows_of_report as (

  select r.*, cast(null as varchar) as actor_authority
  from {{ source('archive', 'usage_rows') }} as r
  where r.actor_type is distinct from 'federated_actor'
  union all
  select r.*, {{ actor_authority('r.actor_type', 'r.raw', '$.group.actor') }} as actor_authority
  from {{ source('archive', 'usage_rows') }} as r
  where r.actor_type = 'federated_actor'

),

told as (

  select
    r.*,
    {{ actor_kind('r.actor_type') }} as actor_kind,
    {{ id_suffix('r.actor_id') }} as actor_suffix,
    lower({{ empty_as_null('r.actor_email') }}) as email
  from rows_of_report as r

)

select
  day,
  starting_at,
  organization_id,
  product,
  model,
  context_window,
  actor_type,
  actor_id,
  email as actor_email,
  actor_deleted,
  actor_authority,
  case when actor_type is not null then actor_kind end as actor_kind,
  case when actor_type is not null
    then {{ actor_key('actor_kind', 'actor_type', 'actor_id', 'actor_suffix', 'email', 'actor_authority') }}
  end as actor_key,
  uncached_input_tokens,
  cache_creation_5m_input_tokens,
  cache_creation_1h_input_tokens,
  cache_read_input_tokens,
  output_tokens,
  total_tokens,
  web_search_requests,
  requests,
  commit_seq
from told
