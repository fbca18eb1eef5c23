"""Where a month's money comes from and where it ends, step by step, as an Arrow table for SQL: fct_reconciliation.

Promise: the steps of the plane `source` lead from the vendor's total to the statement, those of `invoice` from our
cost to the invoice; a step nobody can explain is called `unexplained`. Rule book: reference finops, sections 5
and 7.
"""

from dataclasses import dataclass
from decimal import Decimal

import pyarrow as pa

from warehouse.finops.chargeback_tables import batch_of, fine
from warehouse.finops.money import EXACT, ZERO, minus, total
from warehouse.finops.reconciliation import Reconciliation
from warehouse.finops.seats import PRODUCT
from warehouse.finops.statement import Statement

_MONEY = pa.decimal128(38, 8)
FCT_RECONCILIATION = pa.schema(
    [
        ("period", pa.string()),
        ("plane", pa.string()),
        ("step", pa.int32()),
        ("reason", pa.string()),
        ("expected", _MONEY),
        ("actual", _MONEY),
        ("difference", _MONEY),
        ("explained_by", pa.string()),
    ]
)


@dataclass(frozen=True)
class Sources:
    """What a statement should be made of: the vendor's ungrouped total of the month as it is now, and the fees of
    the seat contracts."""

    vendor_total: Decimal
    seat_fees: Decimal


def reconciliation_batch(statement: Statement, sources: Sources, invoice: Reconciliation | None) -> pa.RecordBatch:
    """The steps of one month."""
    period = str(statement.period)
    own = statement.own_lines
    seats = total(line.exact for line in own if line.key.service == PRODUCT)
    usage = minus(total(line.exact for line in own), seats)
    corrections = total(line.billed for line in statement.lines if line.original_period)
    closed = statement.state == "closed"
    late = "restated since the close: corrections of the next open month" if closed else "unexplained"
    steps: list[tuple[str, str, Decimal, Decimal, str]] = [
        ("source", "usage", sources.vendor_total, usage, "" if usage == sources.vendor_total else late),
        ("source", "seats", sources.seat_fees, seats, "" if seats == sources.seat_fees else "unexplained"),
        ("source", "corrections", corrections, corrections, "of closed months, booked in this one"),
        (
            "source", "rounding", statement.source_total, statement.total,
            "the exact source to whole cents, once, by the largest remainder",
        ),
    ]  # fmt: skip
    if closed and seats != sources.seat_fees:
        steps[1] = (*steps[1][:4], "the contracts were changed since the close")
    reached = ZERO
    for bridged in invoice.steps if invoice else ():
        after = EXACT.add(reached, bridged.amount)
        steps.append(("invoice", bridged.reason, reached, after, bridged.explanation))
        reached = after
    if invoice:
        steps.append(
            ("invoice", "unexplained", reached, invoice.invoice_total, "" if invoice.ties else "unexplained")
        )
    records = [
        (period, plane, number, reason, fine(expected), fine(actual), fine(minus(actual, expected)), why or None)
        for number, (plane, reason, expected, actual, why) in enumerate(steps, start=1)
    ]
    return batch_of(records, FCT_RECONCILIATION)
