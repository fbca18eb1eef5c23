-- What each session of Claude Code did on a day, by model, as the client itself says. Cost and tokens come from the events
-- of the session (exact to the micro-dollar); from its counters only where it sent no such event. What no event tells
-- (commits, lines, time) comes from the counters, in rows without a model where the counter has none.
with requesting as (

  select distinct coalesce(session_id, 'user ' || coalesce(user_key, '')) as teller
  from {{ ref('stg_otel_events') }}
  where event_name = 'api_request'
  union
  -- counters may come without their session (a setting of the client): then its user's requests tell
  select distinct 'user ' || coalesce(user_key, '') as teller
  from {{ ref('stg_otel_events') }}
  where event_name = 'api_request'

),

dashboards as (

  -- agents_view is a window onto other sessions, no session
  select session_id
  from {{ ref('int_otel_metric_deltas') }}
  where metric = 'claude_code.session.count'
  group by session_id
  having count(*) = sum(case when start_type = 'agents_view' then 1 else 0 end)

),

{%- set metrics = {
  'lines_added': "d.metric = 'claude_code.lines_of_code.count' and d.counted = 'added'",
  'lines_removed': "d.metric = 'claude_code.lines_of_code.count' and d.counted = 'removed'",
  'commits': "d.metric = 'claude_code.commit.count'",
  'pull_requests': "d.metric = 'claude_code.pull_request.count'",
  'edits_accepted': "d.metric = 'claude_code.code_edit_tool.decision' and d.decision = 'accept'",
  'edits_rejected': "d.metric = 'claude_code.code_edit_tool.decision' and d.decision = 'reject'",
  'sessions_started': "d.metric = 'claude_code.session.count' and d.start_type is distinct from 'agents_view'",
  'active_user_seconds': "d.metric = 'claude_code.active_time.total' and d.counted = 'user'",
  'active_cli_seconds': "d.metric = 'claude_code.active_time.total' and d.counted = 'cli'",
  'metric_cost_usd': "d.metric = 'claude_code.cost.usage'",
  'metric_input_tokens': "d.metric = 'claude_code.token.usage' and d.counted = 'input'",
  'metric_output_tokens': "d.metric = 'claude_code.token.usage' and d.counted = 'output'",
  'metric_cache_read_tokens': "d.metric = 'claude_code.token.usage' and d.counted = 'cacheRead'",
  'metric_cache_creation_tokens': "d.metric = 'claude_code.token.usage' and d.counted = 'cacheCreation'",
} %}
{%- set counts = {
  'requests': "e.event_name = 'api_request'",
  'errors': "e.event_name in ('api_error', 'api_retries_exhausted')",
  'prompts': "e.event_name = 'user_prompt'",
  'tool_calls': "e.event_name = 'tool_result'",
  'tools_denied': "e.event_name = 'tool_decision' and e.decision = 'reject'",
} %}
{%- set sums = ['cost_usd', 'input_tokens', 'output_tokens', 'cache_read_tokens', 'cache_creation_tokens'] %}
{%- set labels = ['organization_id', 'cost_center', 'department', 'team', 'repo', 'user_email', 'enduser_id',
  'service_version'] %}

told as (

  select
    e.session_id, e.user_key, e.day, e.model
    {%- for label in labels %}, e.{{ label }}{% endfor %}
    {%- for name in sums %}, case when e.event_name = 'api_request' then e.{{ name }} end as event_{{ name }}{% endfor %}
    {%- for name, told in counts.items() %}, case when {{ told }} then 1 else 0 end as {{ name }}{% endfor %}
    {%- for name in metrics %}, 0 as {{ name }}{% endfor %}
  from {{ ref('stg_otel_events') }} as e
  union all
  select
    d.session_id, d.user_key, d.day, d.model
    {%- for label in labels %}, d.{{ label }}{% endfor %}
    {%- for name in sums %}, null as event_{{ name }}{% endfor %}
    {%- for name in counts %}, 0 as {{ name }}{% endfor %}
    {%- for name, told in metrics.items() %}, case when {{ told }} then d.amount else 0 end as {{ name }}{% endfor %}
  from {{ ref('int_otel_metric_deltas') }} as d
  left join dashboards as b on b.session_id = d.session_id
  where b.session_id is null or d.metric in ('claude_code.cost.usage', 'claude_code.token.usage')

),

added as (

  select
    session_id, user_key, day, model
    {%- for label in labels %}, max({{ label }}) as {{ label }}{% endfor %}
    {%- for name in sums %}, coalesce(sum(event_{{ name }}), 0) as event_{{ name }}{% endfor %}
    {%- for name in counts %}, sum({{ name }}) as {{ name }}{% endfor %}
    {%- for name in metrics %}, sum({{ name }}) as {{ name }}{% endfor %}
  from told
  group by session_id, user_key, day, model

),

compared as (

  -- a session at a time: a point may end on the day after the requests that it counts
  select
    *,
    cast(sum(event_cost_usd) over (partition by session_id) as decimal(28, 8)) as session_events,
    cast(sum(metric_cost_usd) over (partition by session_id) as decimal(28, 8)) as session_counters,
    max(case when {{ older_version('service_version', 2, 1, 214) }} then 1 else 0 end)
      over (partition by session_id) as session_is_old
  from added

)

select
  a.session_id,
  a.user_key,
  a.day,
  a.model,
  cast(case when r.teller is not null then a.event_cost_usd else a.metric_cost_usd end as decimal(38, 8)) as cost_usd,
  {%- for name in sums if name != 'cost_usd' %}
  cast(case when r.teller is not null then a.event_{{ name }} else a.metric_{{ name }} end as bigint) as {{ name }},
  {%- endfor %}
  {%- for name in counts %}
  cast(a.{{ name }} as bigint) as {{ name }},
  {%- endfor %}
  {%- for name in ['sessions_started', 'commits', 'pull_requests', 'lines_added', 'lines_removed', 'edits_accepted', 'edits_rejected'] %}
  cast(a.{{ name }} as bigint) as {{ name }},
  {%- endfor %}
  cast(a.active_user_seconds as decimal(18, 3)) as active_user_seconds,
  cast(a.active_cli_seconds as decimal(18, 3)) as active_cli_seconds,
  case when r.teller is not null then 'events' else 'metrics' end as cost_source,
  cast(a.metric_cost_usd as decimal(38, 8)) as metric_cost_usd,
  a.organization_id,
  a.cost_center,
  a.department,
  a.team,
  a.repo,
  a.user_email,
  a.enduser_id,
  a.service_version,
  {{ older_version('a.service_version', 2, 1, 214) }} as may_overcount,
  case
    when a.session_id is null then null
    when abs(a.session_events - a.session_counters) <= 0.01 + 0.01 * a.session_events then 'agrees'
    when a.session_events = 0 then 'no_events'
    when a.session_counters = 0 then 'no_counters'
    when a.session_counters < a.session_events then 'counters_below'
    when a.session_is_old = 1 then 'old_version'
    else 'counters_above'
  end as cost_check
from compared as a
left join requesting as r on r.teller = coalesce(a.session_id, 'user ' || coalesce(a.user_key, ''))
