-- One row per login attempt, success or failure. Withdrawn events stay, marked.
with events as (

  select * from {{ ref('int_audit_events') }}
  where is_login

)

select
  event_id,
  created_at,
  event_type,
  outcome,
  coalesce(auth_method, case
    when event_type like '%sso%' then 'sso'
    when event_type like '%magic_link%' then 'magic_link'
    when event_type like 'social%' then 'social'
    when event_type like '%mobile_login%' then 'anonymous_mobile'
    when event_type like 'lti%' then 'lti'
    when event_type like '%federated%' then 'federation'
    when event_type like '%attest%' then 'device_attestation'
    else 'other'
  end) as method,
  {{ json_text('raw', '$.mfa_method') }} as mfa_method,
  {{ json_text('raw', '$.provider') }} as provider,
  coalesce({{ json_text('raw', '$.reason') }}, {{ json_text('raw', '$.status.reason') }},
           {{ json_text('raw', '$.status.detail') }}) as reason,
  actor_key,
  actor_kind,
  actor_email as email,
  ip_address,
  user_agent,
  client,
  organization_uuid,
  is_withdrawn,
  fold,
  version,
  observed_at,
  day
from events
