-- title: Whose account was removed, by whom?
-- about: Removals by an administrator, by the directory, and by the person.
select e.created_at, coalesce(e.actor_email, e.actor_id) as by_whom, e.type,
       coalesce(json_extract_scalar(e.raw, '$.deleted_user_id'), e.user_id, e.actor_id) as person,
       json_extract_scalar(e.raw, '$.deleted_user_email') as email, e.id
from audit_events as e
where e.type in ('org_user_deleted', 'scim_user_deleted', 'org_user_left', 'account_deleted')
  and e.created_at >= timestamp '2026-11-01 00:00:00' /*from*/
  and e.created_at < timestamp '2026-12-01 00:00:00' /*to*/
order by e.created_at, e.id
