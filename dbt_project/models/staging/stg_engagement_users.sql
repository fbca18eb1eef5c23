-- What each person did on a day by the vendor's own counts, in few words: the products that count the same thing are
-- added up. A figure that the vendor does not give counts nothing.
{%- set office = ['excel', 'outlook', 'powerpoint', 'word'] %}
{%- set tools = ['edit_tool', 'multi_edit_tool', 'write_tool', 'notebook_edit_tool'] %}

select
  day,
  {{ id_suffix('user_id') }} as user_suffix,
  user_id,
  lower({{ empty_as_null('user_email') }}) as email,
  coalesce(claude_code_distinct_session_count, 0) as claude_code_sessions,
  coalesce(claude_code_distinct_session_count, 0) + coalesce(cowork_distinct_session_count, 0)
    + coalesce(design_distinct_session_count, 0) + coalesce(science_distinct_session_count, 0)
    + coalesce(unified_sessions_distinct_session_count, 0)
    {%- for one in office %} + coalesce(office_{{ one }}_distinct_session_count, 0){% endfor %} as sessions,
  coalesce(chat_distinct_conversation_count, 0) + coalesce(unified_chat_distinct_conversation_count, 0) as conversations,
  coalesce(chat_message_count, 0) + coalesce(unified_chat_message_count, 0) + coalesce(cowork_message_count, 0)
    + coalesce(unified_sessions_message_count, 0) + coalesce(design_message_count, 0) + coalesce(science_message_count, 0)
    {%- for one in office %} + coalesce(office_{{ one }}_message_count, 0){% endfor %} as messages,
  coalesce(claude_code_commit_count, 0) as commits,
  coalesce(claude_code_pull_request_count, 0) as pull_requests,
  coalesce(claude_code_lines_added_count, 0) as lines_added,
  coalesce(claude_code_lines_removed_count, 0) as lines_removed,
  0 {%- for one in tools %} + coalesce(claude_code_{{ one }}_accepted_count, 0){% endfor %} as edits_accepted,
  0 {%- for one in tools %} + coalesce(claude_code_{{ one }}_rejected_count, 0){% endfor %} as edits_rejected,
  observed_at
from {{ source('archive', 'engagement_users') }}
