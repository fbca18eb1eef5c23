-- What ties an identifier to an identity: one row for each id, address, account or subject that a source gives, with
-- when it was first and last seen and how surely it belongs there.
with sightings as (

  select * from {{ ref('int_actor_sightings') }}

),

identifiers as (

  select
    source, actor_key, first_seen_at, last_seen_at,
    case actor_kind
      when 'user' then 'user_id'
      when 'api_key' then 'api_key_id'
      when 'admin_api_key' then 'admin_api_key_id'
      when 'service_account' then 'service_account_id'
      when 'workspace' then 'workspace_id'
      else 'subject'
    end as identifier_kind,
    actor_id as identifier
  from sightings
  where actor_id is not null
  union all
  select source, actor_key, first_seen_at, last_seen_at, 'email' as identifier_kind, email as identifier
  from sightings
  where email is not null
  union all
  select source, actor_key, first_seen_at, last_seen_at, 'account_uuid' as identifier_kind,
    account_uuid as identifier
  from sightings
  where account_uuid is not null

),

found as (

  select
    i.identifier_kind, i.identifier, m.unified_key, i.actor_key, i.source,
    m.match_level,
    m.match_reason,
    min(i.first_seen_at) as first_seen_at,
    max(i.last_seen_at) as last_seen_at
  from identifiers as i
  inner join {{ ref('int_actor_matches') }} as m on m.actor_key = i.actor_key
  group by i.identifier_kind, i.identifier, m.unified_key, i.actor_key, i.source, m.match_level, m.match_reason

),

holders as (

  select identifier_kind, identifier, count(distinct unified_key) as identities
  from found
  group by identifier_kind, identifier

)

select
  {{ row_key(['f.identifier_kind', 'f.identifier', 'f.actor_key', 'f.source']) }} as identifier_key,
  f.unified_key,
  f.actor_key,
  f.identifier_kind,
  f.identifier,
  f.source,
  f.match_level,
  case
    when f.match_level = 'id' and f.identifier_kind in ('email', 'account_uuid') then 'the source gives it beside the id'
    else f.match_reason
  end as match_reason,
  h.identities,
  f.first_seen_at,
  f.last_seen_at
from found as f
inner join holders as h on h.identifier_kind = f.identifier_kind and h.identifier = f.identifier
