-- title: What did one actor do, over a long time?
-- about: Everything under one id, in order of time. Sealed days are sorted by it, so that little is read. For the id of an address of mail ask one_person over a short period first.
-- param actor: an id (user_..., apikey_...)
-- needs: actor
select created_at, type, filename, claude_chat_id, claude_project_id, ip_address, user_agent, fold, id
from audit_events
where actor_id = 'user_01XyDMpzjS89pFZXqSFUBDr6' /*actor*/
  and created_at >= timestamp '2026-11-01 00:00:00' /*from*/
  and created_at < timestamp '2026-12-01 00:00:00' /*to*/
order by created_at, id
