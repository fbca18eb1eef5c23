"""Budgets of cost centres against what was spent and what the month is forecast to end at.

Rule book: reference finops, section 6.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from decimal import Decimal
from difflib import get_close_matches

from warehouse.finops import customer_files as files
from warehouse.finops.errors import PeriodRefused
from warehouse.finops.inputs import CURRENCY
from warehouse.finops.money import EXACT, ZERO
from warehouse.finops.periods import Period

COLUMNS = ("cost_center", "period", "amount", "currency")
OPTIONAL = ("owner",)
THRESHOLDS = (50, 80, 100)


@dataclass(frozen=True, slots=True)
class Budget:
    """What a centre may spend in a month, in dollars."""

    line: int
    cost_center: str
    period: Period
    amount: Decimal
    owner: str


@dataclass(frozen=True, slots=True)
class BudgetState:
    """A budget and how it stands. `reached` is the highest threshold (percent) that was reached, 0 for none;
    `breach_forecast` says that the forecast of the month is above the budget."""

    budget: Budget
    spent: Decimal
    forecast: Decimal | None
    reached: int
    breach_forecast: bool


def read_budgets(body: bytes, name: str, known_centers: Collection[str] | None) -> tuple[Budget, ...]:
    """Read a budget file. Raises FileRefused with every mistake; a centre that no mapping knows is one.

    `known_centers` None takes every centre: for a file that was checked when it was handed in."""
    found = files.Findings(name)
    rows = files.read_rows(body, found, required=COLUMNS, optional=OPTIONAL)
    budgets: dict[tuple[str, Period], Budget] = {}
    for row in rows:
        budget = _budget(row, found, known_centers)
        if budget is None:
            continue
        first = budgets.setdefault((budget.cost_center, budget.period), budget)
        if first is not budget:
            found.add(
                row.line, "twice", f"{files.shown(budget.cost_center)} has a budget for {budget.period} in row "
                f"{first.line} already", "one row for each centre and period",
            )  # fmt: skip
    found.raise_if_any()
    return tuple(budgets.values())


def _budget(row: files.Row, found: files.Findings, known: Collection[str] | None) -> Budget | None:
    before = len(found.mistakes)
    center = row["cost_center"]
    if not center:
        found.add(row.line, "cost_center", "cost_center is empty", "the name of a cost centre")
    elif known is not None and center not in known:
        near = get_close_matches(center, sorted(known), n=1)
        found.add(
            row.line, "unknown_center", f"no mapping knows the cost centre {files.shown(center)}",
            "a centre of the mapping or of a rule, written the same way"
            + (f", such as {files.shown(near[0])}" if near else ""),
        )  # fmt: skip
    if row["currency"] != CURRENCY:
        found.add(row.line, "currency", f"currency is {files.shown(row['currency'])}", CURRENCY)
    amount = files.amount_cell(row, "amount", found)
    if amount is not None and amount < 0:
        found.add(row.line, "amount", f"amount is {amount}", "an amount of at least 0")
    try:
        period = Period.parse(row["period"])
    except PeriodRefused as error:
        found.add(row.line, "period", str(error), "a month as YYYY-MM, such as 2026-10")
        return None
    if len(found.mistakes) > before or amount is None:
        return None
    return Budget(row.line, center, period, amount, row["owner"])


def budget_states(
    budgets: Collection[Budget], period: Period, spent: Mapping[str, Decimal], forecast: Mapping[str, Decimal]
) -> list[BudgetState]:
    """How each budget of a period stands, sorted by centre. `forecast` is the month end by centre, where known."""
    states = []
    for budget in sorted((one for one in budgets if one.period == period), key=lambda one: one.cost_center):
        used, ahead = spent.get(budget.cost_center, ZERO), forecast.get(budget.cost_center)
        share = EXACT.multiply(used, Decimal(100))
        reached = [
            limit for limit in THRESHOLDS if used > 0 and share >= EXACT.multiply(budget.amount, Decimal(limit))
        ]
        states.append(
            BudgetState(budget, used, ahead, max(reached, default=0), ahead is not None and ahead > budget.amount)
        )
    return states
