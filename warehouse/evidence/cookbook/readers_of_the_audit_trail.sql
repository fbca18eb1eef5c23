-- title: Who reads the audit trail itself?
-- about: Each use of the Compliance API leaves a record. Ledgerline's own agent begins with `ledgerline/`; a caller that
-- about: nobody knows holds a key to everybody's audit trail. `refused` counts answers of 400 and more.
select actor_id as key_id, ip_address, user_agent, count(*) as requests,
       count(case when cast(json_extract_scalar(raw, '$.status_code') as integer) >= 400 then 1 end) as refused,
       min(created_at) as first_at, max(created_at) as last_at
from audit_events
where type = 'compliance_api_accessed'
  and created_at >= timestamp '2026-11-01 00:00:00' /*from*/
  and created_at < timestamp '2026-12-01 00:00:00' /*to*/
group by actor_id, ip_address, user_agent
order by requests desc, key_id, ip_address, user_agent
