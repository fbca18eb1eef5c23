"""An invoice beside the books of its month. Knows no Dagster."""

from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pyarrow as pa

from assets.focus_files import account_of
from assets.period_books import Bookkeeping
from warehouse.finops.focus import file_bytes
from warehouse.finops.focus_periods import invoice_details
from warehouse.finops.money import total
from warehouse.finops.periods import Period
from warehouse.finops.reconciliation import Booked, InvoiceLine, Reconciliation, read_invoice, reconcile
from warehouse.finops.seats import PRODUCT
from warehouse.tables.catalog import connect
from warehouse.tables.masking import ACCOUNTING
from warehouse.wire.times import midnight


def compared(desk: Bookkeeping, period: Period, invoice: Sequence[InvoiceLine]) -> Reconciliation:
    """The bridge from the statement's cost to the invoice, with what the vendor restated since it was issued."""
    statement = desk.statement(period)
    own, seats = statement.own_lines, [line for line in statement.own_lines if line.key.service == PRODUCT]
    fees = total(line.exact for line in seats)
    booked = Booked(
        usage=total(line.exact for line in own) - fees,
        seats=fees,
        corrections=total(line.billed for line in statement.lines if line.original_period),
        statement_total=statement.total,
        usage_at_issue=_known_then(desk, period, invoice),
    )
    return reconcile(period, booked, invoice)


def invoice_of(desk: Bookkeeping, period: Period) -> tuple[InvoiceLine, ...]:
    """The invoice of a month in the folder of `finops.invoices`, `YYYY-MM.csv`; nothing where there is none.

    Raises FileRefused.
    """
    body = invoice_file(desk, period)
    return () if body is None else read_invoice(body, f"{period}.csv", period)


def invoice_file(desk: Bookkeeping, period: Period) -> bytes | None:
    """The bytes of a month's invoice file; None where there is none."""
    folder = desk.workshop.payers.invoices
    path = folder / f"{period}.csv" if folder else None
    return path.read_bytes() if path is not None and path.is_file() else None


def details(desk: Bookkeeping, period: Period, invoice: Sequence[InvoiceLine]) -> pa.Table:
    """The invoice as rows of FOCUS Invoice Detail."""
    recorded = midnight(max(line.issue_date for line in invoice))
    return invoice_details(period, invoice, account_of(desk, period), recorded)


def detail_file(desk: Bookkeeping, period: Period, invoice: Sequence[InvoiceLine], path: Path) -> bytes:
    """The invoice as FOCUS Invoice Detail, in the form that the path's ending says."""
    return file_bytes(details(desk, period, invoice), path)


def _known_then(desk: Bookkeeping, period: Period, invoice: Sequence[InvoiceLine]) -> Decimal | None:
    """What the tables said of the month at the end of the day of the invoice; None where they did not have all of
    it yet."""
    issued = midnight(max(line.issue_date for line in invoice)) + timedelta(days=1)
    with connect(desk.workshop.archive, unmasked=ACCOUNTING) as db:
        found = db.execute(
            "select count(*), sum(total_amount) from cost_days_as_of($moment) where day >= $start and day < $end",
            {"moment": issued, "start": period.start, "end": period.end},
        ).fetchone()
    if found is None or found[0] < period.length:
        return None
    amount: Decimal = found[1]
    return amount
