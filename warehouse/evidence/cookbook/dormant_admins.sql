-- title: Which administrators have not been seen for a long time?
-- about: People who ever changed configuration, people, access or credentials, and did nothing at all in the days before
-- about: the end of the period. Their rights are for somebody to look at.
-- param days: how many days without any event
select e.actor_id, max(e.actor_email) as email, max(e.created_at) as last_seen_at,
       max(case when t.is_admin_change = 'true' then e.created_at end) as last_change_at,
       count(case when t.is_admin_change = 'true' then 1 end) as changes
from audit_events as e
left join event_types as t on t.type = e.type
where e.actor_type = 'user_actor' and e.actor_id is not null
  and e.created_at < timestamp '2026-12-01 00:00:00' /*to*/
group by e.actor_id
having count(case when t.is_admin_change = 'true' then 1 end) > 0
   and date_diff('day', cast(max(e.created_at) as date), cast(timestamp '2026-12-01 00:00:00' /*to*/ as date)) >= 30 /*days*/
order by last_seen_at, e.actor_id
