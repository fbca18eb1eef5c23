{#- Reading the verbatim record. Text out, null for absent, null for JSON null, null (never an error) for text that
    the engine's parser refuses: one strange record must not stop a build. `raw` keeps the truth.

    json_text(column, path)         scalar at path, as text (of a field that is known to be a scalar)
    json_value(column, path)        the same where an array or object may stand too, which is given as JSON text
    json_list_rows(rows, path)      (event_id, item_no, item): one row per element of the array at path
    json_field_rows(rows)           (event_id, field, field_value): one row per top-level field; field_value is JSON text
    `rows` is a relation or CTE with columns event_id and raw. -#}

{% macro json_text(column, path) -%}{{ return(adapter.dispatch('json_text')(column, path)) }}{%- endmacro %}

{% macro duckdb__json_text(column, path) -%}
  try(json_extract_string({{ column }}, '{{ path }}'))
{%- endmacro %}

{% macro default__json_text(column, path) -%}
  try(json_extract_scalar({{ column }}, '{{ path }}'))
{%- endmacro %}


{% macro json_list_rows(rows, path) -%}{{ return(adapter.dispatch('json_list_rows')(rows, path)) }}{%- endmacro %}

{% macro duckdb__json_list_rows(rows, path) -%}
  select r.event_id, u.item_no, cast(u.item as varchar) as item
  from {{ rows }} as r
  cross join unnest(try(json_extract(r.raw, '{{ path }}[*]'))) with ordinality as u (item, item_no)
{%- endmacro %}

{% macro default__json_list_rows(rows, path) -%}
  select r.event_id, u.item_no, json_format(u.item) as item
  from {{ rows }} as r
  cross join unnest(try(cast(json_extract(r.raw, '{{ path }}') as array(json)))) with ordinality as u (item, item_no)
{%- endmacro %}


{% macro json_field_rows(rows) -%}{{ return(adapter.dispatch('json_field_rows')(rows)) }}{%- endmacro %}

{% macro duckdb__json_field_rows(rows) -%}
  select r.event_id, f.key as field, cast(f.value as varchar) as field_value
  from {{ rows }} as r
  cross join lateral (
    select e.key, e.value from json_each(case when json_valid(r.raw) then r.raw end) as e
  ) as f
{%- endmacro %}

{% macro default__json_field_rows(rows) -%}
  select r.event_id, f.field, json_format(f.field_json) as field_value
  from {{ rows }} as r
  cross join unnest(try(cast(json_parse(r.raw) as map(varchar, json)))) as f (field, field_json)
{%- endmacro %}


{% macro json_value(column, path) -%}{{ return(adapter.dispatch('json_value')(column, path)) }}{%- endmacro %}

{% macro duckdb__json_value(column, path) -%}
  try(json_extract_string({{ column }}, '{{ path }}'))
{%- endmacro %}

{% macro default__json_value(column, path) -%}
  coalesce(try(json_extract_scalar({{ column }}, '{{ path }}')),
           nullif(try(json_format(json_extract({{ column }}, '{{ path }}'))), 'null'))
{%- endmacro %}
