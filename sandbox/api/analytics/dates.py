"""Which days an engagement request is about (reference 3.2): one day, or a range that is rolled up.

A day can be asked for once it is counted, at 10:00 UTC on the next one. Quirk `engagement_90_days` refuses what
the support pages say is too old.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sandbox.api.analytics.query import Query
from sandbox.api.errors import invalid
from sandbox.tenant.engagement import Engagement
from sandbox.tenant.spend.ledger import FLOOR, days_between

LONGEST = 366
NAMES = ("date", "starting_date", "ending_date")
_OLD = 90


@dataclass(frozen=True, slots=True)
class Days:
    """The days [start, end); `rolled` where a range was asked for."""

    start: date
    end: date
    rolled: bool

    def all(self) -> list[date]:
        return days_between(self.start, self.end)


def days_of(query: Query, now: datetime, quirks: frozenset[str], *, end: date | None = None) -> Days:
    """The days a request asks for; 400. `end`: an open end as the first page resolved it."""
    single, start = _date(query, "date"), _date(query, "starting_date")
    given = _date(query, "ending_date")
    newest = Engagement.newest_day(now)
    if single is not None and (start is not None or given is not None):
        raise invalid("date: use either date or starting_date, not both")
    if single is None and start is None:
        raise invalid("date: Field required" if "date" in query.known else "starting_date: Field required")
    if single is not None:
        _available("date", single, newest, now, quirks)
        return Days(single, single + timedelta(days=1), rolled=False)
    if start is None:
        raise invalid("starting_date: Field required")
    _available("starting_date", start, newest, now, quirks)
    until = given or end or newest + timedelta(days=1)
    if until <= start:
        raise invalid("ending_date: must be after starting_date")
    if (until - start).days > LONGEST:
        raise invalid(f"ending_date: the range must not exceed {LONGEST} days")
    _available("ending_date", until - timedelta(days=1), newest, now, quirks)
    return Days(start, until, rolled=True)


def _date(query: Query, name: str) -> date | None:
    text = query.single.get(name)
    if text is None:
        return None
    try:
        if not re.fullmatch(r"\d{4}-\d\d-\d\d", text):
            raise ValueError(text)
        return date.fromisoformat(text)
    except ValueError as problem:
        raise invalid(f"{name}: Input should be a valid date in the format YYYY-MM-DD") from problem


def _available(name: str, day: date, newest: date, now: datetime, quirks: frozenset[str]) -> None:
    if day < FLOOR:
        raise invalid(f"{name}: data is not available before {FLOOR}")
    if day > newest:
        raise invalid(f"{name}: data for {day} is not yet available. The latest available date is {newest}.")
    if "engagement_90_days" in quirks and day < now.date() - timedelta(days=_OLD):
        raise invalid(f"{name}: must be within the last {_OLD} days")
