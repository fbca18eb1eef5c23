-- One row per event by which data came in, went out or was opened to somebody: uploads, downloads, exports, shares and
-- the taking back of shares. Withdrawn events stay, marked.
with events as (

  select * from {{ ref('int_audit_events') }}
  where data_movement is not null

)

select
  event_id,
  created_at,
  event_type,
  data_movement as movement,
  verb,
  object,
  severity,
  outcome,
  coalesce(
    file_id,
    {{ json_text('raw', '$.file_id') }},
    {{ json_text('raw', '$.claude_project_document_id') }},
    {{ json_text('raw', '$.claude_artifact_id') }},
    {{ json_text('raw', '$.claude_published_artifact_id') }},
    {{ json_text('raw', '$.claude_chat_snapshot_id') }},
    {{ json_text('raw', '$.share_id') }},
    {{ json_text('raw', '$.design_project_id') }},
    {{ json_text('raw', '$.scan_project_id') }},
    {{ json_text('raw', '$.skill_id') }},
    {{ json_text('raw', '$.plugin_id') }},
    {{ json_text('raw', '$.resource_id') }},
    chat_id,
    project_id,
    group_id
  ) as object_id,
  coalesce(filename, {{ json_text('raw', '$.title') }}) as object_name,
  chat_id,
  project_id,
  coalesce({{ json_text('raw', '$.export_destination') }}, {{ json_text('raw', '$.invitee_email') }},
           {{ json_text('raw', '$.principal_id') }}) as destination,
  coalesce({{ json_text('raw', '$.new_scope') }}, {{ json_text('raw', '$.new_mode') }},
           {{ json_text('raw', '$.access_level') }}, {{ json_text('raw', '$.role') }},
           {{ json_value('raw', '$.audience') }}) as audience,
  {{ json_text('raw', '$.export_type') }} as export_type,
  {{ json_text('raw', '$.from_date') }} as range_from,
  {{ json_text('raw', '$.to_date') }} as range_to,
  actor_key,
  actor_kind,
  actor_email,
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
