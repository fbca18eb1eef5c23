"""The calendar month in UTC, its states, and what each state allows.

    open -> provisional -> closed -> reopened -> closed -> ...

Promise: a closed period changes only by `reopen`, which says who and why. Rule book: reference finops, section 5.
"""

import re
from calendar import monthrange
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

from warehouse.finops.errors import PeriodRefused, TooEarly
from warehouse.finops.inputs import Coverage

State = Literal["open", "provisional", "closed", "reopened"]

# The vendor moves figures for up to 30 days; older ones are final (reference: anthropic APIs, section 3.6).
RESTATED_DAYS = 30
_STEPS: dict[State, tuple[State, ...]] = {
    "open": ("provisional", "closed"),
    "provisional": ("provisional", "closed"),
    "closed": ("reopened",),
    "reopened": ("closed",),
}


@dataclass(frozen=True, order=True)
class Period:
    """A calendar month, UTC."""

    year: int
    month: int

    @classmethod
    def parse(cls, text: str) -> "Period":
        """`2026-10`. Raises PeriodRefused."""
        match = re.fullmatch(r"(\d{4})-(0[1-9]|1[0-2])", text, re.ASCII)
        if match is None or match.group(1) == "0000":
            raise PeriodRefused(f"{text!r} is no period; write a month as YYYY-MM, such as 2026-10")
        return cls(int(match.group(1)), int(match.group(2)))

    @classmethod
    def of(cls, day: date) -> "Period":
        return cls(day.year, day.month)

    @property
    def start(self) -> date:
        return date(self.year, self.month, 1)

    @property
    def end(self) -> date:
        """The first day after it."""
        return self.start + timedelta(days=self.length)

    @property
    def length(self) -> int:
        """Its days."""
        return monthrange(self.year, self.month)[1]

    @property
    def days(self) -> list[date]:
        return [self.start + timedelta(days=number) for number in range(self.length)]

    @property
    def next(self) -> "Period":
        return Period.of(self.end)

    @property
    def final_from(self) -> date:
        """The first day on which the vendor restates no day of it any more."""
        return self.end + timedelta(days=RESTATED_DAYS)

    def __contains__(self, day: object) -> bool:
        return isinstance(day, date) and self.start <= day < self.end

    def __str__(self) -> str:
        return f"{self.year:04d}-{self.month:02d}"


def step(period: Period, before: State, after: State) -> State:
    """The state after a step. Raises PeriodRefused where the state before does not allow it."""
    if after in _STEPS[before]:
        return after
    if (before, after) == ("closed", "closed"):
        raise PeriodRefused(
            f"{period} is closed already. Later changes are corrections in the next open period; to publish "
            f"another statement of {period} itself, reopen it with a reason first"
        )
    if after == "reopened":
        raise PeriodRefused(f"{period} is {before}, not closed: there is nothing to reopen")
    raise PeriodRefused(f"{period} is {before}; it cannot become {after}")


def check_closable(period: Period, *, today: date, coverage: Coverage, forced: bool = False) -> list[str]:
    """Whether a period may be closed today.

    Raises TooEarly with every reason and with the day from which it can be done. With `forced` the reasons are
    returned instead, to be recorded; a period that has not ended yet cannot be forced either.
    """
    if today < period.end:
        raise TooEarly(f"{period} has not ended: it can be closed from {period.final_from} on", period.final_from)
    reasons = []
    missing = [day for day in period.days if day not in coverage.complete]
    if missing:
        shown = ", ".join(str(day) for day in missing[:5]) + (", ..." if len(missing) > 5 else "")
        reasons.append(
            f"{len(missing)} of its {period.length} days are not complete ({shown}); pull them with "
            f"`ledgerline pull cost --from {missing[0]} --to {missing[-1] + timedelta(days=1)}`"
        )
    stale = [day for day in period.days if day in coverage.unsettled]
    if stale and today >= period.final_from:
        reasons.append(
            f"{len(stale)} of its days were last read when they could still be restated (first {stale[0]}); run "
            "`ledgerline pull cost` once more"
        )
    apart = sorted(day for day in coverage.disagreeing if day in period)
    if apart:
        reasons.append(
            f"the rows of {len(apart)} of its days do not add up to the vendor's total (first {apart[0]}; see "
            f"`agrees` in cost_days); read it again with `ledgerline pull cost --from {apart[0]} --to "
            f"{apart[0] + timedelta(days=1)}`, and if it stays so, ask the vendor"
        )
    if today < period.final_from:
        reasons.append(f"the vendor may restate its days until {period.final_from}")
    if reasons and not forced:
        until = period.final_from if today < period.final_from else None
        when = f"it can be closed from {until} on" if until else "it can be closed when that is done"
        raise TooEarly(
            f"{period} cannot be closed yet: {'; '.join(reasons)}. Then {when}. "
            f"To close earlier, give --force and --reason; both are recorded",
            until,
        )
    return reasons


def books_corrections_of(period: Period, states: Mapping[Period, State]) -> list[Period]:
    """The closed periods whose later changes are booked in this open one: those for which it is the next open."""
    earlier: Iterable[Period] = (known for known, state in states.items() if state == "closed" and known < period)
    return sorted(closed for closed in earlier if _next_open(closed, states) == period)


def check_reopenable(period: Period, booked_elsewhere: Iterable[Period]) -> None:
    """Raises PeriodRefused where closed periods hold corrections of this one: they would be counted twice."""
    holding = sorted(booked_elsewhere)
    if holding:
        raise PeriodRefused(
            f"corrections of {period} are booked in {', '.join(str(one) for one in holding)}, which is closed; "
            f"reopen {holding[-1]} first, or leave {period} closed and let further changes be corrections"
        )


def _next_open(period: Period, states: Mapping[Period, State]) -> Period:
    following = period.next
    while states.get(following) == "closed":
        following = following.next
    return following
