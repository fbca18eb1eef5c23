-- title: Who worked at night?
-- about: People with events between midnight and five o'clock UTC, by day. People in other time zones work then by day.
-- param at_least: how many events in one night are worth a row
select cast(created_at as date) as on_day, actor_id, max(actor_email) as email, count(*) as events,
       count(distinct type) as kinds, min(created_at) as first_at, max(created_at) as last_at
from audit_events
where actor_type = 'user_actor' and extract(hour from created_at) < 5
  and created_at >= timestamp '2026-11-01 00:00:00' /*from*/
  and created_at < timestamp '2026-12-01 00:00:00' /*to*/
group by cast(created_at as date), actor_id
having count(*) >= 50 /*at_least*/
order by events desc, on_day, actor_id
