{#- Which program spoke, from the user agent. First match wins: our named programs before generic engines, because a
    desktop shell and a mobile web view also say Mozilla.

    agent_client  from the user agent alone (null where it tells nothing). Its own step, of one column: agents are few and
                  rows many, and an engine that keeps a dictionary per column then looks at each agent once.
    client        that, with what the kind of actor adds: a machine identity without a telling agent is `api`. -#}

{% macro agent_client(user_agent) -%}
  {%- set ua = "lower(" ~ user_agent ~ ")" -%}
  case
    when {{ ua }} like '%claude-cli/%' or {{ ua }} like '%claude-code%' or {{ ua }} like '%claudecode%' then 'claude_code'
    when {{ ua }} like '%electron/%' or {{ ua }} like '%claude desktop%' or {{ ua }} like '%claude-desktop%'
      or {{ ua }} like '%claudedesktop%' then 'desktop'
    when {{ ua }} like '%claude-ios%' or {{ ua }} like '%claude-android%' or {{ ua }} like '%claudeios%'
      or {{ ua }} like '%claude/%cfnetwork/%' or {{ ua }} like '%com.anthropic.claude%' or {{ ua }} like '%okhttp/%'
      or {{ ua }} like 'claude/% ios/%' or {{ ua }} like 'claude/% android/%' or {{ ua }} like '%dalvik/%' then 'mobile'
    when {{ ua }} like 'mozilla/%' or {{ ua }} like 'opera/%' then 'browser'
    when {{ ua }} like '%anthropic%' or {{ ua }} like '%python%' or {{ ua }} like '%httpx/%' or {{ ua }} like '%aiohttp/%'
      or {{ ua }} like 'curl/%' or {{ ua }} like 'wget/%' or {{ ua }} like '%go-http-client/%' or {{ ua }} like '%axios/%'
      or {{ ua }} like '%node%' or {{ ua }} like '%undici%' or {{ ua }} like 'java/%' or {{ ua }} like '%apache-httpclient/%'
      or {{ ua }} like '%ruby%' or {{ ua }} like '%postmanruntime/%' or {{ ua }} like '%terraform%' then 'api'
  end
{%- endmacro %}

{% macro client(agent_client, kind) -%}
  case
    when {{ kind }} = 'scim_directory' then 'scim'
    when {{ agent_client }} is not null then {{ agent_client }}
    when {{ kind }} in ('api_key', 'admin_api_key', 'service_account', 'federated_identity', 'federated_workload', 'device')
      then 'api'
    else 'unknown'
  end
{%- endmacro %}
