"""Where a month is heading: what is fixed and what is forecast, budgets beside it, days that stand out and why."""

from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal

from tests.warehouse.finops.bookkeeping import Company
from tests.warehouse.finops.made_rows import NOVEMBER, OCTOBER, cost, simple
from warehouse.finops.budgets import Budget
from warehouse.finops.inputs import CostRow
from warehouse.finops.money import total
from warehouse.finops.outlook import Outlook, make_outlook
from warehouse.finops.outlook_tables import outlook_batches
from warehouse.finops.periods import Period
from warehouse.finops.spend_days import Subject

SEPTEMBER = Period(2026, 9)


def tokens(day: date, amount: str, quantity: int, model: str = "opus", actor: str = "user_ada") -> CostRow:
    return cost(
        amount, str(day), actor, model=model, token_type="output_tokens", quantity=Decimal(quantity), unit="Tokens"
    )


def steady(day: date) -> list[CostRow]:
    """Ten dollars on a day of the week, two on one of its end."""
    return [tokens(day, "2" if day.weekday() > 4 else "10", 200 if day.weekday() > 4 else 1000)]


def outlook(
    known: int, rows_of: Callable[[date], list[CostRow]] = steady, budgets: tuple[Budget, ...] = ()
) -> Outlook:
    """October, known to some day of it, with the two months before."""
    company = Company(simple("ada:platform", "bob:data"))
    for month in (Period(2026, 8), SEPTEMBER, OCTOBER):
        end = date(2026, 10, known)
        company.rows[month] = [row for day in month.days if day < end for row in rows_of(day)]
    before = [company.prepare(Period(2026, 8)), company.prepare(SEPTEMBER)]
    return make_outlook(company.prepare(OCTOBER), before, date(2026, 10, known), budgets)


def test_a_steady_spender_is_forecast_by_its_weekdays_and_the_average_day_is_not_as_good() -> None:
    found = outlook(14)
    truth = total(row.amount for day in OCTOBER.days for row in steady(day))
    assert found.whole.month_end == truth == found.centers[0].month_end
    assert found.whole.low <= truth <= found.whole.high
    assert found.whole.naive != truth
    assert not found.is_over


def test_what_is_fixed_is_counted_as_it_is_and_not_forecast() -> None:
    def with_credit(day: date) -> list[CostRow]:
        more = [cost("-40", str(day), charge_category="Credit")] if day == date(2026, 10, 3) else []
        return [*steady(day), *more]

    with_it, without = outlook(14, with_credit), outlook(14)
    assert with_it.whole.fixed == -40
    assert with_it.whole.month_end == without.whole.month_end - 40


def test_a_month_whose_days_are_all_settled_ends_at_its_statement() -> None:
    company = Company(simple("ada:platform"))
    company.rows = {OCTOBER: [row for day in OCTOBER.days for row in steady(day)]}
    done = company.prepare(OCTOBER)
    found = make_outlook(done, [], OCTOBER.end + timedelta(days=2))
    assert found.is_over
    assert found.whole.month_end == found.whole.low == found.whole.high == done.statement.total


def test_a_budget_is_told_with_its_mark_and_whether_it_will_be_passed() -> None:
    budgets = (
        Budget(2, "platform", OCTOBER, Decimal(150), "ana"),
        Budget(3, "data", OCTOBER, Decimal(150), ""),
        Budget(4, "platform", NOVEMBER, Decimal(1), ""),
    )
    found = outlook(14, budgets=budgets)
    assert [(one.budget.cost_center, one.reached, one.breach_forecast) for one in found.budgets] == [
        ("data", 0, False),
        ("platform", 50, True),
    ]
    assert found.budgeted == 300


def spike(day: date) -> list[CostRow]:
    return [tokens(day, "300", 30_000)] if day == date(2026, 10, 7) else steady(day)


def dearer(day: date) -> list[CostRow]:
    return [tokens(day, "300", 1000)] if day == date(2026, 10, 7) else steady(day)


def other_model(day: date) -> list[CostRow]:
    return [tokens(day, "300", 1000, model="mythos")] if day == date(2026, 10, 7) else steady(day)


def test_a_dear_day_is_told_for_its_centre_its_model_and_its_actor_with_the_cause() -> None:
    for rows, cause in ((spike, "volume"), (dearer, "price")):
        found = outlook(14, rows).dear_days
        assert [(one.subject, one.cause) for one in found] == [
            (Subject("cost_center", "platform"), cause),
            (Subject("model", "opus"), cause),
            (Subject("actor", "user_ada"), cause),
        ]
        assert {one.anomaly.day for one in found} == {date(2026, 10, 7)}


def test_a_model_that_nobody_used_before_is_new_and_moves_its_centre_by_mix() -> None:
    found = {one.subject: one for one in outlook(14, other_model).dear_days}
    assert found[Subject("model", "mythos")].anomaly.score is None
    assert found[Subject("cost_center", "platform")].cause == "mix"


def test_nothing_is_called_new_because_the_tables_begin() -> None:
    company = Company(simple("ada:platform"))
    company.rows = {OCTOBER: [tokens(date(2026, 10, 1), "500", 1)]}
    assert make_outlook(company.prepare(OCTOBER), [], OCTOBER.end).dear_days == ()


def test_the_tables_have_the_outlook_row_by_row() -> None:
    found = outlook(14, spike, (Budget(2, "platform", OCTOBER, Decimal(150), "ana"),))
    tables = outlook_batches(found, [], [])
    assert tables["fct_budget"].to_pylist()[0]["reached_percent"] == 100
    assert [row["cost_center"] for row in tables["fct_forecast"].to_pylist()] == [None, "platform"]
    assert [row["subject"] for row in tables["fct_anomaly"].to_pylist()] == ["cost_center", "model", "actor"]
    assert tables["fct_anomaly"].to_pylist()[2]["actor_id"] == "user_ada"
