-- title: Who exported unusually much within one hour?
-- about: People and keys with at least so many exports and downloads in one hour of the clock (UTC).
-- param at_least: how many in one hour are unusual
select date_trunc('hour', e.created_at) as in_hour, coalesce(e.actor_email, e.actor_id) as who, count(*) as movements,
       count(distinct e.filename) as files, min(e.created_at) as first_at, max(e.created_at) as last_at
from audit_events as e
join event_types as t on t.type = e.type
where t.data_movement in ('export', 'download')
  and e.created_at >= timestamp '2026-11-01 00:00:00' /*from*/
  and e.created_at < timestamp '2026-12-01 00:00:00' /*to*/
group by date_trunc('hour', e.created_at), coalesce(e.actor_email, e.actor_id)
having count(*) >= 20 /*at_least*/
order by movements desc, in_hour, who
