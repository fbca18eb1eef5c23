-- title: Who signed in from an address never used before by that person?
-- about: The first successful sign-in of a person from an address, where the person had signed in from another before.
-- about: The feed has addresses and no countries: look the addresses up with a source that you trust.
with pairs as (
  select e.actor_id, e.ip_address, max(e.actor_email) as email, min(e.created_at) as first_at, count(*) as times
  from audit_events as e
  join event_types as t on t.type = e.type
  where t.is_login = 'true' and t.outcome = 'success' and e.actor_type = 'user_actor'
    and e.ip_address is not null and e.created_at < timestamp '2026-12-01 00:00:00' /*to*/
  group by e.actor_id, e.ip_address
),
people as (
  select actor_id, min(first_at) as known_since from pairs group by actor_id
)
select p.first_at, p.email, p.actor_id, p.ip_address, p.times, o.known_since
from pairs as p
join people as o on o.actor_id = p.actor_id
where p.first_at > o.known_since
  and p.first_at >= timestamp '2026-11-01 00:00:00' /*from*/
order by p.first_at, p.actor_id, p.ip_address
