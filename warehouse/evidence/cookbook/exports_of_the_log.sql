-- title: Who exported the audit log, the members or the organisation's data?
-- about: Exports of whole bodies of data, started, completed and fetched.
select e.created_at, coalesce(e.actor_email, e.actor_id) as who, e.type,
       json_extract_scalar(e.raw, '$.export_type') as export_type, json_extract_scalar(e.raw, '$.from_date') as from_date,
       json_extract_scalar(e.raw, '$.to_date') as to_date, e.ip_address, e.id
from audit_events as e
where e.type in ('audit_log_export_started', 'audit_log_export_accessed', 'org_data_export_started',
                 'org_data_export_completed', 'org_data_export_accessed', 'org_members_exported')
  and e.created_at >= timestamp '2026-11-01 00:00:00' /*from*/
  and e.created_at < timestamp '2026-12-01 00:00:00' /*to*/
order by e.created_at, e.id
