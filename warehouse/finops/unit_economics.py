"""What a unit of use costs: per active user, session, commit, message. Groups too small to hide a person are not
shown.

Rule book: reference finops, section 6.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Context, Decimal

from warehouse.finops.periods import Period

SMALLEST_GROUP = 5
_ROUGH = Context(prec=40, rounding=ROUND_HALF_UP)


@dataclass(frozen=True, slots=True)
class Activity:
    """What a centre did in a period, and what it cost: `count` units by `users` different people."""

    cost_center: str
    unit: str
    cost: Decimal
    count: Decimal | int
    users: int


@dataclass(frozen=True, slots=True)
class UnitCost:
    """A centre's cost of one unit in dollars, four decimals. Where `suppressed`, cost, count and users are None:
    fewer people than `SMALLEST_GROUP` stand behind it. None too where nothing was counted."""

    cost_center: str
    period: Period
    unit: str
    cost: Decimal | None
    count: Decimal | int | None
    users: int | None
    per_unit: Decimal | None
    suppressed: bool


def unit_costs(period: Period, activity: Iterable[Activity], smallest: int = SMALLEST_GROUP) -> list[UnitCost]:
    """Unit costs by centre and unit, sorted."""
    costs = []
    for one in sorted(activity, key=lambda one: (one.cost_center, one.unit)):
        if one.users < smallest:
            costs.append(UnitCost(one.cost_center, period, one.unit, None, None, None, None, True))
            continue
        per_unit = (
            _ROUGH.divide(one.cost, Decimal(one.count)).quantize(Decimal("0.0001"), context=_ROUGH)
            if one.count
            else None
        )
        costs.append(UnitCost(one.cost_center, period, one.unit, one.cost, one.count, one.users, per_unit, False))
    return costs
