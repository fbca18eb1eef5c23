-- title: Which records did the vendor change or withdraw after they were archived?
-- about: Versions after the first, with what stood there before. A redaction that was asked for, or something to ask about.
select n.id, n.type, n.created_at, n.version, n.fold, n.observed_at, o.raw as raw_before, n.raw as raw_after
from audit_event_versions as n
join audit_event_versions as o on o.id = n.id and o.version = n.version - 1
where n.version > 1
  and n.created_at >= timestamp '2026-11-01 00:00:00' /*from*/
  and n.created_at < timestamp '2026-12-01 00:00:00' /*to*/
order by n.observed_at, n.id, n.version
