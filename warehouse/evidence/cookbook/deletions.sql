-- title: Who deleted much?
-- about: Successful deletions of chats, files, projects and other things of work, by person and type.
-- param at_least: how many of one type by one person are worth a row
select coalesce(e.actor_email, e.actor_id) as who, e.type, count(*) as times, min(e.created_at) as first_at,
       max(e.created_at) as last_at
from audit_events as e
join event_types as t on t.type = e.type
where t.verb = 'deleted' and t.category in ('content', 'file', 'sharing')
  and e.created_at >= timestamp '2026-11-01 00:00:00' /*from*/
  and e.created_at < timestamp '2026-12-01 00:00:00' /*to*/
group by coalesce(e.actor_email, e.actor_id), e.type
having count(*) >= 5 /*at_least*/
order by times desc, who, e.type
