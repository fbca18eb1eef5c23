-- title: Who was invited, by whom, as what?
-- about: Invitations that were sent or sent again, with the role and the seat that they carry.
select e.created_at, coalesce(e.actor_email, e.actor_id) as by_whom, e.type,
       lower(json_extract_scalar(e.raw, '$.invited_email')) as invited,
       json_extract_scalar(e.raw, '$.invited_role') as role, json_extract_scalar(e.raw, '$.invited_seat_tier') as seat,
       e.id
from audit_events as e
where e.type in ('org_user_invite_sent', 'org_user_invite_re_sent')
  and e.created_at >= timestamp '2026-11-01 00:00:00' /*from*/
  and e.created_at < timestamp '2026-12-01 00:00:00' /*to*/
order by e.created_at, e.id
