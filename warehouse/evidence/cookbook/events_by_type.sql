-- title: Which kinds of events are recorded at all?
-- about: Every type that occurred, with its category, how often, and by how many.
select e.type, coalesce(t.category, 'unknown') as category, coalesce(t.severity, 'medium') as severity,
       count(*) as events, count(distinct e.actor_id) as actors, min(e.created_at) as first_at, max(e.created_at) as last_at
from audit_events as e
left join event_types as t on t.type = e.type
where e.created_at >= timestamp '2026-11-01 00:00:00' /*from*/
  and e.created_at < timestamp '2026-12-01 00:00:00' /*to*/
group by e.type, coalesce(t.category, 'unknown'), coalesce(t.severity, 'medium')
order by events desc, e.type
