-- title: Was the recording of activities ever switched off?
-- about: Each record of the switch, with how long it was until the next one. What was done between `false` and the next
-- about: `true` is in no log.
select created_at, coalesce(actor_email, actor_id) as by_whom,
       json_extract_scalar(raw, '$.compliance_api_enabled') as api_enabled,
       json_extract_scalar(raw, '$.compliance_api_logging_enabled') as logging_enabled,
       lead(created_at) over (order by created_at, id) as next_record_at, ip_address, id
from audit_events
where type = 'org_compliance_api_settings_updated'
  and created_at >= timestamp '2026-11-01 00:00:00' /*from*/
  and created_at < timestamp '2026-12-01 00:00:00' /*to*/
order by created_at, id
