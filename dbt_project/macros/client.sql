{#- Which program spoke, from the user agent. First match wins: our named programs before generic engines, because a
    desktop shell and a mobile web view also say Mozilla. A machine identity without a telling agent is `api`. -#}

{% macro client(user_agent, kind) -%}
  {%- set ua = "lower(" ~ user_agent ~ ")" -%}
  case
    when {{ kind }} = 'scim_directory' then 'scim'
    when {{ ua }} like '%claude-cli/%' or {{ ua }} like '%claude-code%' or {{ ua }} like '%claudecode%' then 'claude_code'
    when {{ ua }} like '%electron/%' or {{ ua }} like '%claude desktop%' or {{ ua }} like '%claude-desktop%'
      or {{ ua }} like '%claudedesktop%' then 'desktop'
    when {{ ua }} like '%claude-ios%' or {{ ua }} like '%claude-android%' or {{ ua }} like '%claudeios%'
      or {{ ua }} like '%claude/%cfnetwork/%' or {{ ua }} like '%com.anthropic.claude%' or {{ ua }} like '%okhttp/%'
      or {{ ua }} like 'claude/% ios/%' or {{ ua }} like 'claude/% android/%' or {{ ua }} like '%dalvik/%' then 'mobile'
    when {{ ua }} like 'mozilla/%' or {{ ua }} like 'opera/%' then 'browser'
    when {{ kind }} in ('api_key', 'admin_api_key', 'service_account', 'federated_identity', 'federated_workload', 'device')
      then 'api'
    when {{ ua }} like '%anthropic%' or {{ ua }} like '%python%' or {{ ua }} like '%httpx/%' or {{ ua }} like '%aiohttp/%'
      or {{ ua }} like 'curl/%' or {{ ua }} like 'wget/%' or {{ ua }} like '%go-http-client/%' or {{ ua }} like '%axios/%'
      or {{ ua }} like '%node%' or {{ ua }} like '%undici%' or {{ ua }} like 'java/%' or {{ ua }} like '%apache-httpclient/%'
      or {{ ua }} like '%ruby%' or {{ ua }} like '%postmanruntime/%' or {{ ua }} like '%terraform%' then 'api'
    else 'unknown'
  end
{%- endmacro %}
