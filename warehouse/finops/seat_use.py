"""Seats of a month by tier: how many were used, idle and vacant on an average day, and what each of them cost.

Promise: the fees add up to the contract's. Rule book: reference finops, section 4.2.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Context, Decimal

from warehouse.finops.inputs import CostRow
from warehouse.finops.money import EXACT, ZERO, to_cents
from warehouse.finops.periods import Period
from warehouse.finops.seats import ASSIGNED, IDLE, VACANT

_ROUGH = Context(prec=40, rounding=ROUND_HALF_UP)


@dataclass(frozen=True, slots=True)
class SeatUse:
    """One tier: seats on an average day of the month (one decimal) and fees (cents), by kind."""

    tier: str
    seats: dict[str, Decimal]
    fees: dict[str, Decimal]

    @property
    def fee(self) -> Decimal:
        return EXACT.add(EXACT.add(self.fees[ASSIGNED], self.fees[IDLE]), self.fees[VACANT])


def seat_use(period: Period, rows: Iterable[CostRow]) -> tuple[SeatUse, ...]:
    """The tiers of a month, sorted, from its rows of seats."""
    counts: dict[str, dict[str, Decimal]] = {}
    fees: dict[str, dict[str, Decimal]] = {}
    for row in rows:
        tier, kind = row.model or "", row.cost_type or ""
        of_tier = counts.setdefault(tier, dict.fromkeys((ASSIGNED, IDLE, VACANT), ZERO))
        of_fee = fees.setdefault(tier, dict.fromkeys((ASSIGNED, IDLE, VACANT), ZERO))
        of_tier[kind] = EXACT.add(of_tier[kind], row.quantity or ZERO)
        of_fee[kind] = EXACT.add(of_fee[kind], row.amount)
    return tuple(
        SeatUse(
            tier,
            {kind: _average(count, period) for kind, count in counts[tier].items()},
            {kind: to_cents(amount) for kind, amount in fees[tier].items()},
        )
        for tier in sorted(counts)
    )


def _average(count: Decimal, period: Period) -> Decimal:
    return _ROUGH.divide(count, Decimal(period.length)).quantize(Decimal("0.1"), context=_ROUGH)
