"""The log source `spend`: what each actor spent in a day by product and model, beside what is usual for them.

Promise: whether a day is out of the ordinary is judged as the chargeback judges it (`finops.anomalies`), and who
is gone as the list of orphaned spend does (`gone_owners`); amounts stay decimals. Knows no Dagster.
"""

from collections import defaultdict
from collections.abc import Iterable
from datetime import date, timedelta
from decimal import Decimal

import duckdb
import pyarrow as pa

from assets.gone_owners import gone_owners
from warehouse.detections.computed import SPEND_DAYS
from warehouse.finops.anomalies import WEEKS, Anomaly, anomalies

_NAMES = ", ".join(SPEND_DAYS.names)
_PLACES = Decimal("1e-8")  # what the columns hold; the middle of two amounts may have one more
# How far back the shares of cache and the models in use are looked at, and how many days of use make a habit.
_HABIT_DAYS, _LEAST_DAYS = 28, 7

# Spend with no actor is nobody's, and in it all the same: a model in use is in use whoever uses it.
_WHO = "coalesce(actor_id, actor_email, 'nobody')"

_DAYS = f"""
with cost as (
  select day, {_WHO} as actor, any_value(actor_type) as actor_type, any_value(actor_id) as actor_id,
         any_value(actor_email) as actor_email, product, model, sum(amount) as cost,
         sum(list_amount) filter (where cost_type = 'tokens' and token_type = 'output_tokens') as output_price,
         max(commit_seq) as commit_seq
  from cost_rows where day >= $begin and day < $end group by all
), used as (
  select day, {_WHO} as actor, product, model, sum(cache_read_input_tokens) as hits, sum(output_tokens) as output,
         sum(uncached_input_tokens + cache_creation_5m_input_tokens + cache_creation_1h_input_tokens
             + cache_read_input_tokens) as input
  from usage_rows where day >= $begin and day < $end group by all
), models as (
  select day, model, sum(c.output_price) as paid, sum(u.output) as output
  from cost as c join used as u using (day, actor, product, model)
  where u.output > 0 and c.output_price > 0 group by all
), asked as (
  select * from cost where day >= $first
), habits as (
  select a.day, a.actor, a.product, a.model, sum(u.hits) as hits, sum(u.input) as input
  from asked as a join used as u on u.actor = a.actor and u.product is not distinct from a.product
    and u.model is not distinct from a.model and u.day < a.day and u.day >= a.day - {_HABIT_DAYS}
  group by all having count(distinct u.day) >= {_LEAST_DAYS}
), days as (
  select distinct day from models where day >= $first
), prices as (
  select d.day, m.model, any_value(m.paid / m.output) as price, any_value(b.days) as days,
         any_value(b.price) as usual
  from days as d join models as m using (day)
  join lateral (
    select count(distinct o.day) filter (where o.model = m.model) as days, count(distinct o.day) as known,
           sum(o.paid) / sum(o.output) as price
    from models as o where o.day < d.day and o.day >= d.day - {_HABIT_DAYS}
  ) as b on b.known >= {_LEAST_DAYS}
  group by all
)
select 'spend/' || strftime(a.day, '%Y-%m-%d') || '/' || a.actor || '/' || coalesce(a.product, '-') || '/'
         || coalesce(a.model, '-') as id,
       cast(a.day as timestamp) at time zone 'UTC' as created_at, a.commit_seq,
       strftime(a.day, '%Y-%m-%d') as day, a.actor, a.actor_type, a.actor_id, a.actor_email, a.product, a.model,
       cast(a.cost as decimal(38, 8)) as cost,
       cast(sum(a.cost) over (partition by a.day, a.actor) as decimal(38, 8)) as actor_cost,
       s.usual, s.above_usual, s.score, cast(u.input as bigint) as input_tokens,
       cast(u.hits / nullif(u.input, 0) as decimal(18, 4)) as cache_share,
       cast(h.hits / nullif(h.input, 0) as decimal(18, 4)) as usual_cache_share,
       p.days as model_days, cast(p.price / p.usual as decimal(18, 4)) as dearer_by, g.gone, g.gone_because
from asked as a
left join used as u on u.day = a.day and u.actor = a.actor and u.product is not distinct from a.product
  and u.model is not distinct from a.model
left join habits as h on h.day = a.day and h.actor = a.actor and h.product is not distinct from a.product
  and h.model is not distinct from a.model
left join prices as p on p.day = a.day and p.model = a.model
left join spend_out_of_the_ordinary as s on s.day = a.day and s.actor = a.actor
left join spend_owners_gone as g on g.actor = a.actor and a.day >= g.since
"""

_BY_ACTOR = f"""
select {_WHO} as actor, day, sum(amount) from cost_rows
where day >= $begin and day < $end and {_WHO} <> 'nobody' group by all
"""

_UNUSUAL = pa.schema(
    [
        ("actor", pa.string()),
        ("day", pa.date32()),
        ("usual", pa.decimal128(38, 8)),
        ("above_usual", pa.decimal128(38, 8)),
        ("score", pa.decimal128(18, 4)),
    ]
)
_OWNERS = pa.schema(
    [("actor", pa.string()), ("since", pa.date32()), ("gone", pa.string()), ("gone_because", pa.string())]
)


def spend_days(db: duckdb.DuckDBPyConnection, first: date, end: date) -> pa.Table:
    """The rows of the days [first, end), with the schema SPEND_DAYS, as the tables of `db` know them now."""
    begin = first - timedelta(weeks=WEEKS)
    bounds = {"begin": begin, "end": end}
    asked = [first + timedelta(days=number) for number in range((end - first).days)]
    unusual = _unusual(db.execute(_BY_ACTOR, bounds).fetchall(), asked)
    db.register("spend_out_of_the_ordinary", pa.Table.from_pylist(unusual, schema=_UNUSUAL))
    db.register("spend_owners_gone", pa.Table.from_pylist(_owners(db, first, end), schema=_OWNERS))
    try:
        query = f"select {_NAMES} from ({_DAYS}) as days order by id"
        return db.execute(query, bounds | {"first": first}).to_arrow_table().cast(SPEND_DAYS)
    finally:
        db.unregister("spend_out_of_the_ordinary")
        db.unregister("spend_owners_gone")


def _unusual(costs: Iterable[tuple[str, date, Decimal]], asked: list[date]) -> list[dict[str, object]]:
    by_actor: dict[str, dict[date, Decimal]] = defaultdict(dict)
    for actor, day, amount in costs:
        by_actor[actor][day] = amount
    return [
        _figures(one)
        for actor, daily in by_actor.items()
        for one in anomalies(actor, daily, [day for day in asked if day in daily])
        if one.score is not None
    ]


def _figures(one: Anomaly) -> dict[str, object]:
    return {
        "actor": one.subject,
        "day": one.day,
        "usual": one.usual.quantize(_PLACES),
        "above_usual": (one.amount - one.usual).quantize(_PLACES),
        "score": min(one.score or Decimal(0), Decimal(1_000_000)),
    }


def _owners(db: duckdb.DuckDBPyConnection, first: date, end: date) -> list[dict[str, object]]:
    """Who is gone since when. A person of whom only that is known, and not since when, is left out: their cost of
    better days would be among it. A key that nobody ever had is gone since always."""
    return [
        {"actor": gone.actor_id, "since": gone.since or date.min, "gone": gone.kind, "gone_because": gone.reason}
        for gone in gone_owners(db, first, end)
        if gone.since is not None or gone.kind == "ownerless_key"
    ]
