-- title: Which sign-ins failed, from where?
-- about: Failures by address and by the address of mail that was claimed, most frequent first.
select e.ip_address, e.actor_email as claimed, e.type, count(*) as failures, min(e.created_at) as first_at,
       max(e.created_at) as last_at
from audit_events as e
join event_types as t on t.type = e.type
where t.is_login = 'true' and t.outcome = 'failure'
  and e.created_at >= timestamp '2026-11-01 00:00:00' /*from*/
  and e.created_at < timestamp '2026-12-01 00:00:00' /*to*/
group by e.ip_address, e.actor_email, e.type
order by failures desc, e.type, first_at
