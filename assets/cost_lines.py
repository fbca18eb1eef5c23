"""What the tables say a month costs, as the rows that the money core takes. Knows no Dagster.

Promise: the rows of a day add up to the vendor's ungrouped total of that day; what the grouped rows do not
explain is a row without an actor, and so has an owner like all others.
"""

from collections.abc import Iterator
from datetime import date, datetime

import duckdb

from warehouse.archive.state import LogState
from warehouse.finops.errors import CurrencyRefused
from warehouse.finops.inputs import CURRENCY, CostRow, Coverage, cost_rows
from warehouse.finops.periods import Period
from warehouse.wire.windows import Window

STREAM = "cost"

# A kind of token in the cost report, and the column of the usage report that counts it.
_COUNTED_BY = {
    "uncached_input_tokens": "uncached_input_tokens",
    "output_tokens": "output_tokens",
    "cache_read_input_tokens": "cache_read_input_tokens",
    "cache_creation.ephemeral_5m_input_tokens": "cache_creation_5m_input_tokens",
    "cache_creation.ephemeral_1h_input_tokens": "cache_creation_1h_input_tokens",
}
_QUANTITY = " ".join(f"when c.token_type = '{token}' then u.{column}" for token, column in _COUNTED_BY.items())

_ROWS = f"""
with c as (
  select day, organization_id, product, model, cost_type, token_type, actor_type, actor_id, actor_email,
         sum(coalesce(amount, 0)) as amount,
         case when count(list_amount) = count(*) then sum(list_amount) end as list_amount,
         case when count(requests) = count(*) then sum(requests) end as requests, max(commit_seq) as commit_seq
  from cost_rows where day >= $start and day < $end group by all
), u as (
  select day, organization_id, product, model, actor_type, actor_id, actor_email,
         {", ".join(f"sum({column}) as {column}" for column in _COUNTED_BY.values())},
         sum(web_search_requests) as web_search_requests
  from usage_rows where day >= $start and day < $end group by all
)
select c.day, c.organization_id as organization, c.product, c.model, c.cost_type, c.token_type,
       c.actor_type as actor_kind, c.actor_id, c.actor_email, cast(c.amount as decimal(38, 8)) as amount,
       cast(c.list_amount as decimal(38, 8)) as list_amount, cast(c.requests as bigint) as requests,
       c.commit_seq as source_commit, 'Usage' as charge_category,
       cast(case {_QUANTITY} when c.cost_type = 'web_search' then u.web_search_requests end as decimal(38, 6))
         as quantity,
       case when c.token_type is not null then 'Tokens' when c.cost_type = 'web_search' then 'Searches' end as unit
from c left join u on u.day = c.day and u.organization_id is not distinct from c.organization_id
  and u.product is not distinct from c.product and u.model is not distinct from c.model
  and u.actor_type is not distinct from c.actor_type and u.actor_id is not distinct from c.actor_id
  and u.actor_email is not distinct from c.actor_email
union all
select d.day, null, null, null, 'difference_to_total', null, null, null, null,
       cast(d.total_amount - coalesce(r.amount, 0) as decimal(38, 8)),
       cast(d.total_list_amount - coalesce(r.list_amount, 0) as decimal(38, 8)), null, d.commit_seq,
       'Adjustment', null, null
from cost_days as d left join (
  select day, sum(coalesce(amount, 0)) as amount, sum(coalesce(list_amount, 0)) as list_amount
  from cost_rows group by day) as r on r.day = d.day
where d.day >= $start and d.day < $end and d.total_amount <> coalesce(r.amount, 0)
order by all
"""  # noqa: S608 - made of our own names only


def rows_of(db: duckdb.DuckDBPyConnection, period: Period) -> Iterator[CostRow]:
    """The current rows of a month, in a stable order. `db` has the tables of the archive (or as of a moment).

    Raises CurrencyRefused where a row is not in dollars.
    """
    span = {"start": period.start, "end": period.end}
    others = db.execute(
        "select distinct currency from cost_rows where day >= $start and day < $end and currency <> $currency",
        span | {"currency": CURRENCY},
    ).fetchall()
    if others:
        raise CurrencyRefused(
            f"{period} has cost in {', '.join(sorted(str(one) for (one,) in others))}; a statement has one "
            f"currency, {CURRENCY}. Nothing was made; ask the vendor, or leave that organisation out"
        )
    found = db.execute(_ROWS, span).to_arrow_reader(20_000)
    return cost_rows(found)


def refreshed_at(db: duckdb.DuckDBPyConnection, period: Period) -> datetime | None:
    """How fresh the vendor's figures of the month are: of its newest day version; None where it has none."""
    found = db.execute(
        "select max(data_refreshed_at) from cost_days where day >= $start and day < $end",
        {"start": period.start, "end": period.end},
    ).fetchone()
    moment: datetime | None = found[0] if found else None
    return moment


def disagreeing(db: duckdb.DuckDBPyConnection, period: Period) -> frozenset[date]:
    """The days of a month whose rows do not add up to the vendor's total of the same day."""
    found = db.execute(
        "select day from cost_days where day >= $start and day < $end and not agrees",
        {"start": period.start, "end": period.end},
    ).fetchall()
    return frozenset(day for (day,) in found)


def months(db: duckdb.DuckDBPyConnection) -> list[Period]:
    """The months that have a day in the tables, ascending."""
    found = db.execute("select distinct year(day), month(day) from cost_days order by 1, 2").fetchall()
    return [Period(year, month) for year, month in found]


def coverage(state: LogState, period: Period) -> Coverage:
    """Which days of a month were read to the end, and which could still be restated when they were."""
    stream = state.stream(STREAM)
    whole = frozenset(
        day
        for day in period.days
        if any(
            one.start <= Window.of_day(day).start and Window.of_day(day).end <= one.end for one in stream.covered
        )
    )
    return Coverage(whole, frozenset(day for day in period.days if day.isoformat() in stream.unsettled))
