-- title: What happened that deserves a look?
-- about: Events of high or critical severity in our list of types.
select e.created_at, t.severity, e.type, t.category, coalesce(e.actor_email, e.actor_id) as who, e.ip_address, e.id
from audit_events as e
join event_types as t on t.type = e.type
where t.severity in ('high', 'critical')
  and e.created_at >= timestamp '2026-11-01 00:00:00' /*from*/
  and e.created_at < timestamp '2026-12-01 00:00:00' /*to*/
order by e.created_at, e.id
