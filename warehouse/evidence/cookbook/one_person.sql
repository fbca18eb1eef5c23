-- title: What did one person do?
-- about: Everything under one address of mail or one id, in order of time.
-- param person: an address of mail in lower case, or an id (user_..., apikey_...)
-- needs: person
select created_at, type, filename, claude_chat_id, claude_project_id, ip_address, user_agent, fold, id
from audit_events
where (lower(actor_email) = 'ana.silva@example.com' /*person*/ or actor_id = 'ana.silva@example.com' /*person*/)
  and created_at >= timestamp '2026-11-01 00:00:00' /*from*/
  and created_at < timestamp '2026-12-01 00:00:00' /*to*/
order by created_at, id
