"""An invoice against the statement: a bridge of reason codes from what the API says to what the invoice says.

Promise: the steps add up to the invoice; what no reason explains is shown as `unexplained`, 0.00 or the amount.
Rule book: reference finops, section 5.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from warehouse.finops import customer_files as files
from warehouse.finops.customer_files import Number, csv_bytes
from warehouse.finops.inputs import CURRENCY
from warehouse.finops.money import CENT, EXACT, ZERO, minus, text, to_cents, total
from warehouse.finops.periods import Period

COLUMNS = ("invoice_id", "issue_date", "currency", "kind", "description", "amount")
OPTIONAL = ("period", "invoice_detail_id", "due_date", "purchase_order")
_CHARGED = ("usage", "seats", "minimum")
KINDS = ("usage", "seats", "tax", "credit", "minimum", "rounding", "adjustment")


@dataclass(frozen=True, slots=True)
class InvoiceLine:
    """One line of an invoice, `amount` in dollars with its sign: credits are below 0."""

    line: int
    invoice_id: str
    issue_date: date
    kind: str
    description: str
    amount: Decimal
    period: str
    invoice_detail_id: str
    due_date: date | None
    purchase_order: str


@dataclass(frozen=True)
class Step:
    """One step of the bridge. `amount` is what it adds; the reason code says why."""

    reason: str
    amount: Decimal
    explanation: str


@dataclass(frozen=True)
class Reconciliation:
    """From the API's total to the invoice's, in steps. `unexplained` is 0.00 where they tie."""

    period: Period
    statement_total: Decimal
    invoice_total: Decimal
    steps: tuple[Step, ...]
    unexplained: Decimal

    @property
    def ties(self) -> bool:
        return not self.unexplained

    def document(self) -> dict[str, Any]:
        return {
            "period": str(self.period),
            "currency": CURRENCY,
            "statement_total": text(self.statement_total, 2),
            "invoice_total": text(self.invoice_total, 2),
            "steps": [
                {"reason": step.reason, "amount": text(step.amount, 2), "explanation": step.explanation}
                for step in self.steps
            ],
            "unexplained": text(self.unexplained, 2),
            "ties": self.ties,
        }

    def to_csv(self) -> bytes:
        rows = [(step.reason, Number(text(step.amount, 2)), step.explanation) for step in self.steps]
        rows += [
            ("unexplained", Number(text(self.unexplained, 2)), ""),
            ("invoice_total", Number(text(self.invoice_total, 2)), ""),
        ]
        return csv_bytes(("reason", "amount", "explanation"), rows)


def read_invoice(body: bytes, name: str, period: Period) -> tuple[InvoiceLine, ...]:
    """Read an invoice file. Raises FileRefused with every mistake; another currency than USD is one."""
    found = files.Findings(name)
    rows = files.read_rows(body, found, required=COLUMNS, optional=OPTIONAL)
    lines = [line for row in rows if (line := _line(row, found, period))]
    if not rows and not found.mistakes:
        found.add(0, "empty", "it has no lines", "one row for each line of the invoice")
    found.raise_if_any()
    return tuple(lines)


def _line(row: files.Row, found: files.Findings, period: Period) -> InvoiceLine | None:
    before = len(found.mistakes)
    if not row["invoice_id"]:
        found.add(row.line, "invoice_id", "invoice_id is empty", "the number that is on the invoice")
    if row["currency"] != CURRENCY:
        found.add(
            row.line, "currency", f"currency is {files.shown(row['currency'])}",
            f"{CURRENCY}: an invoice in another currency cannot be compared without a booked rate",
        )  # fmt: skip
    if row["kind"] not in KINDS:
        found.add(row.line, "kind", f"kind is {files.shown(row['kind'])}", " or ".join(KINDS))
    issued = files.day_cell(row, "issue_date", found)
    if not row["issue_date"]:
        found.add(row.line, "issue_date", "issue_date is empty", "the day of the invoice, as YYYY-MM-DD")
    amount = files.amount_cell(row, "amount", found)
    if amount is not None and amount != to_cents(amount):
        found.add(
            row.line, "amount", f"amount {amount} is finer than a cent", "an amount as invoiced, in whole cents"
        )
    if row["kind"] == "credit" and amount is not None and amount > 0:
        found.add(row.line, "sign", f"a credit of {amount} would raise the invoice", "credits below 0")
    if row["kind"] in _CHARGED and amount is not None and amount < 0:
        found.add(
            row.line, "sign", f"{row['kind']} of {amount} would lower the invoice",
            "an amount of at least 0; what is given back is of the kind credit or adjustment",
        )  # fmt: skip
    if row["period"] and row["period"] != str(period):
        found.add(row.line, "period", f"its period is {files.shown(row['period'])}", f"{period}, or an empty cell")
    due = files.day_cell(row, "due_date", found)
    files.note_formulas(row, ("invoice_id", "description"), found)
    if len(found.mistakes) > before or issued is None or amount is None:
        return None
    return InvoiceLine(
        row.line, row["invoice_id"], issued, row["kind"], row["description"], amount, str(period),
        row["invoice_detail_id"], due, row["purchase_order"],
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Booked:
    """What our side has for a period: exact cost from the API, seats from contracts, corrections booked in it,
    the rounded total of its statement, and the API's cost as it was known on the day of the invoice, where we
    know it."""

    usage: Decimal
    seats: Decimal
    corrections: Decimal
    statement_total: Decimal
    usage_at_issue: Decimal | None = None


def reconcile(period: Period, ours: Booked, invoice: Sequence[InvoiceLine]) -> Reconciliation:
    """The bridge from the API's total to the invoice's.

    Usage and seats are compared kind by kind. A difference in usage is `late_changes` as far as the vendor's own
    restatements since the invoice explain it, and `rounding` below one cent for each line of usage. Tax, credits,
    minimums and adjustments that stand on the invoice only are steps of their own. The rest is unexplained.
    """
    sums = {kind: total(line.amount for line in invoice if line.kind == kind) for kind in KINDS}
    invoiced = total(sums.values())
    usage_lines = sum(line.kind == "usage" for line in invoice)
    usage = to_cents(ours.usage)
    steps = [Step("usage", usage, "cost of the period as the API reports it today, to the cent")]
    if ours.seats or sums["seats"]:
        steps.append(Step("seats", to_cents(ours.seats), "seat fees of the period by contract"))
    open_usage, open_seats = minus(sums["usage"], usage), minus(sums["seats"], to_cents(ours.seats))
    if ours.usage_at_issue is not None and to_cents(ours.usage_at_issue) != usage:
        late = minus(to_cents(ours.usage_at_issue), usage)
        steps.append(Step("late_changes", late, "restated by the vendor after the invoice was issued"))
        open_usage = minus(open_usage, late)
    if open_usage and abs(open_usage) <= CENT * usage_lines / 2:
        steps.append(Step("rounding", open_usage, f"{usage_lines} invoice lines, each rounded by itself"))
        open_usage = ZERO
    for kind in ("tax", "credit", "minimum", "rounding", "adjustment"):
        if sums[kind]:
            steps.append(Step(f"invoice_{kind}", sums[kind], f"stands on the invoice as {kind}"))
    unexplained = EXACT.add(open_usage, open_seats)
    if ours.corrections:
        note = f"the statement also books {text(ours.corrections, 2)} of corrections; they are not in this bridge"
        steps.append(Step("earlier_periods", Decimal("0.00"), note))
    bridged = EXACT.add(total(step.amount for step in steps), unexplained)
    assert bridged == invoiced, "the bridge must end at the invoice"
    return Reconciliation(period, ours.statement_total, invoiced, tuple(steps), unexplained or Decimal("0.00"))
