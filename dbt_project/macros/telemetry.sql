{#- What versions of Claude Code are known for.

    older_version(text, a, b, c)   true where a version such as 2.1.200 is older than a.b.c; null where it is none
    sane_count(column)             a count that somebody can have meant: null below 0 and above 10^12, so that one absurd
                                   number neither stops a build nor hides every other -#}

{% macro older_version(version, major, minor, patch) -%}
  try_cast(split_part({{ version }}, '.', 1) as bigint) * 1000000000000
    + try_cast(split_part({{ version }}, '.', 2) as bigint) * 1000000
    + try_cast(split_part(split_part({{ version }}, '.', 3), '-', 1) as bigint)
    < {{ major }} * 1000000000000 + {{ minor }} * 1000000 + {{ patch }}
{%- endmacro %}

{% macro sane_count(column) -%}
  case when {{ column }} between 0 and 1000000000000 then {{ column }} end
{%- endmacro %}
