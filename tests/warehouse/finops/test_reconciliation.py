"""An invoice against the books: a bridge that always ends at the invoice, with the unexplained shown."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.warehouse.finops.made_rows import OCTOBER, unhurried
from warehouse.finops.errors import FileRefused
from warehouse.finops.money import total
from warehouse.finops.reconciliation import KINDS, Booked, InvoiceLine, Reconciliation, read_invoice, reconcile

HEADER = "invoice_id,issue_date,currency,kind,description,amount"


def invoice(*rows: str, header: str = HEADER) -> tuple[InvoiceLine, ...]:
    return read_invoice("\n".join([header, *rows]).encode(), "invoice.csv", OCTOBER)


def bridge(ours: Booked, *lines: tuple[str, str]) -> Reconciliation:
    return reconcile(OCTOBER, ours, invoice(*(f"INV-1,2026-11-03,USD,{kind},,{amount}" for kind, amount in lines)))


def ours(usage: str, seats: str = "0", at_issue: str | None = None) -> Booked:
    whole = Decimal(usage) + Decimal(seats)
    return Booked(
        Decimal(usage), Decimal(seats), Decimal(0), whole, Decimal(at_issue) if at_issue is not None else None
    )


def reasons(found: Reconciliation) -> dict[str, str]:
    return {step.reason: str(step.amount) for step in found.steps}


def test_an_invoice_that_is_the_statement_leaves_nothing_unexplained() -> None:
    found = bridge(ours("1234.5649"), ("usage", "1234.56"))
    assert (found.ties, found.document()["unexplained"]) == (True, "0.00")


def test_tax_and_credits_on_the_invoice_are_steps_with_their_reason() -> None:
    found = bridge(
        ours("100", "50"), ("usage", "100.00"), ("seats", "50.00"), ("tax", "12.00"), ("credit", "-5.00")
    )
    assert reasons(found) == {
        "usage": "100.00",
        "seats": "50.00",
        "invoice_tax": "12.00",
        "invoice_credit": "-5.00",
    }
    assert (found.invoice_total, found.ties) == (Decimal("157.00"), True)


def test_what_the_vendor_restated_after_the_invoice_is_late_changes() -> None:
    found = bridge(ours("104.50", at_issue="100.00"), ("usage", "100.00"))
    assert (reasons(found)["late_changes"], found.ties) == ("-4.50", True)


def test_lines_that_were_rounded_one_by_one_explain_half_a_cent_each() -> None:
    assert reasons(bridge(ours("0.99"), ("usage", "0.50"), ("usage", "0.50")))["rounding"] == "0.01"
    assert bridge(ours("0.99"), ("usage", "1.00")).unexplained == Decimal("0.01")


def test_a_difference_without_a_reason_is_shown() -> None:
    found = bridge(ours("100"), ("usage", "103.10"))
    assert (found.ties, found.document()["unexplained"]) == (False, "3.10")


def test_seats_that_are_invoiced_and_not_in_any_contract_are_unexplained() -> None:
    assert bridge(ours("100"), ("usage", "100.00"), ("seats", "25.00")).unexplained == Decimal("25.00")


cents = st.integers(-(10**9), 10**9).map(lambda units: Decimal(units).scaleb(-2))


@unhurried
@given(
    st.decimals(-(10**6), 10**6, places=8),
    st.decimals(0, 10**6, places=8),
    st.none() | st.decimals(-(10**6), 10**6, places=8),
    st.lists(st.tuples(st.sampled_from(KINDS), cents), max_size=6),
)
def test_the_bridge_always_ends_at_the_invoice(
    usage: Decimal, seats: Decimal, at_issue: Decimal | None, lines: list[tuple[str, Decimal]]
) -> None:
    charged = ("usage", "seats", "minimum")
    signed = [
        (kind, -abs(amount) if kind == "credit" else abs(amount) if kind in charged else amount)
        for kind, amount in lines
    ]
    listed = [(kind, f"{amount:f}") for kind, amount in signed]
    booked = Booked(usage, seats, Decimal(0), usage + seats, at_issue)
    rows = [f"INV-1,2026-11-03,USD,{kind},,{amount}" for kind, amount in listed] or [
        "INV-1,2026-11-03,USD,usage,,0.00"
    ]
    found = reconcile(OCTOBER, booked, invoice(*rows))
    assert total(step.amount for step in found.steps) + found.unexplained == found.invoice_total
    assert found.invoice_total == total(Decimal(amount) for _, amount in listed)


@pytest.mark.parametrize(
    ("row", "rule"),
    [
        ("INV-1,2026-11-03,EUR,usage,,1.00", "currency"),
        ("INV-1,2026-11-03,usd,usage,,1.00", "currency"),
        (",2026-11-03,USD,usage,,1.00", "invoice_id"),
        ("INV-1,,USD,usage,,1.00", "issue_date"),
        ("INV-1,yesterday,USD,usage,,1.00", "date"),
        ("INV-1,2026-11-03,USD,snacks,,1.00", "kind"),
        ("INV-1,2026-11-03,USD,usage,,1e3", "amount"),
        ("INV-1,2026-11-03,USD,usage,,", "amount"),
        ("INV-1,2026-11-03,USD,usage,,1.005", "amount"),
        ("INV-1,2026-11-03,USD,credit,,5.00", "sign"),
    ],
)
def test_a_wrong_invoice_row_is_named_with_its_rule(row: str, rule: str) -> None:
    with pytest.raises(FileRefused) as refused:
        invoice(row)
    assert [(one.file, one.row, one.rule) for one in refused.value.mistakes] == [("invoice.csv", 2, rule)]


def test_an_invoice_of_another_period_is_refused() -> None:
    with pytest.raises(FileRefused, match="its period is '2026-09'"):
        invoice("INV-1,2026-11-03,USD,usage,,1.00,2026-09", header=f"{HEADER},period")


def test_an_invoice_without_lines_is_refused() -> None:
    with pytest.raises(FileRefused, match="no lines"):
        invoice()


def test_the_bridge_as_csv_ends_with_the_unexplained_and_the_invoice() -> None:
    rows = bridge(ours("100"), ("usage", "103.10")).to_csv().decode().splitlines()
    assert rows[-2:] == ["unexplained,3.10,", "invoice_total,103.10,"]
