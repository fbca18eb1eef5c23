-- title: What was shared with everybody?
-- about: Shares that open a project, an artifact, a session or a design to the public, by link or by audience.
select e.created_at, coalesce(e.actor_email, e.actor_id) as who, e.type,
       coalesce(e.claude_project_id, json_extract_scalar(e.raw, '$.claude_artifact_id'),
                json_extract_scalar(e.raw, '$.claude_published_artifact_id'), json_extract_scalar(e.raw, '$.share_id'),
                json_extract_scalar(e.raw, '$.design_project_id')) as object_id,
       e.ip_address, e.id
from audit_events as e
join event_types as t on t.type = e.type
where t.data_movement = 'share'
  and (json_extract_scalar(e.raw, '$.access_level') = 'public'
       or json_extract_scalar(e.raw, '$.is_public') = 'true'
       or json_extract_scalar(e.raw, '$.new_mode') = 'public'
       or json_extract_scalar(e.raw, '$.new_scope') = 'public'
       or json_extract_scalar(e.raw, '$.audience[0].type') = 'public'
       or json_extract_scalar(e.raw, '$.audience[1].type') = 'public'
       or e.type in ('claude_artifact_published', 'design_project_published'))
  and e.created_at >= timestamp '2026-11-01 00:00:00' /*from*/
  and e.created_at < timestamp '2026-12-01 00:00:00' /*to*/
order by e.created_at, e.id
