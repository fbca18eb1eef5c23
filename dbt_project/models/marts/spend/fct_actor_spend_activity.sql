{{ config(
  partitioned_by=(['period'] if target.type == 'athena' else none),
  properties=({'partitioned_by': "array['period']"} if target.type == 'trino' else none)
) }}

-- What somebody cost on a day beside what they did that day: events and sign-ins of the feed, sessions, commits, pull
-- requests and messages of the vendor's engagement counts. Nobody's cost has no row here: there is nobody who did something.
with matches as (

  select actor_key, unified_key from {{ ref('int_actor_matches') }}

),

identities as (

  select actor_key, identity_type from {{ ref('dim_actor') }}

),

spend as (

  select
    unified_key, day,
    sum(amount) as amount,
    sum(total_tokens) as total_tokens,
    sum(requests) as requests
  from {{ ref('fct_user_spend_daily') }}
  where unified_key is not null
  group by unified_key, day

),

events as (

  select m.unified_key, e.day, sum(e.events) as events
  from {{ ref('fct_actor_activity_daily') }} as e
  inner join matches as m on m.actor_key = e.actor_key
  group by m.unified_key, e.day

),

logins as (

  select
    m.unified_key, l.day,
    count(*) filter (where l.outcome = 'success') as logins,
    count(*) filter (where l.outcome = 'failure') as failed_logins
  from {{ ref('fct_login') }} as l
  inner join matches as m on m.actor_key = l.actor_key
  where not l.is_withdrawn
  group by m.unified_key, l.day

),

engagement as (

  select
    'user:' || user_suffix as unified_key, day,
    sum(claude_code_sessions) as claude_code_sessions,
    sum(sessions) as sessions,
    sum(conversations) as conversations,
    sum(messages) as messages,
    sum(commits) as commits,
    sum(pull_requests) as pull_requests,
    sum(lines_added) as lines_added,
    sum(lines_removed) as lines_removed,
    sum(edits_accepted) as edits_accepted,
    sum(edits_rejected) as edits_rejected
  from {{ ref('stg_engagement_users') }}
  where user_suffix is not null
  group by user_suffix, day

),

-- Of a day that was measured, who is not listed did nothing; of another, nothing is known.
measured_days as (

  select distinct day from engagement

),

somebody as (

  select unified_key, day from spend
  union
  select unified_key, day from events where events > 0
  union
  select unified_key, day from logins
  union
  select unified_key, day from engagement

)

select
  a.unified_key,
  coalesce(i.identity_type, 'unknown') as identity_type,
  cast(coalesce(s.amount, 0) as decimal(38, 8)) as amount,
  cast(coalesce(s.total_tokens, 0) as bigint) as total_tokens,
  cast(coalesce(s.requests, 0) as bigint) as requests,
  cast(coalesce(e.events, 0) as bigint) as events,
  cast(coalesce(l.logins, 0) as bigint) as logins,
  cast(coalesce(l.failed_logins, 0) as bigint) as failed_logins,
  d.day is not null as is_measured,
  {%- for name in ['claude_code_sessions', 'sessions', 'conversations', 'messages', 'commits', 'pull_requests', 'lines_added',
                   'lines_removed', 'edits_accepted', 'edits_rejected'] %}
  cast(case when d.day is not null and i.identity_type = 'human' then coalesce(g.{{ name }}, 0) end as bigint) as {{ name }},
  {%- endfor %}
  a.day,
  substr(cast(a.day as varchar), 1, 7) as period
from somebody as a
left join identities as i on i.actor_key = a.unified_key
left join spend as s on s.unified_key = a.unified_key and s.day = a.day
left join events as e on e.unified_key = a.unified_key and e.day = a.day
left join logins as l on l.unified_key = a.unified_key and l.day = a.day
left join engagement as g on g.unified_key = a.unified_key and g.day = a.day
left join measured_days as d on d.day = a.day
