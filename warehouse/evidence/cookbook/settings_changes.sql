-- title: Which settings of the organisation were changed, from what to what?
-- about: Settings of the organisation and of its security. Where the record lists its changes, they are in `updates` as JSON.
select e.created_at, coalesce(e.actor_email, e.actor_id) as by_whom, e.type, t.severity,
       json_extract_scalar(e.raw, '$.previous_value') as value_before,
       json_extract_scalar(e.raw, '$.current_value') as value_after,
       json_format(json_extract(e.raw, '$.updates')) as updates, e.id
from audit_events as e
join event_types as t on t.type = e.type
where t.category in ('organization_settings', 'security_settings') and t.is_admin_change = 'true'
  and e.created_at >= timestamp '2026-11-01 00:00:00' /*from*/
  and e.created_at < timestamp '2026-12-01 00:00:00' /*to*/
order by e.created_at, e.id
