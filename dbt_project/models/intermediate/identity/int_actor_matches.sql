{{ config(materialized='table') }}

-- Which identity each actor key belongs to, how surely, and why. Two people are never made one by guess: what is
-- ambiguous keeps a key of its own and says what stands against a match.
with sightings as (

  select * from {{ ref('int_actor_sightings') }}

),

actors as (

  select
    actor_key, actor_kind,
    count(actor_id) as ids,
    count(account_uuid) as uuids,
    count(email) as emails
  from sightings
  group by actor_key, actor_kind

),

-- Who has ever had an address, or an account, by the word of a source that gives the id beside it.
email_owners as (

  select email, count(distinct actor_key) as people, min(actor_key) as user_key
  from sightings
  where actor_kind = 'user' and actor_id is not null and email is not null
  group by email

),

uuid_owners as (

  select account_uuid, count(distinct actor_key) as people, min(actor_key) as user_key
  from sightings
  where actor_kind = 'user' and actor_id is not null and account_uuid is not null
  group by account_uuid

),

nameless as (

  select distinct s.actor_key, s.email, s.account_uuid
  from sightings as s
  inner join actors as a on a.actor_key = s.actor_key and a.actor_kind = 'user' and a.ids = 0
  where s.actor_kind = 'user'

),

accounts_of_email as (

  select email, count(distinct account_uuid) as accounts
  from nameless
  where email is not null
  group by email

),

by_uuid as (

  select n.actor_key, count(distinct o.user_key) as users, max(o.people) as people, min(o.user_key) as user_key
  from nameless as n
  inner join uuid_owners as o on o.account_uuid = n.account_uuid
  group by n.actor_key

),

by_email as (

  select
    n.actor_key, count(distinct o.user_key) as users, max(o.people) as people, max(c.accounts) as accounts,
    min(o.user_key) as user_key
  from nameless as n
  inner join email_owners as o on o.email = n.email
  inner join accounts_of_email as c on c.email = n.email
  group by n.actor_key

),

api_keys as (

  select actor_key from actors where actor_kind = 'api_key'

),

judged as (

  select
    a.actor_key, a.actor_kind, a.ids, a.uuids, a.emails,
    u.users as uuid_users, u.people as uuid_people, u.user_key as uuid_user,
    e.users as email_users, e.people as email_people, e.accounts as email_accounts, e.user_key as email_user,
    k.actor_key as same_key,
    case
      when a.actor_kind = 'admin_api_key' and k.actor_key is not null then 'id_suffix'
      when a.ids > 0 then 'id'
      when a.actor_kind <> 'user' then 'none'
      when u.users = 1 and u.people = 1 then 'account_uuid'
      when u.users is not null then 'none'
      when e.users = 1 and e.people = 1 and e.accounts <= 1 then 'email'
      else 'none'
    end as match_level
  from actors as a
  left join by_uuid as u on u.actor_key = a.actor_key
  left join by_email as e on e.actor_key = a.actor_key
  left join api_keys as k
    on a.actor_kind = 'admin_api_key' and k.actor_key = 'api_key:' || substr(a.actor_key, length('admin_api_key:') + 1)

)

select
  actor_key,
  actor_kind,
  case match_level
    when 'id_suffix' then same_key
    when 'account_uuid' then uuid_user
    when 'email' then email_user
    else actor_key
  end as unified_key,
  match_level,
  case
    when match_level = 'id' then 'its own id'
    when match_level = 'id_suffix' then 'an API key has the same id under another tag'
    when match_level = 'account_uuid' then 'a source gives this account together with one user''s id'
    when match_level = 'email' then 'one user only has ever had its address'
    when actor_kind = 'unauthenticated' then 'an address that was only claimed: see probable_user_key'
    when actor_kind <> 'user' then 'sources give no id for this kind of actor'
    when uuid_users is not null then 'ambiguous: its account stands beside the ids of several users'
    when email_people > 1 or email_users > 1 then 'ambiguous: its address was or is that of several users'
    when email_accounts > 1 then 'ambiguous: several accounts have its address'
    when emails = 0 then 'no source gives a user''s id or address with this account'
    else 'no source gives a user''s id with this address'
  end as match_reason
from judged
