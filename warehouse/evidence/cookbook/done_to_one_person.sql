-- title: What was done to one person?
-- about: Events of others whose record names the person's id anywhere.
-- param person: the person's id (user_...)
-- needs: person
select created_at, type, coalesce(actor_email, actor_id) as by_whom, raw, id
from audit_events
where strpos(raw, 'user_01XyDMpzjS89pFZXqSFUBDr6' /*person*/) > 0
  and coalesce(actor_id, '') <> 'user_01XyDMpzjS89pFZXqSFUBDr6' /*person*/
  and created_at >= timestamp '2026-11-01 00:00:00' /*from*/
  and created_at < timestamp '2026-12-01 00:00:00' /*to*/
order by created_at, id
