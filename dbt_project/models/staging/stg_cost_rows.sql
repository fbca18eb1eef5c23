-- Every version of every cost row, with who it is about. Only federated principals need the record itself, so that it is
-- read for these and for nobody else: it is most of the bytes.
with rows_of_report as (

  select r.*, cast(null as varchar) as actor_authority
  from {{ source('archive', 'cost_row_versions') }} as r
  where r.actor_type is distinct from 'federated_actor'
  union all
  select r.*, {{ actor_authority('r.actor_type', 'r.raw', '$.group.actor') }} as actor_authority
  from {{ source('archive', 'cost_row_versions') }} as r
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
  row_key as cost_line_key,
  day,
  version,
  starting_at,
  organization_id,
  product,
  model,
  context_window,
  cost_type,
  token_type,
  actor_type,
  actor_id,
  email as actor_email,
  actor_deleted,
  actor_authority,
  case when actor_type is not null then actor_kind end as actor_kind,
  case when actor_type is not null
    then {{ actor_key('actor_kind', 'actor_type', 'actor_id', 'actor_suffix', 'email', 'actor_authority') }}
  end as actor_key,
  amount,
  list_amount,
  currency,
  requests,
  data_refreshed_at,
  commit_seq,
  page,
  position,
  content_sha256
from told
