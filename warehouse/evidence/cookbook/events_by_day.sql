-- title: How many events are there of each day?
-- about: Events, kinds and people by UTC day, withdrawn ones apart. A day that is much smaller than its like is worth a look.
select cast(created_at as date) as on_day, count(*) as events, count(distinct type) as kinds,
       count(distinct case when actor_type = 'user_actor' then actor_id end) as people,
       count(case when fold = 'withdrawn' then 1 end) as withdrawn, min(created_at) as first_at, max(created_at) as last_at
from audit_events
where created_at >= timestamp '2026-11-01 00:00:00' /*from*/
  and created_at < timestamp '2026-12-01 00:00:00' /*to*/
group by cast(created_at as date)
order by on_day
