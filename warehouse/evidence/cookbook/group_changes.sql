-- title: Who was put into a group, or taken out?
-- about: Every change of groups and of their members; the members are a list in JSON.
select e.created_at, coalesce(e.actor_email, e.actor_id) as by_whom, e.type, t.outcome, e.group_id,
       json_format(json_extract(e.raw, '$.member_ids')) as members, e.id
from audit_events as e
join event_types as t on t.type = e.type
where t.category = 'group' and t.is_admin_change = 'true'
  and e.created_at >= timestamp '2026-11-01 00:00:00' /*from*/
  and e.created_at < timestamp '2026-12-01 00:00:00' /*to*/
order by e.created_at, e.id
