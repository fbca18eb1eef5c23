"""Where a month is heading, out of the archive: outlook, orphaned spend, unit costs, restated days.

Promise: a closed month is told from what was known at its close, so it is told the same for ever.
Knows no Dagster.
"""

from collections.abc import Sequence
from datetime import date, timedelta

import duckdb

from assets.activity_counts import activity_of
from assets.claude_code import claude_code_of
from assets.closed_months import as_known, budgets_of, prepared
from assets.cost_lines import coverage, months
from assets.gone_owners import gone_owners
from assets.period_books import Bookkeeping
from warehouse.finops.orphans import orphans
from warehouse.finops.outlook import MONTHS_OF_HISTORY, make_outlook
from warehouse.finops.periods import Period
from warehouse.finops.preparing import Prepared
from warehouse.finops.restated import RestatedDay
from warehouse.finops.told import Told
from warehouse.finops.unit_economics import unit_costs

_RESTATED = """
select day, version, data_refreshed_at, amount_before, amount, added, changed, vanished
from cost_restatements where day >= $start and day < $end order by day, version
"""


def months_before(desk: Bookkeeping, period: Period, last: Prepared | None = None) -> list[Prepared]:
    """The months whose days a forecast and an anomaly look back to, ascending; those that the tables have. `last`
    is the one just before, where it was made already."""
    wanted, month = [], period
    for _ in range(MONTHS_OF_HISTORY):
        month = Period.of(month.start - timedelta(days=1))
        wanted.append(month)
    found = [month for month in months(desk.db) if month in wanted]
    return [
        last if last is not None and last.statement.period == month else prepared(desk, month) for month in found
    ]


def told(
    desk: Bookkeeping, period: Period, done: Prepared | None = None, before: Sequence[Prepared] | None = None
) -> Told:
    """Everything about a month. `done` and `before` where they are known already. Raises as a statement does."""
    done = done or prepared(desk, period)
    before = months_before(desk, period) if before is None else before
    outlook = make_outlook(done, before, known_to(desk, period), budgets_of(desk, period))
    with as_known(desk, period) as db:
        gone, restated = gone_owners(db, period.start, period.end), _restated(db, period)
        activity = list(activity_of(done.allocation.lines, db, period))
        code = claude_code_of(desk, db, done)
    return Told(
        outlook,
        orphans(done.allocation.lines, gone, done.allocation.leavers),
        unit_costs(period, activity),
        restated,
        code,
    )


def known_to(desk: Bookkeeping, period: Period) -> date:
    """The first day of a month that was not read to its end; the day after it where all were. A closed month is
    known as it is."""
    if desk.books.state(period) == "closed":
        return period.end + timedelta(days=period.length)
    complete = coverage(desk.workshop.archive.state, period).complete
    first = next((day for day in period.days if day not in complete), None)
    if first is not None:
        return first
    return max(period.end, min(desk.workshop.clock().date(), period.final_from))


def _restated(db: duckdb.DuckDBPyConnection, period: Period) -> list[RestatedDay]:
    found = db.execute(_RESTATED, {"start": period.start, "end": period.end}).fetchall()
    return [RestatedDay(*row) for row in found]
