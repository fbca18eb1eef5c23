-- title: Who had administrators' rights at a moment?
-- about: From the records of changed roles: the role that the last change before the moment gave, else the one that
-- about: the first change after it took away. Whose role was never changed since recording began is not in the feed:
-- about: compare with the list of members, and with who_acted_as_admin.
-- param moment: the moment that is asked about
-- needs: moment
with changes as (
  select user_id, lower(json_extract_scalar(raw, '$.user_email')) as email, created_at, id,
         json_extract_scalar(raw, '$.previous_role') as role_before,
         json_extract_scalar(raw, '$.current_role') as role_after
  from audit_events
  where type = 'claude_user_role_updated' and user_id is not null
),
known as (
  select user_id, email, role_after as role, created_at as changed_at, 'the last change before' as known_from,
         row_number() over (partition by user_id order by created_at desc, id desc) as place
  from changes
  where created_at <= timestamp '2026-11-15 00:00:00' /*moment*/
  union all
  select user_id, email, role_before as role, created_at as changed_at, 'the first change after' as known_from,
         row_number() over (partition by user_id order by created_at, id) as place
  from changes
  where created_at > timestamp '2026-11-15 00:00:00' /*moment*/
    and user_id not in (
      select user_id from changes where created_at <= timestamp '2026-11-15 00:00:00' /*moment*/
    )
)
select user_id, email, role, changed_at, known_from
from known
where place = 1
  and role in ('admin', 'owner', 'primary_owner', 'membership_admin', 'parent_org_admin', 'parent_org_owner')
order by email, user_id
