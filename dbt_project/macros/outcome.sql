{#- Did it succeed? Most event types say so by their name (the taxonomy's outcome); a few carry the result in a field.
    outcome_value  the text of the field that the taxonomy names for the type (null for most)
    event_outcome  that text read by the taxonomy's two patterns, else the taxonomy's outcome, else `unknown` -#}

{% macro outcome_value(field, raw) -%}
  lower(case {{ field }}
    {%- for path in var('outcome_fields') %}
    when '{{ path }}' then {{ json_text(raw, '$.' ~ path) }}
    {%- endfor %}
  end)
{%- endmacro %}

{% macro event_outcome(outcome, value, success_when, failure_when) -%}
  case
    when {{ value }} is not null and {{ failure_when }} is not null and {{ matches(value, failure_when) }} then 'failure'
    when {{ value }} is not null and {{ success_when }} is not null and {{ matches(value, success_when) }} then 'success'
    else coalesce({{ outcome }}, 'unknown')
  end
{%- endmacro %}
