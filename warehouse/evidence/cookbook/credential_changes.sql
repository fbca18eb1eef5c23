-- title: Which credentials were changed, rotated or taken away?
-- about: Every change of a key, a service account, an issuer or a rule of federation, an application.
select e.created_at, coalesce(e.actor_email, e.actor_id) as by_whom, e.type, t.verb, t.object, e.ip_address, e.id
from audit_events as e
join event_types as t on t.type = e.type
where t.category = 'credential' and t.is_admin_change = 'true'
  and e.created_at >= timestamp '2026-11-01 00:00:00' /*from*/
  and e.created_at < timestamp '2026-12-01 00:00:00' /*to*/
order by e.created_at, e.id
