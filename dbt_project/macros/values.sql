{#- Small dialect differences, one macro each.

    sha256_hex(text)        64 lower-case hex digits of the UTF-8 bytes
    utc_day(timestamp)      the UTC date
    midnight(date)          the UTC instant at which a day begins
    sorted_set(text)        aggregate: the distinct, non-null values, ascending (null where there is none)
    pattern(text, regex)    first group of a regular expression, null where it does not match
    matches(text, regex)    true where the regular expression (a literal or a column) matches
    empty_as_null(text)     blank becomes null
    row_key([columns])      sha256 identity of a row made of several values -#}

{% macro sha256_hex(text) -%}{{ return(adapter.dispatch('sha256_hex')(text)) }}{%- endmacro %}
{% macro duckdb__sha256_hex(text) -%}sha256({{ text }}){%- endmacro %}
{% macro athena__sha256_hex(text) -%}lower(to_hex(sha256(to_utf8({{ text }})))){%- endmacro %}

{% macro utc_day(timestamp) -%}{{ return(adapter.dispatch('utc_day')(timestamp)) }}{%- endmacro %}
{% macro duckdb__utc_day(timestamp) -%}cast(timezone('UTC', {{ timestamp }}) as date){%- endmacro %}
{% macro athena__utc_day(timestamp) -%}cast({{ timestamp }} as date){%- endmacro %}

{% macro midnight(date) -%}{{ return(adapter.dispatch('midnight')(date)) }}{%- endmacro %}
{% macro duckdb__midnight(date) -%}timezone('UTC', cast({{ date }} as timestamp)){%- endmacro %}
{% macro athena__midnight(date) -%}cast({{ date }} as timestamp){%- endmacro %}

{% macro sorted_set(text) -%}
  array_agg(distinct {{ text }} order by {{ text }}) filter (where {{ text }} is not null)
{%- endmacro %}

{% macro pattern(text, regex) -%}
  nullif(regexp_extract({{ text }}, '{{ regex }}', 1), '')
{%- endmacro %}

{% macro matches(text, regex) -%}{{ return(adapter.dispatch('matches')(text, regex)) }}{%- endmacro %}
{% macro duckdb__matches(text, regex) -%}regexp_matches({{ text }}, {{ regex }}){%- endmacro %}
{% macro athena__matches(text, regex) -%}regexp_like({{ text }}, {{ regex }}){%- endmacro %}

{% macro empty_as_null(text) -%}
  nullif(trim({{ text }}), '')
{%- endmacro %}

{#- Text identity of a row made of several values; null and '' stay different, and no value can imitate the joint. -#}
{% macro row_key(columns) -%}
  {%- set parts = [] -%}
  {%- for column in columns -%}
    {%- set text = "cast(" ~ column ~ " as varchar)" -%}
    {%- do parts.append("coalesce(cast(length(" ~ text ~ ") as varchar) || ':' || " ~ text ~ ", '-')") -%}
  {%- endfor -%}
  {{ sha256_hex(parts | join(" || '|' || ")) }}
{%- endmacro %}
