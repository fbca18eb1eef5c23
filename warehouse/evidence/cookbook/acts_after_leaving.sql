-- title: Did somebody act after the account was removed?
-- about: Events of a person later than the first removal of that person's account. A good answer has no rows, or
-- about: people who came back (then their account was made again in between).
with leavers as (
  select coalesce(json_extract_scalar(raw, '$.deleted_user_id'), user_id) as person, min(created_at) as left_at
  from audit_events
  where type in ('org_user_deleted', 'scim_user_deleted')
    and created_at >= timestamp '2026-11-01 00:00:00' /*from*/
    and created_at < timestamp '2026-12-01 00:00:00' /*to*/
  group by coalesce(json_extract_scalar(raw, '$.deleted_user_id'), user_id)
)
select l.person, e.actor_email as email, l.left_at, e.created_at, e.type, e.ip_address, e.id
from leavers as l
join audit_events as e on e.actor_id = l.person
where e.created_at > l.left_at
  and e.created_at < timestamp '2026-12-01 00:00:00' /*to*/
order by e.created_at, e.id
