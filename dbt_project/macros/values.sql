{#- Small dialect differences, one macro each.

    sha256_hex(text)        64 lower-case hex digits of the UTF-8 bytes
    sorted_set(text)        aggregate: the distinct, non-null values, ascending (null where there is none)
    matches(text, regex)    true where the regular expression (a literal or a column) matches
    empty_as_null(text)     blank becomes null
    row_key([columns])      sha256 identity of a row made of several values
    days_between(a, b)      whole days from one date to another
    day_start(date)         the instant a UTC day begins, of the type that times have
    days_from(a, b)         relation of one column, day: every date from one to another, both included -#}

{% macro sha256_hex(text) -%}{{ return(adapter.dispatch('sha256_hex')(text)) }}{%- endmacro %}
{% macro duckdb__sha256_hex(text) -%}sha256({{ text }}){%- endmacro %}
{% macro default__sha256_hex(text) -%}lower(to_hex(sha256(to_utf8({{ text }})))){%- endmacro %}

{% macro sorted_set(text) -%}
  array_agg(distinct {{ text }} order by {{ text }}) filter (where {{ text }} is not null)
{%- endmacro %}

{% macro matches(text, regex) -%}{{ return(adapter.dispatch('matches')(text, regex)) }}{%- endmacro %}
{% macro duckdb__matches(text, regex) -%}regexp_matches({{ text }}, {{ regex }}){%- endmacro %}
{% macro default__matches(text, regex) -%}regexp_like({{ text }}, {{ regex }}){%- endmacro %}

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

{% macro days_between(begin, end) -%}{{ return(adapter.dispatch('days_between')(begin, end)) }}{%- endmacro %}
{% macro duckdb__days_between(begin, end) -%}date_diff('day', {{ begin }}, {{ end }}){%- endmacro %}
{% macro default__days_between(begin, end) -%}date_diff('day', {{ begin }}, {{ end }}){%- endmacro %}

{% macro day_start(day) -%}{{ return(adapter.dispatch('day_start')(day)) }}{%- endmacro %}
{% macro duckdb__day_start(day) -%}(cast({{ day }} as timestamp) at time zone 'UTC'){%- endmacro %}
{% macro default__day_start(day) -%}cast({{ day }} as timestamp){%- endmacro %}

{% macro days_from(begin, end) -%}{{ return(adapter.dispatch('days_from')(begin, end)) }}{%- endmacro %}
{% macro duckdb__days_from(begin, end) -%}
  (select cast(range as date) as day from range(timestamp '{{ begin }}', timestamp '{{ end }}' + interval 1 day, interval 1 day)) as days
{%- endmacro %}
{% macro default__days_from(begin, end) -%}
  unnest(sequence(date '{{ begin }}', date '{{ end }}', interval '1' day)) as days (day)
{%- endmacro %}
