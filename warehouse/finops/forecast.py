"""What a month will end at: the days there are, and for each day to come what its weekday cost lately.

Promise: the same days give the same figures; a naive forecast stands beside ours so that anyone can see whether it
helps. Estimates, never booked. Rule book: reference finops, section 6.
"""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Context, Decimal

from warehouse.finops.money import CENT, EXACT, ZERO, to_cents, total
from warehouse.finops.periods import Period

WEEKS = 8
SETTLING_DAYS = 2  # the newest days still grow: they are forecast like days to come
_DRAWS = 400
_BLOCK = 7
_OLD_LEVEL = Decimal("0.25")
_SEED = 20260101
_ROUGH = Context(prec=40, rounding=ROUND_HALF_UP)  # estimates may be rounded, money may not


@dataclass(frozen=True, slots=True)
class Forecast:
    """The month end in dollars, whole cents. `low` and `high` bound 80 of 100 resampled months; `naive` is the
    average day so far times the days of the month. `through` is the last day that counted as it is."""

    period: Period
    month_end: Decimal
    low: Decimal
    high: Decimal
    naive: Decimal
    to_date: Decimal
    through: date | None
    days_left: int


def forecast(period: Period, daily: Mapping[date, Decimal], known_to: date) -> Forecast:
    """Forecast a period from its cost by day, known up to `known_to` (exclusive).

    The profile of a weekday is its mean over the last eight weeks before the first day that is forecast, at the
    level of the month so far; a weekday without history takes the mean of all days. With no history at all
    everything is 0.
    """
    settled = min(max(known_to - timedelta(days=SETTLING_DAYS), period.start), period.end)
    if known_to >= period.end + timedelta(days=SETTLING_DAYS):
        settled = period.end
    past = [day for day in period.days if day < settled]
    ahead = [day for day in period.days if day >= settled]
    history = {
        settled - timedelta(days=back): daily.get(settled - timedelta(days=back), ZERO)
        for back in range(1, WEEKS * 7 + 1)
        if _began(daily) <= settled - timedelta(days=back)
    }
    to_date = total(daily.get(day, ZERO) for day in past)
    profile = _profile(history)
    misses = [EXACT.subtract(amount, profile[day.weekday()]) for day, amount in sorted(history.items())]
    low, high = _interval(misses, len(ahead), len(past))
    profile = _at_level(profile, {day: daily.get(day, ZERO) for day in past})
    # what an unsettled day has already is the least that it will have
    expected = total(max(profile[day.weekday()], daily.get(day, ZERO)) for day in ahead)
    end = EXACT.add(to_date, expected)
    naive = (
        _ROUGH.multiply(_mean([daily.get(day, ZERO) for day in past]), Decimal(period.length)) if past else ZERO
    )
    return Forecast(
        period=period,
        month_end=to_cents(end),
        # no month ends below what it has, and the forecast lies in its own interval
        low=to_cents(min(max(EXACT.add(end, low), to_date), end)),
        high=to_cents(max(EXACT.add(end, high), end)),
        naive=to_cents(naive),
        to_date=to_cents(to_date),
        through=past[-1] if past else None,
        days_left=len(ahead),
    )


def mape(pairs: Sequence[tuple[Decimal, Decimal]]) -> Decimal | None:
    """The mean absolute error of (forecast, actual) pairs in percent, one decimal; None where no actual is above
    0."""
    shares = [_ROUGH.divide(abs(ahead - actual), actual) for ahead, actual in pairs if actual > 0]
    if not shares:
        return None
    return (_mean(shares) * 100).quantize(Decimal("0.1"), rounding=ROUND_HALF_UP)


def _began(daily: Mapping[date, Decimal]) -> date:
    return min(daily, default=date.max)


def _mean(amounts: Sequence[Decimal]) -> Decimal:
    return _ROUGH.divide(total(amounts), Decimal(len(amounts))) if amounts else ZERO


def _profile(history: Mapping[date, Decimal]) -> list[Decimal]:
    everything = _mean(list(history.values()))
    by_weekday = [[amount for day, amount in history.items() if day.weekday() == weekday] for weekday in range(7)]
    return [(_mean(amounts) if amounts else everything).quantize(CENT, context=_ROUGH) for amounts in by_weekday]


def _at_level(profile: list[Decimal], past: Mapping[date, Decimal]) -> list[Decimal]:
    """The profile at the level of the month so far: prices and habits move, and eight weeks are slow to notice. A
    quarter of a week at the old level is added to both sides, so that one day does not decide alone."""
    old = _ROUGH.multiply(total(profile), _OLD_LEVEL)
    usual = EXACT.add(old, total(profile[day.weekday()] for day in past))
    if not usual:
        return profile
    factor = _ROUGH.divide(EXACT.add(old, total(past.values())), usual)
    return [_ROUGH.multiply(amount, factor).quantize(CENT, context=_ROUGH) for amount in profile]


def _interval(misses: Sequence[Decimal], days: int, known: int) -> tuple[Decimal, Decimal]:
    """The 10th and 90th percentile of how far `days` days together may miss, drawn from past misses, whole weeks
    at a time, because dear days come together. The level was told by `known` days, which miss as well."""
    if not misses or not days:
        return ZERO, ZERO
    draw = random.Random(_SEED)  # noqa: S311 - not a secret: the same seed, so that a rerun shows the same interval
    starts = range(max(1, len(misses) - _BLOCK + 1))
    weeks = [total(misses[start : start + _BLOCK]) for start in starts]

    def together(count: int) -> Decimal:
        begin = draw.choice(starts)
        rest = misses[begin : begin + count % _BLOCK]
        return total([*draw.choices(weeks, k=count // _BLOCK), *rest])

    of_level = _ROUGH.divide(Decimal(days), Decimal(known) + _BLOCK * _OLD_LEVEL)
    sums = sorted(_ROUGH.add(together(days), _ROUGH.multiply(of_level, together(known))) for _ in range(_DRAWS))
    return sums[_DRAWS // 10], sums[_DRAWS - 1 - _DRAWS // 10]
