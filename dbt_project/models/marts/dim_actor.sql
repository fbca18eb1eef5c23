-- Everybody and everything that ever acted, one row each, under a key that survives a change of e-mail address.
with days as (

  select * from {{ ref('int_actor_days') }}

),

-- How an actor looked last: the newest appearance wins, ties by id so that two builds agree.
latest as (

  select
    actor_key,
    actor_type,
    actor_id,
    actor_authority,
    directory_type,
    row_number() over (
      partition by actor_key
      order by last_seen_at desc, case when actor_id is null then 1 else 0 end, actor_id, actor_type, actor_authority,
               email, directory_type
    ) as recency
  from days

),

addresses as (

  select
    actor_key,
    email,
    row_number() over (partition by actor_key order by max(last_seen_at) desc, email) as recency
  from days
  where email is not null
  group by actor_key, email

),

emails as (

  select
    actor_key,
    max(case when recency = 1 then email end) as latest_email,
    {{ sorted_set('email') }} as all_emails,
    count(*) as email_count
  from addresses
  group by actor_key

),

totals as (

  select
    actor_key,
    actor_kind,
    cast(sum(events) as bigint) as events,
    cast(sum(withdrawn_count) as bigint) as withdrawn_count,
    count(distinct case when events > 0 then day end) as active_days,
    min(first_seen_at) as first_seen_at,
    max(last_seen_at) as last_seen_at
  from days
  group by actor_key, actor_kind

),

-- An address that exactly one user has ever had tells whose failed login it was; one that two have had tells nothing.
owners as (

  select
    email,
    min(actor_key) as user_key
  from addresses
  where actor_key like 'user:%'
  group by email
  having count(distinct actor_key) = 1

)

select
  t.actor_key,
  case when t.actor_kind = 'user' then t.actor_key end as user_key,
  t.actor_kind,
  l.actor_type,
  l.actor_id,
  case
    when t.actor_kind in ('federated_identity', 'federated_workload', 'device', 'system') then l.actor_id
    else {{ id_suffix('l.actor_id') }}
  end as id_suffix,
  case when t.actor_kind = 'user' then l.actor_id end as user_id,
  case when t.actor_kind = 'api_key' then l.actor_id end as api_key_id,
  case when t.actor_kind = 'admin_api_key' then l.actor_id end as admin_api_key_id,
  case when t.actor_kind = 'service_account' then l.actor_id end as service_account_id,
  coalesce(l.actor_authority, l.directory_type) as authority,
  e.latest_email,
  e.all_emails,
  coalesce(e.email_count, 0) as email_count,
  case when t.actor_kind = 'unauthenticated' then o.user_key end as probable_user_key,
  t.events,
  t.withdrawn_count,
  t.active_days,
  t.first_seen_at,
  t.last_seen_at
from totals as t
inner join latest as l on t.actor_key = l.actor_key and l.recency = 1
left join emails as e on t.actor_key = e.actor_key
left join owners as o on e.latest_email = o.email
