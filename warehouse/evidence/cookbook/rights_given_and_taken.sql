-- title: Which roles and rights were given or taken, by whom?
-- about: Every change of a role, a permission, a membership of a workspace or an assignment.
select e.created_at, coalesce(e.actor_email, e.actor_id) as by_whom, e.type, t.verb,
       coalesce(e.user_id, json_extract_scalar(e.raw, '$.principal_id'), json_extract_scalar(e.raw, '$.target_id'),
                json_extract_scalar(e.raw, '$.new_owner_id')) as whose,
       coalesce(json_extract_scalar(e.raw, '$.previous_role'), '') as role_before,
       coalesce(json_extract_scalar(e.raw, '$.current_role'), json_extract_scalar(e.raw, '$.role'),
                json_extract_scalar(e.raw, '$.role_id'), '') as role_after,
       e.id
from audit_events as e
join event_types as t on t.type = e.type
where t.category = 'access_control' and t.is_admin_change = 'true'
  and e.created_at >= timestamp '2026-11-01 00:00:00' /*from*/
  and e.created_at < timestamp '2026-12-01 00:00:00' /*to*/
order by e.created_at, e.id
