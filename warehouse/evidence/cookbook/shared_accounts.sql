-- title: Who was seen at several addresses on one day?
-- about: People with at least so many different addresses on a UTC day: an account that is shared, or somebody who travels.
-- param at_least: how many addresses on one day are unusual
select cast(created_at as date) as on_day, actor_id, max(actor_email) as email, count(distinct ip_address) as addresses,
       count(*) as events
from audit_events
where actor_type = 'user_actor' and ip_address is not null
  and created_at >= timestamp '2026-11-01 00:00:00' /*from*/
  and created_at < timestamp '2026-12-01 00:00:00' /*to*/
group by cast(created_at as date), actor_id
having count(distinct ip_address) >= 3 /*at_least*/
order by on_day, addresses desc, actor_id
