-- title: Who changed single sign-on, provisioning or the domains?
-- about: Every change of the identity provider's settings, with the value where the record has one.
select e.created_at, coalesce(e.actor_email, e.actor_id) as by_whom, e.type, t.verb,
       json_extract_scalar(e.raw, '$.enabled') as enabled, json_extract_scalar(e.raw, '$.connection_id') as connection,
       json_extract_scalar(e.raw, '$.new_mode') as new_mode, json_extract_scalar(e.raw, '$.domain') as domain_name,
       e.ip_address, e.id
from audit_events as e
join event_types as t on t.type = e.type
where t.category = 'identity_provider' and t.is_admin_change = 'true'
  and e.created_at >= timestamp '2026-11-01 00:00:00' /*from*/
  and e.created_at < timestamp '2026-12-01 00:00:00' /*to*/
order by e.created_at, e.id
