{#- Where models land, and how they name each other.

    generate_schema_name  DuckDB: marts in `main`, so that `select * from fct_login` just works in the file; the rest
                          in `staging` and `intermediate`. Athena: one Glue database per layer.
    ref, source           On DuckDB without the catalogue's name. A view that says "warehouse"."staging"."x" breaks as
                          soon as the file is attached under another alias or moved; one that says staging.x does not. -#}

{% macro generate_schema_name(custom_schema_name, node) -%}
  {%- if custom_schema_name is none -%}
    {{ target.schema }}
  {%- elif target.type == 'duckdb' -%}
    {{ custom_schema_name | trim }}
  {%- else -%}
    {{ target.schema }}_{{ custom_schema_name | trim }}
  {%- endif -%}
{%- endmacro %}

{% macro ref() -%}
  {%- set relation = builtins.ref(*varargs, **kwargs) -%}
  {%- do return(relation.include(database=false) if target.type == 'duckdb' else relation) -%}
{%- endmacro %}

{% macro source() -%}
  {%- set relation = builtins.source(*varargs) -%}
  {%- do return(relation.include(database=false) if target.type == 'duckdb' else relation) -%}
{%- endmacro %}

{#- Trino's Hive connector has no columns that refuse null; data tests look at the same columns. -#}
{% macro trino__get_table_columns_and_constraints() -%}
  (
    {%- for column in model['columns'].values() %}
    {{ column['name'] }} {{ column['data_type'] }}{{ ',' if not loop.last }}
    {%- endfor %}
  )
{%- endmacro %}
