"""A month as FOCUS rows, from the books and the tables. Knows no Dagster."""

import pyarrow as pa

from assets.closed_months import prepared
from assets.cost_lines import months
from assets.period_books import Bookkeeping
from warehouse.finops.focus import Account, cost_and_usage
from warehouse.finops.focus_periods import billing_periods
from warehouse.finops.periods import Period
from warehouse.tables.catalog import connect
from warehouse.tables.connection import open_duckdb
from warehouse.tables.masking import ACCOUNTING, Masks

_NAMING = ("ResourceId", "ResourceName", "x_PrincipalId")
_NO_ACCOUNT = "organization"  # FOCUS allows no null where the report names no organisation


def account_of(desk: Bookkeeping, period: Period) -> Account:
    """The organisation that the month's rows name: the first by id, where a key sees several."""
    with connect(desk.workshop.archive, unmasked=ACCOUNTING) as db:
        found = db.execute(
            "select min(organization_id) from cost_rows where day >= $start and day < $end",
            {"start": period.start, "end": period.end},
        ).fetchone()
    return Account(found[0] if found and found[0] else _NO_ACCOUNT)


def cost_and_usage_of(desk: Bookkeeping, period: Period) -> pa.Table:
    """Cost and Usage of a month: as published where it is closed, else as it is now."""
    done = prepared(desk, period)
    table = cost_and_usage(
        done.statement,
        done.allocation.lines,
        account_of(desk, period),
        mapping_version=done.allocation.mapping_version,
        rules_version=done.allocation.rules_version,
    )
    return _masked(table, Masks.of(desk.workshop.archive.state))


def _masked(table: pa.Table, masks: Masks) -> pa.Table:
    """The rows with restricted persons masked; cost and cost centres stay."""
    if not masks.active:
        return table
    with open_duckdb() as db:
        db.register("incoming", table)
        shown = ", ".join(masks.text(column) for column in _NAMING)
        return db.execute(f"select * replace ({shown}) from incoming").to_arrow_table().cast(table.schema)  # noqa: S608


def periods_of(desk: Bookkeeping, period: Period) -> pa.Table:
    """Billing Period of every month in the tables and of the one asked for."""
    with connect(desk.workshop.archive, unmasked=ACCOUNTING) as db:
        known = months(db)
    return billing_periods(desk.books, [*known, period])
