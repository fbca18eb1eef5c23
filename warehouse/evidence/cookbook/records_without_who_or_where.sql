-- title: Do records say who, when, where and what?
-- about: How many events of each kind of actor have an id, an address of the network and a program. The vendor leaves
-- about: these out for some kinds of actors (itself, the directory, the system).
select actor_type, count(*) as events, count(actor_id) as with_id, count(ip_address) as with_address,
       count(user_agent) as with_program, count(organization_uuid) as with_organization
from audit_events
where created_at >= timestamp '2026-11-01 00:00:00' /*from*/
  and created_at < timestamp '2026-12-01 00:00:00' /*to*/
group by actor_type
order by events desc, actor_type
