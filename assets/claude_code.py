"""A month of Claude Code out of the tables: its cost, its sessions, what was done, the invoice. Knows no
Dagster."""

from collections.abc import Iterable
from datetime import timedelta
from decimal import Decimal

import duckdb

from assets.invoices import invoice_of
from assets.period_books import Bookkeeping
from assets.session_days import sessions_of
from warehouse.finops.allocation import AllocatedLine
from warehouse.finops.claude_code import ClaudeCode, claude_code_month
from warehouse.finops.inputs import CostRow
from warehouse.finops.money import total
from warehouse.finops.periods import Period
from warehouse.finops.preparing import Prepared
from warehouse.finops.session_work import Work

# Sums of counters: a delta counts as it is, of a cumulative one the step from the point before it in the same run
# of the same series (from 0 at first, and after a reset); the point that a client repeats as it ends adds 0.
_WORK = """
with ordered as (
  select *, lag("value") over (partition by series_key, start_time order by "time", commit_seq, "position") as last
  from otel_metric_points
  where not duplicate and kind = 'sum' and monotonic and "value" >= 0 and isfinite("value")
    and session_id is not null and "time" is not null
), steps as (
  select cast("time" at time zone 'UTC' as date) as day, session_id, metric, "type", decision,
         case when temporality <> 'cumulative' or last is null or "value" < last then "value"
              else "value" - last end as added
  from ordered
)
select day, session_id,
       sum(added) filter (where metric = 'claude_code.commit.count'),
       sum(added) filter (where metric = 'claude_code.pull_request.count'),
       sum(added) filter (where metric = 'claude_code.lines_of_code.count' and "type" = 'added'),
       sum(added) filter (where metric = 'claude_code.lines_of_code.count' and "type" = 'removed'),
       sum(added) filter (where metric = 'claude_code.code_edit_tool.decision' and decision = 'accept'),
       sum(added) filter (where metric = 'claude_code.code_edit_tool.decision' and decision = 'reject'),
       sum(added) filter (where metric = 'claude_code.active_time.total')
from steps where day between $start and $last group by all order by all
"""


def claude_code_of(desk: Bookkeeping, db: duckdb.DuckDBPyConnection, done: Prepared) -> ClaudeCode | None:
    """The month of a statement; `db` has the tables it is told from. None where telemetry has nothing of it.

    Raises FileRefused where the invoice has mistakes.
    """
    period = done.statement.period
    last = period.end - timedelta(days=1)
    sessions = sessions_of(db, period.start, last)
    if not sessions:
        return None
    work = [
        Work(day, session, *(round(count or 0) for count in counts))
        for day, session, *counts in db.execute(_WORK, {"start": period.start, "last": last}).fetchall()
    ]
    return claude_code_month(
        _rows(done.allocation.lines), sessions, work, desk.payers.mapping, _invoiced_usage(desk, period)
    )


def _rows(lines: Iterable[AllocatedLine]) -> list[CostRow]:
    """The rows behind the lines, each once: a shared row has a line for each centre. Seats and fees are no use."""
    return list({id(line.row): line.row for line in lines if line.row.charge_category == "Usage"}.values())


def _invoiced_usage(desk: Bookkeeping, period: Period) -> Decimal | None:
    lines = invoice_of(desk, period)
    return total(line.amount for line in lines if line.kind == "usage") if lines else None
