-- title: Who used administrators' rights?
-- about: Who changed configuration, people, access or credentials, how often and when last. Who can do so has the rights,
-- about: whatever a list says.
select e.actor_type, coalesce(e.actor_email, e.actor_id) as who, count(*) as changes, count(distinct e.type) as kinds,
       min(e.created_at) as first_at, max(e.created_at) as last_at
from audit_events as e
join event_types as t on t.type = e.type
where t.is_admin_change = 'true' and t.outcome = 'success'
  and e.created_at >= timestamp '2026-11-01 00:00:00' /*from*/
  and e.created_at < timestamp '2026-12-01 00:00:00' /*to*/
group by e.actor_type, coalesce(e.actor_email, e.actor_id)
order by changes desc, e.actor_type, who
