"""What the books say of one month beside its statement, as tables: seats by day, reconciliation, invoice.

Knows no Dagster.
"""

from decimal import Decimal

import pyarrow as pa

from assets.invoices import compared, details, invoice_of
from assets.period_books import Bookkeeping
from warehouse.finops.focus_periods import INVOICE_DETAIL_SCHEMA
from warehouse.finops.money import total
from warehouse.finops.payer_tables import SCHEMAS, seat_day_batch
from warehouse.finops.periods import Period
from warehouse.finops.preparing import Prepared
from warehouse.finops.reconciliation_tables import FCT_RECONCILIATION, Sources, reconciliation_batch
from warehouse.finops.session_tables import SCHEMAS as SESSION_SCHEMAS
from warehouse.finops.session_tables import session_batches
from warehouse.finops.told import Told

MONTHLY_SCHEMAS: dict[str, pa.Schema] = {
    "fct_seat_day": SCHEMAS["fct_seat_day"],
    "fct_reconciliation": FCT_RECONCILIATION,
    "invoice_detail": INVOICE_DETAIL_SCHEMA,
    **SESSION_SCHEMAS,
}


def month_batches(desk: Bookkeeping, done: Prepared, told: Told) -> dict[str, list[pa.RecordBatch]]:
    """The rows of one month. Raises FileRefused where its invoice has mistakes."""
    period = done.statement.period
    invoice = invoice_of(desk, period)
    bridge = compared(desk, period, invoice) if invoice else None
    code = told.claude_code
    of_code = session_batches(period, code.parts, code.days, code.disagreements) if code else {}
    return {
        **{name: [batch] for name, batch in of_code.items()},
        "fct_seat_day": [seat_day_batch(done)],
        "fct_reconciliation": [reconciliation_batch(done.statement, sources_of(desk, period), bridge)],
        "invoice_detail": details(desk, period, invoice).to_batches() if invoice else [],
    }


def sources_of(desk: Bookkeeping, period: Period) -> Sources:
    """What the statement of a month should be made of, by the tables and the contracts of today."""
    found = desk.db.execute(
        "select coalesce(sum(total_amount), 0) from cost_days where day >= $start and day < $end",
        {"start": period.start, "end": period.end},
    ).fetchone()
    return Sources(found[0] if found else Decimal(0), total(one.fee(period) for one in desk.payers.contracts))
