{{ config(materialized='view', event_time='day') }}

-- Each event with its actor's key, the client it came by and whether it succeeded. Every mart of events reads this one
-- view, so that two marts cannot disagree about who, how or with what result.
with told as (

  select
    e.*,
    {{ actor_kind('e.actor_type') }} as actor_kind,
    {{ id_suffix('e.actor_id') }} as actor_suffix,
    lower({{ empty_as_null('e.actor_email') }}) as email,
    {{ agent_client('e.user_agent') }} as agent_client,
    {{ actor_authority('e.actor_type', 'e.raw') }} as actor_authority,
    {{ outcome_value('e.outcome_field', 'e.raw') }} as outcome_value
  from {{ ref('stg_audit_events') }} as e

)

select
  event_id,
  created_at,
  event_type,
  verb,
  object,
  category,
  severity,
  {{ event_outcome('type_outcome', 'outcome_value', 'success_when', 'failure_when') }} as outcome,
  is_login,
  is_admin_change,
  is_self_audit,
  data_movement,
  is_known_type,
  is_unknown_event,
  organization_uuid,
  actor_type,
  actor_kind,
  {{ actor_key('actor_kind', 'actor_type', 'actor_id', 'actor_suffix', 'email', 'actor_authority') }} as actor_key,
  actor_id,
  email as actor_email,
  actor_authority,
  {{ client('agent_client', 'actor_kind') }} as client,
  ip_address,
  user_agent,
  chat_id,
  project_id,
  file_id,
  filename,
  target_user_id,
  group_id,
  session_id,
  auth_method,
  raw,
  observed_at,
  version,
  fold,
  is_withdrawn,
  day
from told
