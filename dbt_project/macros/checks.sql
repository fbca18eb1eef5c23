{#- Data tests of our own. Each selects the rows that should not be there.

    unique_together(columns)   no two rows agree in all of these columns; null is a value like any other
    adds_up(amount, to)        per day, this model's amounts (where `only` holds) are those of another relation -#}

{% test unique_together(model, columns) %}
  select {{ columns | join(', ') }}, count(*) as copies
  from {{ model }}
  group by {{ columns | join(', ') }}
  having count(*) > 1
{% endtest %}

{% test adds_up(model, amount, to, total, only='1 = 1', where_total='1 = 1') %}
  with ours as (
    select day, sum({{ amount }}) as amount from {{ model }} where {{ only }} group by day
  ),
  theirs as (
    select day, sum({{ total }}) as amount from {{ to }} where {{ where_total }} group by day
  )
  select coalesce(o.day, t.day) as day, o.amount as ours, t.amount as theirs
  from ours as o
  full outer join theirs as t on t.day = o.day
  where coalesce(o.amount, 0) <> coalesce(t.amount, 0)
{% endtest %}
