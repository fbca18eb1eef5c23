-- Who was seen on a day, under which address. The whole history of actors is then a roll-up of this small table:
-- a build reads the events of the days it was given and no others.
select
  actor_key,
  actor_kind,
  actor_type,
  actor_id,
  actor_email as email,
  actor_authority,
  max(case when actor_kind = 'scim_directory' then {{ json_text('raw', '$.actor.idp_connection_type') }} end)
    as directory_type,
  count(*) filter (where not is_withdrawn) as events,
  count(*) filter (where is_withdrawn) as withdrawn_count,
  min(created_at) as first_seen_at,
  max(created_at) as last_seen_at,
  day
from {{ ref('int_audit_events') }}
group by actor_key, actor_kind, actor_type, actor_id, actor_email, actor_authority, day
