"""Days that cost more than their weekday usually does, and why a total changed: volume, mix or price.

Promise: an explanation's three parts add up to the change, exactly. Rule book: reference finops, section 6.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Context, Decimal

from warehouse.finops.money import EXACT, ZERO, text, to_cents, total

WEEKS = 8
LEAST_WEEKS = 3
LEAST_AMOUNT = Decimal(50)
LIMIT = Decimal(5)
_ROUGH = Context(prec=60, rounding=ROUND_HALF_UP)
_TO_SIGMA = Decimal("1.4826")  # a median deviation as a standard deviation, for a normal distribution
_FLOOR = Decimal("0.1")  # a deviation is at least a tenth of what is usual: steady spenders are not suspects


@dataclass(frozen=True, slots=True)
class Anomaly:
    """One day of one subject (a centre, a user, a model). `score` is how many deviations above usual, None for a
    subject that is new."""

    subject: str
    day: date
    amount: Decimal
    usual: Decimal
    score: Decimal | None
    reason: str


def anomalies(
    subject: str, daily: Mapping[date, Decimal], days: Sequence[date], *, least: Decimal = LEAST_AMOUNT
) -> list[Anomaly]:
    """The days among `days` on which a subject cost far more than on the same weekday of the eight weeks before.

    A day counts from `least` dollars above usual and from five median deviations. A subject whose first cost at
    all lies on such a day is `new`. Days without a row cost 0.
    """
    first = min((day for day, amount in daily.items() if amount > 0), default=None)
    found = []
    for day in sorted(days):
        amount = daily.get(day, ZERO)
        if amount < least or first is None:
            continue
        before = [
            daily.get(day - timedelta(weeks=week), ZERO)
            for week in range(1, WEEKS + 1)
            if day - timedelta(weeks=week) >= first
        ]
        if day == first:
            found.append(Anomaly(subject, day, amount, ZERO, None, "new: its first day with any cost"))
        elif len(before) >= LEAST_WEEKS:
            usual = _median(before)
            deviation = _ROUGH.multiply(_median([abs(one - usual) for one in before]), _TO_SIGMA)
            deviation = max(deviation, _ROUGH.multiply(usual, _FLOOR), Decimal("0.01"))
            above = EXACT.subtract(amount, usual)
            score = _ROUGH.divide(above, deviation)
            if above >= least and score >= LIMIT:
                reason = f"{text(to_cents(amount), 2)} where this weekday usually costs {text(to_cents(usual), 2)}"
                found.append(Anomaly(subject, day, amount, usual, score.quantize(Decimal("0.1")), reason))
    return found


def _median(amounts: Sequence[Decimal]) -> Decimal:
    ordered = sorted(amounts)
    middle = len(ordered) // 2
    if len(ordered) % 2:
        return ordered[middle]
    return _ROUGH.divide(_ROUGH.add(ordered[middle - 1], ordered[middle]), Decimal(2))


@dataclass(frozen=True, slots=True)
class Volume:
    """What one kind of use (a model, say) cost, and how much of it there was."""

    amount: Decimal
    quantity: Decimal


@dataclass(frozen=True, slots=True)
class Change:
    """A change of cost in three parts that add up to it. `volume`: more or less of everything. `mix`: another
    share of dear and cheap kinds, new and gone kinds included. `price`: the same kinds at another price."""

    change: Decimal
    volume: Decimal
    mix: Decimal
    price: Decimal

    @property
    def cause(self) -> str:
        """The part that moved most, in the direction of the change."""
        parts = {"volume": self.volume, "mix": self.mix, "price": self.price}
        return max(parts, key=lambda name: parts[name] if self.change >= 0 else -parts[name])


def explain_change(before: Mapping[str, Volume], after: Mapping[str, Volume]) -> Change:
    """Explain by kind of use why `after` cost another sum than `before`.

    Volume is the change of the whole quantity at the old average price; price is, for kinds on both sides, the new
    quantity at the change of its price; mix is what is left.
    """
    old, new = (total(kind.amount for kind in side.values()) for side in (before, after))
    change = EXACT.subtract(new, old)
    old_quantity, new_quantity = (total(kind.quantity for kind in side.values()) for side in (before, after))
    if not old_quantity:
        return Change(change, change, ZERO, ZERO)
    volume = _ROUGH.divide(_ROUGH.multiply(old, EXACT.subtract(new_quantity, old_quantity)), old_quantity)
    price = total(
        EXACT.subtract(
            kind.amount, _cents(_ROUGH.multiply(kind.quantity, before[name].amount), before[name].quantity)
        )
        for name, kind in after.items()
        if name in before and before[name].quantity
    )
    volume = to_cents(volume)
    return Change(change, volume, EXACT.subtract(change, EXACT.add(volume, price)), price)


def _cents(product: Decimal, quantity: Decimal) -> Decimal:
    return to_cents(_ROUGH.divide(product, quantity))
