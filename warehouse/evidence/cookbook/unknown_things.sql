-- title: Which events, fields and values has nobody listed?
-- about: Kept and tagged, with the verbatim record. What they mean is for somebody to find out.
select created_at, type, actor_type, coalesce(actor_email, actor_id) as who, unknown_event, unknown_fields, raw, id
from audit_events
where (unknown_event or unknown_fields is not null)
  and created_at >= timestamp '2026-11-01 00:00:00' /*from*/
  and created_at < timestamp '2026-12-01 00:00:00' /*to*/
order by created_at, id
