"""Budgets: read strictly, and how they stand."""

from decimal import Decimal

import pytest

from tests.warehouse.finops.made_rows import NOVEMBER, OCTOBER
from warehouse.finops.budgets import Budget, budget_states, read_budgets
from warehouse.finops.errors import FileRefused

HEADER = "cost_center,period,amount,currency,owner"


def budgets(*rows: str) -> tuple[Budget, ...]:
    return read_budgets("\n".join([HEADER, *rows]).encode(), "budgets.csv", {"platform", "data"})


@pytest.mark.parametrize(
    ("row", "rule"),
    [
        ("marketing,2026-10,100,USD,", "unknown_center"),
        ("platform,2026-13,100,USD,", "period"),
        ("platform,2026-10,1e3,USD,", "amount"),
        ("platform,2026-10,-1,USD,", "amount"),
        ("platform,2026-10,100,EUR,", "currency"),
    ],
)
def test_a_wrong_budget_is_named_with_its_rule(row: str, rule: str) -> None:
    with pytest.raises(FileRefused) as refused:
        budgets(row)
    assert [(one.row, one.rule) for one in refused.value.mistakes] == [(2, rule)]


def test_two_budgets_for_the_same_month_are_refused() -> None:
    with pytest.raises(FileRefused, match="in row 2 already"):
        budgets("platform,2026-10,100,USD,", "platform,2026-10,120,USD,")


@pytest.mark.parametrize(
    ("spent", "reached"), [("0", 0), ("49.99", 0), ("50", 50), ("80", 80), ("99.99", 80), ("100", 100)]
)
def test_the_highest_threshold_that_was_reached_is_told(spent: str, reached: int) -> None:
    (state,) = budget_states(budgets("platform,2026-10,100,USD,ana"), OCTOBER, {"platform": Decimal(spent)}, {})
    assert (state.reached, state.breach_forecast) == (reached, False)


def test_a_forecast_above_the_budget_is_told_before_it_happens() -> None:
    (state,) = budget_states(
        budgets("platform,2026-10,100,USD,ana"),
        OCTOBER,
        {"platform": Decimal(10)},
        {"platform": Decimal("100.01")},
    )
    assert (state.reached, state.breach_forecast) == (0, True)


def test_budgets_of_other_months_are_not_asked_for() -> None:
    assert budget_states(budgets("platform,2026-10,100,USD,ana"), NOVEMBER, {"platform": Decimal(500)}, {}) == []
