"""Where a month is heading: its forecast and its budgets by centre, the days that cost too much and why.

Promise: estimates, never booked; the same months give the same figures. What is fixed (seats, credits,
corrections) counts as it is, only use is forecast. Rule book: reference finops, section 6.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal

from warehouse.finops.allocation import AllocatedLine
from warehouse.finops.anomalies import Anomaly, anomalies, explain_change
from warehouse.finops.budgets import Budget, BudgetState, budget_states
from warehouse.finops.forecast import Forecast, forecast
from warehouse.finops.money import EXACT, minus, to_cents, total
from warehouse.finops.periods import Period
from warehouse.finops.preparing import Prepared
from warehouse.finops.spend_days import KINDS, SpendDays, Subject, spend_days, volumes_of

MONTHS_OF_HISTORY = 2  # eight weeks before the first of a month lie in the two months before it
_WEEK = timedelta(weeks=1)
_KNOWN_FOR = timedelta(weeks=3)  # before that, everything is new because the tables are


@dataclass(frozen=True, slots=True)
class CenterForecast:
    """What a centre's statement will end at, in cents: `use` is forecast, `fixed` stands already. `center` None:
    all of them together."""

    center: str | None
    use: Forecast
    fixed: Decimal

    @property
    def month_end(self) -> Decimal:
        return EXACT.add(self.use.month_end, self.fixed)

    @property
    def low(self) -> Decimal:
        return EXACT.add(self.use.low, self.fixed)

    @property
    def high(self) -> Decimal:
        return EXACT.add(self.use.high, self.fixed)

    @property
    def naive(self) -> Decimal:
        return EXACT.add(self.use.naive, self.fixed)


@dataclass(frozen=True, slots=True)
class DearDay:
    """An anomaly with its subject, and which part of the change against a week before moved most: volume, mix,
    price, or None where there are no tokens to tell by."""

    subject: Subject
    anomaly: Anomaly
    cause: str | None


@dataclass(frozen=True)
class Outlook:
    """`known_to` is the first day whose cost is not known yet. `whole` is the forecast of the statement; `centers`
    those of each centre, sorted. `budgeted` is the sum of the month's budgets, None where it has none."""

    period: Period
    known_to: date
    whole: CenterForecast
    centers: tuple[CenterForecast, ...]
    budgets: tuple[BudgetState, ...]
    dear_days: tuple[DearDay, ...]

    @property
    def budgeted(self) -> Decimal | None:
        return total(state.budget.amount for state in self.budgets) if self.budgets else None

    @property
    def spent_of_budgeted(self) -> Decimal:
        """What the centres that have a budget have spent."""
        return total(state.spent for state in self.budgets)

    @property
    def is_over(self) -> bool:
        """Whether all days are known and settled, so that nothing is estimated."""
        return self.whole.use.days_left == 0


def make_outlook(
    done: Prepared, before: Sequence[Prepared], known_to: date, budgets: Sequence[Budget] = ()
) -> Outlook:
    """The outlook of a month from its allocation and those of the two months before it (fewer where there are
    none). `known_to` is the first day that was not read to its end."""
    period = done.statement.period
    months = [*(one.allocation.lines for one in before[-MONTHS_OF_HISTORY:]), done.allocation.lines]
    days = spend_days(months)
    booked = done.statement.by_center()
    centers = tuple(
        _forecast(period, days, Subject("cost_center", center), known_to, amount)
        for center, amount in sorted(booked.items())
    )
    return Outlook(
        period=period,
        known_to=known_to,
        whole=_whole(period, days, known_to, done.statement.total, centers),
        centers=centers,
        budgets=tuple(budget_states(budgets, period, booked, {str(one.center): one.month_end for one in centers})),
        dear_days=_dear_days(days, period, known_to, months),
    )


def _forecast(
    period: Period, days: SpendDays, subject: Subject, known_to: date, booked: Decimal
) -> CenterForecast:
    daily = days.of(subject)
    return CenterForecast(subject.name, forecast(period, daily, known_to), _fixed(period, daily, booked))


def _whole(
    period: Period, days: SpendDays, known_to: date, booked: Decimal, centers: Sequence[CenterForecast]
) -> CenterForecast:
    """All centres: their month ends add up to it; how far it may miss is drawn from the days of all together."""
    daily: dict[date, Decimal] = defaultdict(Decimal)
    for subject in days.subjects("cost_center"):
        for day, amount in days.of(subject).items():
            daily[day] = EXACT.add(daily[day], amount)
    use, fixed = forecast(period, daily, known_to), _fixed(period, daily, booked)
    shift = minus(total(one.month_end for one in centers), EXACT.add(use.month_end, fixed))
    month_end, low, high = (EXACT.add(one, shift) for one in (use.month_end, use.low, use.high))
    return CenterForecast(None, replace(use, month_end=month_end, low=low, high=high), fixed)


def _fixed(period: Period, daily: Mapping[date, Decimal], booked: Decimal) -> Decimal:
    """What is booked and is no use: seats, credits, corrections, roundings."""
    used = total(amount for day, amount in daily.items() if day in period)
    return to_cents(minus(booked, used))


def _dear_days(
    days: SpendDays, period: Period, known_to: date, months: Sequence[Sequence[AllocatedLine]]
) -> tuple[DearDay, ...]:
    looked_at = [day for day in period.days if day < known_to]
    first = days.first
    found: list[DearDay] = []
    for kind in KINDS:
        for subject in days.subjects(kind):
            for one in anomalies(subject.name, days.of(subject), looked_at):
                if one.score is None and (first is None or one.day < first + _KNOWN_FOR):
                    continue
                found.append(DearDay(subject, one, None))
    wanted: dict[Subject, set[date]] = defaultdict(set)
    for dear in found:
        wanted[dear.subject] |= {dear.anomaly.day, dear.anomaly.day - _WEEK}
    volumes = volumes_of(months, wanted) if wanted else {}
    explained = []
    for dear in found:
        now = volumes.get((dear.subject, dear.anomaly.day), {})
        then = volumes.get((dear.subject, dear.anomaly.day - _WEEK), {})
        known = dear.anomaly.score is not None and now and any(kind.quantity for kind in then.values())
        explained.append(replace(dear, cause=explain_change(then, now).cause) if known else dear)
    return tuple(
        sorted(
            explained,
            key=lambda one: (KINDS.index(one.subject.kind), -_above(one.anomaly), one.anomaly.day, one.subject),
        )
    )


def _above(one: Anomaly) -> Decimal:
    return minus(one.amount, one.usual)
