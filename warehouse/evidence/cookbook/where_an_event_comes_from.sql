-- title: Where does one event come from?
-- about: From each version of an event to the answer of the vendor's API that held it, its hash, and the entry of the log.
-- param event: the event's id (activity_...)
-- needs: event
select e.id, e.version, e.fold, p.request_id, p.requested_at, p.query, e.page, e.position, p.key, p.body_sha256,
       p.records_root, e.commit_seq, e.observed_at
from audit_event_versions as e
left join audit_pages as p on p.commit_seq = e.commit_seq and p.page = e.page
where e.id = 'activity_01QeT4mJc7pRs9VwXy2ZaBdF' /*event*/
order by e.version, e.commit_seq
