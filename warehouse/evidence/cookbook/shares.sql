-- title: What was shared, with whom?
-- about: Every share, invitation and publication, with the audience or the person where the record names one.
select e.created_at, coalesce(e.actor_email, e.actor_id) as who, e.type,
       coalesce(json_extract_scalar(e.raw, '$.invitee_email'), json_extract_scalar(e.raw, '$.principal_id'),
                json_extract_scalar(e.raw, '$.access_level'), json_extract_scalar(e.raw, '$.new_scope'),
                json_format(json_extract(e.raw, '$.audience'))) as audience,
       e.id
from audit_events as e
join event_types as t on t.type = e.type
where t.data_movement = 'share'
  and e.created_at >= timestamp '2026-11-01 00:00:00' /*from*/
  and e.created_at < timestamp '2026-12-01 00:00:00' /*to*/
order by e.created_at, e.id
