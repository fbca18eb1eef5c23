-- title: Who signed in without single sign-on?
-- about: Successful sign-ins of people by any other way, with the second factor that the record names.
select e.created_at, e.actor_email as email, e.type, e.auth_method,
       json_extract_scalar(e.raw, '$.mfa_method') as mfa_method, e.ip_address, e.user_agent, e.id
from audit_events as e
join event_types as t on t.type = e.type
where t.is_login = 'true' and t.outcome = 'success' and e.actor_type = 'user_actor'
  and e.type <> 'sso_login_succeeded'
  and e.created_at >= timestamp '2026-11-01 00:00:00' /*from*/
  and e.created_at < timestamp '2026-12-01 00:00:00' /*to*/
order by e.created_at, e.id
