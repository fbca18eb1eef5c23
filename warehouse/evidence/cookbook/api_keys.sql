-- title: Which keys were made, by whom, with what scopes, and which of them are deleted?
-- about: Keys that the feed saw being made before the end of the period. Keys from before recording began are not here.
with made as (
  select coalesce(json_extract_scalar(raw, '$.api_key_id'), json_extract_scalar(raw, '$.admin_api_key_id')) as key_id,
         type, created_at, coalesce(actor_email, actor_id) as by_whom,
         json_format(json_extract(raw, '$.scopes')) as scopes, ip_address, id
  from audit_events
  where type in ('admin_api_key_created', 'api_key_created', 'platform_api_key_created')
    and created_at < timestamp '2026-12-01 00:00:00' /*to*/
),
deleted as (
  select coalesce(json_extract_scalar(raw, '$.api_key_id'), json_extract_scalar(raw, '$.admin_api_key_id')) as key_id,
         min(created_at) as deleted_at
  from audit_events
  where type in ('admin_api_key_deleted', 'scoped_api_key_deleted')
    and created_at < timestamp '2026-12-01 00:00:00' /*to*/
  group by coalesce(json_extract_scalar(raw, '$.api_key_id'), json_extract_scalar(raw, '$.admin_api_key_id'))
)
select m.key_id, m.type, m.created_at, m.by_whom, m.scopes, m.ip_address, d.deleted_at, m.id
from made as m
left join deleted as d on d.key_id = m.key_id and d.deleted_at >= m.created_at
order by m.created_at, m.id
