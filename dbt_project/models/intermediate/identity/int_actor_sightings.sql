{{ config(materialized='table') }}

-- Who each source speaks of: one row per source, actor, id, address and account, with when it was first and last seen.
-- Every source that names somebody adds a select here and nothing else.
with feed as (

  select
    'activity_feed' as source,
    actor_key, actor_kind, actor_type, actor_id, email,
    cast(null as varchar) as account_uuid,
    coalesce(actor_authority, directory_type) as authority,
    cast(null as varchar) as said_status,
    cast(null as varchar) as owner_key,
    first_seen_at, last_seen_at
  from {{ ref('int_actor_days') }}

),

-- All versions, so that whom a restatement took out is still somebody.
cost as (

  select
    'cost' as source,
    actor_key, actor_kind, actor_type, actor_id, actor_email as email,
    cast(null as varchar) as account_uuid,
    actor_authority as authority,
    -- The vendor keeps the address of who left, and takes it from an account that was deleted.
    case when not actor_deleted then 'active' when actor_email is null then 'deleted' when actor_deleted then 'left' end
      as said_status,
    cast(null as varchar) as owner_key,
    starting_at as first_seen_at, starting_at as last_seen_at
  from {{ ref('stg_cost_rows') }}
  where actor_key is not null

),

usage as (

  select
    'usage' as source,
    actor_key, actor_kind, actor_type, actor_id, actor_email as email,
    cast(null as varchar) as account_uuid,
    actor_authority as authority,
    case when not actor_deleted then 'active' when actor_email is null then 'deleted' when actor_deleted then 'left' end
      as said_status,
    cast(null as varchar) as owner_key,
    starting_at as first_seen_at, starting_at as last_seen_at
  from {{ ref('stg_usage_rows') }}
  where actor_key is not null

),

-- A version holds from its snapshot to the next one that differs; that of a leaver only ends the one before.
members as (

  select
    id,
    lower({{ empty_as_null('email') }}) as email,
    fold,
    observed_at,
    lead(observed_at) over (partition by record_key order by version) as next_at
  from {{ source('archive', 'directory_user_versions') }}

),

directory_users as (

  select
    'directory_users' as source,
    'user:' || coalesce({{ id_suffix('id') }}, '') as actor_key, 'user' as actor_kind, 'user_actor' as actor_type,
    id as actor_id, email,
    cast(null as varchar) as account_uuid,
    cast(null as varchar) as authority,
    case when next_at is null then case when fold = 'withdrawn' then 'left' else 'active' end end as said_status,
    cast(null as varchar) as owner_key,
    observed_at as first_seen_at, coalesce(next_at, observed_at) as last_seen_at
  from members

),

group_members as (

  select
    'directory_group_members' as source,
    'user:' || coalesce({{ id_suffix('user_id') }}, '') as actor_key, 'user' as actor_kind, 'user_actor' as actor_type,
    user_id as actor_id, lower({{ empty_as_null('email') }}) as email,
    cast(null as varchar) as account_uuid,
    cast(null as varchar) as authority,
    cast(null as varchar) as said_status,
    cast(null as varchar) as owner_key,
    observed_at as first_seen_at, observed_at as last_seen_at
  from {{ source('archive', 'directory_group_members') }}
  where user_id is not null

),

keys as (

  select
    id, status, fold, observed_at, workspace_id, created_by, principal_id,
    {{ actor_type_of_id('principal_id') }} as principal_actor_type,
    {{ actor_type_of_id('created_by') }} as maker_actor_type
  from {{ source('archive', 'directory_api_keys') }}

),

key_people as (

  select id, observed_at, principal_id as person_id, principal_actor_type as person_type, 1 as rank
  from keys where principal_id is not null
  union all
  select id, observed_at, created_by as person_id, maker_actor_type as person_type, 2 as rank
  from keys where created_by is not null

),

named_people as (

  select
    id, observed_at, person_id, person_type, rank,
    {{ actor_kind('person_type') }} as person_kind,
    {{ actor_kind('person_type') }} || ':' || {{ id_suffix('person_id') }} as person_key
  from key_people

),

owners as (

  select id, max(case when rank = 1 then person_key end) as principal_key, max(case when rank = 2 then person_key end) as maker_key
  from named_people
  group by id

),

