"""The journal of a statement: it balances, and what it charges is the statement."""

from decimal import Decimal

from hypothesis import given

from tests.warehouse.finops.bookkeeping import Company
from tests.warehouse.finops.made_rows import NOVEMBER, OCTOBER, cost, cost_rows_of, mappings, simple, unhurried
from warehouse.finops.cost_centers import CostCenters
from warehouse.finops.inputs import CostRow
from warehouse.finops.journal import CLEARING_ACCOUNT, journal_of
from warehouse.finops.money import total


@unhurried
@given(cost_rows_of(OCTOBER), cost_rows_of(OCTOBER), mappings())
def test_debits_equal_credits_and_the_centres_are_charged_the_statement(
    before: list[CostRow], after: list[CostRow], centers: CostCenters
) -> None:
    company = Company(centers)
    company.rows[OCTOBER] = before
    company.close(OCTOBER)
    company.rows[OCTOBER] = after
    statement = company.prepare(NOVEMBER).statement
    postings = journal_of(statement).postings
    assert total(one.debit for one in postings) == total(one.credit for one in postings)
    assert total(one.debit - one.credit for one in postings if one.account != CLEARING_ACCOUNT) == statement.total
    assert all(one.debit >= 0 and one.credit >= 0 for one in postings)


def test_a_centre_with_an_account_of_its_own_is_charged_there() -> None:
    company = Company(simple("ada:platform", "bob:data"))
    company.rows[OCTOBER] = [cost("10"), cost("-4", actor="user_bob", charge_category="Credit")]
    postings = journal_of(company.prepare(OCTOBER).statement, {"data": "6100"}).postings
    assert [(one.account, one.cost_center, one.debit, one.credit) for one in postings] == [
        ("6100", "data", Decimal(0), Decimal("4.00")),
        (CLEARING_ACCOUNT, "data", Decimal("4.00"), Decimal(0)),
        ("AI-EXPENSE", "platform", Decimal("10.00"), Decimal(0)),
        (CLEARING_ACCOUNT, "platform", Decimal(0), Decimal("10.00")),
    ]


def test_the_csv_names_the_period_the_posting_date_and_the_month_that_a_correction_is_of() -> None:
    company = Company(simple("ada:platform"))
    company.rows[OCTOBER] = [cost("10")]
    company.close(OCTOBER)
    company.rows[OCTOBER] = [cost("12.5")]
    rows = journal_of(company.prepare(NOVEMBER).statement).to_csv().decode().splitlines()
    assert rows[1] == (
        '2026-11-1,1,2026-11-30,2026-11,2026-10,AI-EXPENSE,platform,2.50,0.00,USD,"Claude 2026-10, correction"'
    )
