-- title: What did leavers do in the 30 days before they left?
-- about: People whose account was removed in the period, and what they had done before, counted by type.
-- param days: how many days to look back
with leavers as (
  select coalesce(json_extract_scalar(raw, '$.deleted_user_id'), user_id) as person, min(created_at) as left_at
  from audit_events
  where type in ('org_user_deleted', 'scim_user_deleted')
    and created_at >= timestamp '2026-11-01 00:00:00' /*from*/
    and created_at < timestamp '2026-12-01 00:00:00' /*to*/
  group by coalesce(json_extract_scalar(raw, '$.deleted_user_id'), user_id)
)
select l.person, max(e.actor_email) as email, l.left_at, e.type, count(*) as times, min(e.created_at) as first_at,
       max(e.created_at) as last_at
from leavers as l
join audit_events as e on e.actor_id = l.person
where e.created_at <= l.left_at
  and date_diff('day', cast(e.created_at as date), cast(l.left_at as date)) <= 30 /*days*/
group by l.person, l.left_at, e.type
order by l.left_at, l.person, times desc, e.type
