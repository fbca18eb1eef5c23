-- title: Who took data out?
-- about: Every export and every download of data, one row each, with where it went and whether it worked.
-- about: Files shown on a screen and copied by hand are in no log.
select e.created_at, coalesce(e.actor_email, e.actor_id) as who, e.type, t.data_movement as movement, t.outcome,
       e.filename, json_extract_scalar(e.raw, '$.export_destination') as destination,
       json_extract_scalar(e.raw, '$.export_type') as export_type, e.ip_address, e.id
from audit_events as e
join event_types as t on t.type = e.type
where t.data_movement in ('export', 'download')
  and e.created_at >= timestamp '2026-11-01 00:00:00' /*from*/
  and e.created_at < timestamp '2026-12-01 00:00:00' /*to*/
order by e.created_at, e.id
