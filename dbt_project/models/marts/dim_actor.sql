-- Everybody and everything that any source speaks of, one row each, under a key that survives a change of e-mail
-- address; unified_key says which of them are the same. Who left stays.
with days as (

  select * from {{ ref('int_actor_days') }}

),

sightings as (

  select * from {{ ref('int_actor_sightings') }}

),

matches as (

  select * from {{ ref('int_actor_matches') }}

),

-- How an actor looked last: the newest appearance wins, ties by id so that two builds agree.
latest as (

  select
    actor_key,
    actor_type,
    actor_id,
    authority,
    row_number() over (
      partition by actor_key
      order by last_seen_at desc, case when actor_id is null then 1 else 0 end, actor_id, actor_type, authority, email,
               source
    ) as recency
  from sightings

),

-- The address that the directory gives now comes before the one that was last seen.
addresses as (

  select
    actor_key,
    email,
    row_number() over (
      partition by actor_key
      order by max(case when source = 'directory_users' and said_status = 'active' then 1 else 0 end) desc,
               max(last_seen_at) desc, email
    ) as recency
  from sightings
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
    cast(sum(events) as bigint) as events,
    cast(sum(withdrawn_count) as bigint) as withdrawn_count,
    count(distinct case when events > 0 then day end) as active_days,
    min(first_seen_at) as first_seen_at,
    max(last_seen_at) as last_seen_at
  from days
  group by actor_key

),

known as (

  select
    actor_key,
    {{ sorted_set('source') }} as seen_in,
    max(owner_key) as owner_key,
    min(case when source = 'cost' then cast(first_seen_at as date) end) as first_cost_on,
    max(case when source = 'cost' then cast(last_seen_at as date) end) as last_cost_on
  from sightings
  group by actor_key

),

-- Whose word counts: the directory's newest snapshot, else the newest row of cost or usage.
said as (

  select
    actor_key,
    said_status,
    case when source = 'directory_users' and said_status = 'left' then cast(last_seen_at as date) end as left_on,
    row_number() over (
      partition by actor_key
      order by case when source in ('cost', 'usage') then 1 else 0 end, last_seen_at desc,
               case said_status when 'deleted' then 0 when 'left' then 1 else 2 end, source
    ) as recency
  from sightings
  where said_status is not null

),

-- The directory forgets people; that an account is deleted and not merely left, only cost and usage say.
deleted as (

  select actor_key
  from sightings
  where source in ('cost', 'usage') and said_status = 'deleted'
  group by actor_key

),

accounts as (

  select
    m.unified_key,
    case when count(distinct s.account_uuid) = 1 then min(s.account_uuid) end as account_uuid
  from sightings as s
  inner join matches as m on m.actor_key = s.actor_key
  where s.account_uuid is not null
  group by m.unified_key

),

-- An address that exactly one user has ever had tells whose failed login it was; one that two have had tells nothing.
owners as (

  select
    a.email,
    min(m.unified_key) as user_key
  from addresses as a
  inner join matches as m on m.actor_key = a.actor_key
  where m.actor_kind = 'user'
  group by a.email
  having count(distinct m.unified_key) = 1

)

select
  m.actor_key,
  case when m.actor_kind = 'user' then m.actor_key end as user_key,
  m.actor_kind,
  l.actor_type,
  l.actor_id,
  case
    when m.actor_kind in ('federated_identity', 'federated_workload', 'device', 'system') then l.actor_id
    else {{ id_suffix('l.actor_id') }}
  end as id_suffix,
  case when m.actor_kind = 'user' then l.actor_id end as user_id,
  case when m.actor_kind = 'api_key' then l.actor_id end as api_key_id,
  case when m.actor_kind = 'admin_api_key' then l.actor_id end as admin_api_key_id,
  case when m.actor_kind = 'service_account' then l.actor_id end as service_account_id,
  l.authority,
  e.latest_email,
  e.all_emails,
  coalesce(e.email_count, 0) as email_count,
  case when m.actor_kind = 'unauthenticated' then o.user_key end as probable_user_key,
  coalesce(t.events, 0) as events,
  coalesce(t.withdrawn_count, 0) as withdrawn_count,
  coalesce(t.active_days, 0) as active_days,
  t.first_seen_at,
  t.last_seen_at,
  m.unified_key,
  m.match_level,
  m.match_reason,
  {{ identity_type('m.actor_kind') }} as identity_type,
  case
    when s.said_status = 'left' and d.actor_key is not null then 'deleted'
    else coalesce(s.said_status, 'unknown')
  end as status,
  s.left_on,
  case when m.actor_kind = 'workspace' then l.actor_id end as workspace_id,
  case when m.actor_kind = 'user' then a.account_uuid end as account_uuid,
  k.owner_key,
  k.seen_in,
  k.first_cost_on,
  k.last_cost_on
from matches as m
inner join latest as l on l.actor_key = m.actor_key and l.recency = 1
inner join known as k on k.actor_key = m.actor_key
left join totals as t on t.actor_key = m.actor_key
left join emails as e on e.actor_key = m.actor_key
left join said as s on s.actor_key = m.actor_key and s.recency = 1
left join deleted as d on d.actor_key = m.actor_key
left join accounts as a on a.unified_key = m.actor_key
left join owners as o on o.email = e.latest_email
