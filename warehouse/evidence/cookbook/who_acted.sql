-- title: Who acted, and how much?
-- about: Each actor of the period, people and keys and the vendor's own, with how often and when.
select e.actor_type, coalesce(e.actor_email, e.actor_id) as who, count(*) as events, count(distinct e.type) as kinds,
       count(case when t.is_admin_change = 'true' then 1 end) as admin_changes,
       count(case when t.data_movement in ('export', 'download') then 1 end) as taken_out,
       min(e.created_at) as first_at, max(e.created_at) as last_at
from audit_events as e
left join event_types as t on t.type = e.type
where e.created_at >= timestamp '2026-11-01 00:00:00' /*from*/
  and e.created_at < timestamp '2026-12-01 00:00:00' /*to*/
group by e.actor_type, coalesce(e.actor_email, e.actor_id)
order by events desc, e.actor_type, who