api_keys as (

  select
    'directory_api_keys' as source,
    'api_key:' || coalesce({{ id_suffix('k.id') }}, '') as actor_key, 'api_key' as actor_kind, 'api_actor' as actor_type,
    k.id as actor_id, cast(null as varchar) as email,
    cast(null as varchar) as account_uuid,
    cast(null as varchar) as authority,
    case when k.fold = 'withdrawn' then 'deleted' else coalesce(k.status, 'unknown') end as said_status,
    coalesce(o.principal_key, o.maker_key) as owner_key,
    k.observed_at as first_seen_at, k.observed_at as last_seen_at
  from keys as k
  left join owners as o on o.id = k.id

),

people_of_keys as (

  select
    'directory_api_keys' as source,
    person_key as actor_key, person_kind as actor_kind, person_type as actor_type, person_id as actor_id,
    cast(null as varchar) as email,
    cast(null as varchar) as account_uuid,
    cast(null as varchar) as authority,
    cast(null as varchar) as said_status,
    cast(null as varchar) as owner_key,
    observed_at as first_seen_at, observed_at as last_seen_at
  from named_people

),

workspaces as (

  select
    'directory_api_keys' as source,
    'workspace:' || {{ id_suffix('workspace_id') }} as actor_key, 'workspace' as actor_kind, 'workspace' as actor_type,
    workspace_id as actor_id, cast(null as varchar) as email,
    cast(null as varchar) as account_uuid,
    cast(null as varchar) as authority,
    cast(null as varchar) as said_status,
    cast(null as varchar) as owner_key,
    observed_at as first_seen_at, observed_at as last_seen_at
  from keys
  where {{ empty_as_null('workspace_id') }} is not null

),

engagement as (

  select
    'engagement' as source,
    'user:' || user_suffix as actor_key, 'user' as actor_kind, 'user_actor' as actor_type, user_id as actor_id, email,
    cast(null as varchar) as account_uuid,
    cast(null as varchar) as authority,
    cast(null as varchar) as said_status,
    cast(null as varchar) as owner_key,
    {{ day_start('day') }} as first_seen_at, {{ day_start('day') }} as last_seen_at
  from {{ ref('stg_engagement_users') }}
  where user_suffix is not null

),

-- The console's export names people by account and address, never by id.
export_people as (

  select
    lower({{ empty_as_null('actor_email') }}) as email,
    lower({{ empty_as_null('actor_uuid') }}) as account_uuid,
    created_at
  from {{ source('archive', 'audit_export_rows') }}

),

audit_export as (

  select
    'audit_export' as source,
    'user:' || coalesce(account_uuid, email) as actor_key, 'user' as actor_kind, 'user_actor' as actor_type,
    cast(null as varchar) as actor_id, email, account_uuid,
    cast(null as varchar) as authority,
    cast(null as varchar) as said_status,
    cast(null as varchar) as owner_key,
    created_at as first_seen_at, created_at as last_seen_at
  from export_people
  where coalesce(account_uuid, email) is not null

),

-- Who was signed in to Claude Code, as its client says: it gives id, account and address together, and so ties accounts
-- to ids. Sessions without an account name nobody; whom a machine says it is used by (enduser.id) is no account.
accounts_in_telemetry as (

  select
    {{ empty_as_null('user_account_id') }} as account_id,
    lower({{ empty_as_null('user_account_uuid') }}) as account_uuid,
    lower({{ empty_as_null('user_email') }}) as email,
    min("time") as first_seen_at, max("time") as last_seen_at
  from {{ source('archive', 'otel_events') }}
  where "time" is not null
  group by 1, 2, 3

),

telemetry as (

  select
    'telemetry' as source,
    'user:' || coalesce({{ id_suffix('account_id') }}, account_uuid, email) as actor_key, 'user' as actor_kind,
    'user_actor' as actor_type, account_id as actor_id, email, account_uuid,
    cast(null as varchar) as authority,
    cast(null as varchar) as said_status,
    cast(null as varchar) as owner_key,
    first_seen_at, last_seen_at
  from accounts_in_telemetry
  where coalesce(account_id, account_uuid, email) is not null

),

everything as (

  select * from feed
  union all select * from cost
  union all select * from usage
  union all select * from directory_users
  union all select * from group_members
  union all select * from api_keys
  union all select * from people_of_keys
  union all select * from workspaces
  union all select * from engagement
  union all select * from audit_export
  union all select * from telemetry

)

select
  source, actor_key, actor_kind, actor_type, actor_id, email, account_uuid, authority, said_status, owner_key,
  min(first_seen_at) as first_seen_at,
  max(last_seen_at) as last_seen_at
from everything
group by source, actor_key, actor_kind, actor_type, actor_id, email, account_uuid, authority, said_status, owner_key
