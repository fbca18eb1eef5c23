"""The two sets that FOCUS 1.4 added: *Billing Period* (which months are closed) and *Invoice Detail*.

Rule book: reference finops, section 1.3.
"""

import json
from collections.abc import Iterable, Sequence
from datetime import date, datetime

import pyarrow as pa

from warehouse.finops.books import Books
from warehouse.finops.focus import ISSUER, Account, fine
from warehouse.finops.focus_columns import BILLING_PERIOD, INVOICE_DETAIL, arrow_schema
from warehouse.finops.inputs import CURRENCY
from warehouse.finops.periods import Period
from warehouse.finops.reconciliation import InvoiceLine
from warehouse.wire.times import midnight

BILLING_PERIOD_SCHEMA = arrow_schema(BILLING_PERIOD)
INVOICE_DETAIL_SCHEMA = arrow_schema(INVOICE_DETAIL)
_CATEGORY = {
    "usage": "Usage",
    "seats": "Purchase",
    "tax": "Tax",
    "credit": "Credit",
    "minimum": "Adjustment",
    "rounding": "Adjustment",
    "adjustment": "Adjustment",
}


def billing_periods(books: Books, periods: Iterable[Period]) -> pa.Table:
    """One row for each period, sorted. A period without a step was created at its start, and is open."""
    rows = []
    for period in sorted(set(periods) | set(books.states)):
        steps = [event.at for event in books.events if event.period == period]
        created = midnight(period.start)
        rows.append(
            {
                "BillingPeriodCreated": created,
                "BillingPeriodEnd": midnight(period.end),
                "BillingPeriodLastUpdated": max(steps, default=created),
                "BillingPeriodStart": midnight(period.start),
                "BillingPeriodStatus": "Closed" if books.state(period) == "closed" else "Open",
                "InvoiceIssuerName": ISSUER,
            }
        )
    return pa.Table.from_pylist(rows, schema=BILLING_PERIOD_SCHEMA)


def invoice_details(
    period: Period, invoice: Sequence[InvoiceLine], account: Account, recorded_at: datetime
) -> pa.Table:
    """One row for each line of an invoice. A line without an id of its own gets its number in the file."""
    rows = [
        {
            "BilledCost": fine(line.amount),
            "BillingAccountId": account.id,
            "BillingAccountName": account.name,
            "BillingCurrency": CURRENCY,
            "BillingPeriodEnd": midnight(period.end),
            "BillingPeriodStart": midnight(period.start),
            "InvoiceDetailCreated": recorded_at,
            "InvoiceDetailDescription": line.description or line.kind,
            "InvoiceDetailGrain": json.dumps({"ChargeCategory": _CATEGORY[line.kind]}),
            "InvoiceDetailId": line.invoice_detail_id or f"{line.invoice_id}-{line.line}",
            "InvoiceDetailLastUpdated": recorded_at,
            "InvoiceId": line.invoice_id,
            "InvoiceIssueDate": midnight(line.issue_date),
            "InvoiceIssueStatus": "Issued",
            "InvoiceIssuerName": ISSUER,
            "PaymentCurrency": CURRENCY,
            "PaymentCurrencyBilledCost": fine(line.amount),
            "PaymentDueDate": _time(line.due_date),
            "PurchaseOrderNumber": line.purchase_order or None,
        }
        for line in invoice
    ]
    return pa.Table.from_pylist(rows, schema=INVOICE_DETAIL_SCHEMA)


def _time(day: date | None) -> datetime | None:
    return midnight(day) if day else None
