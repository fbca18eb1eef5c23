-- title: What kinds of data moved, which way, and how often?
-- about: Exports, downloads, uploads, shares and shares taken back, by kind of event and outcome.
select t.data_movement as movement, e.type, t.outcome, count(*) as events,
       count(distinct coalesce(e.actor_email, e.actor_id)) as actors, min(e.created_at) as first_at,
       max(e.created_at) as last_at
from audit_events as e
join event_types as t on t.type = e.type
where t.data_movement in ('export', 'download', 'upload', 'share', 'unshare')
  and e.created_at >= timestamp '2026-11-01 00:00:00' /*from*/
  and e.created_at < timestamp '2026-12-01 00:00:00' /*to*/
group by t.data_movement, e.type, t.outcome
order by movement, events desc, e.type, t.outcome
