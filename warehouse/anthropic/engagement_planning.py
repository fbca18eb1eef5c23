"""Which days of engagement to ask for: pure functions of coverage and the time.

Reference 3.2. Promise: whole UTC days only, none before it is counted; a day is asked for again after each
counting until it is a week old, because the vendor revises it by a few percent meanwhile.
"""

from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta

from warehouse.anthropic.engagement import PROMISED
from warehouse.anthropic.errors import WindowRefused
from warehouse.anthropic.spend_planning import FIRST_DAY, due_within, whole_days_until
from warehouse.wire.times import midnight, rfc3339
from warehouse.wire.windows import Window, gaps, merge

# "Day D is aggregated at 10:00 UTC on D+1."
COUNTED_AT = time(10, tzinfo=UTC)
# "Revised by a few percent over some days"; an older guide made everybody wait for three. A week is safe.
SETTLES_AFTER = 7
_DAY = timedelta(days=1)


def last_count(now: datetime) -> datetime:
    """The last moment at which the vendor counted days."""
    now = now.astimezone(UTC)
    today = datetime.combine(now.date(), COUNTED_AT)
    return today if now >= today else today - _DAY


def promised_from(now: datetime, start: date) -> date:
    """The oldest day that is asked for unless somebody asks for more."""
    return max(start, FIRST_DAY, (now - PROMISED).astimezone(UTC).date())


def due(
    covered: list[Window], unsettled: Mapping[str, str], now: datetime, *, start: date, longest: timedelta
) -> list[Window]:
    """What a pull reads when nobody says from when to when, newest first: days never read, of the last 90 and
    between those that were read; and days that had not
    settled when they were read, if the vendor has counted since."""
    first = promised_from(now, start)
    if covered:
        first = min(first, max(covered[0].start.date(), start))
    counted = last_count(now)
    end = whole_days_until(counted)
    if midnight(first) >= end:
        return []
    return _sliced(due_within(covered, unsettled, counted, Window(midnight(first), end)), longest)


def requested(
    begin: datetime | None,
    end: datetime | None,
    *,
    now: datetime,
    start: date,
    longest: timedelta,
    covered: list[Window],
    unsettled: Mapping[str, str],
) -> list[Window]:
    """The windows of `--from` and `--to`: of the whole days that they touch, newest first.

    Where days of the range were never read, only what is due of it: a backfill that was interrupted goes on where
    it was. Where all of it was read, all of it is read again.

    Raises WindowRefused for from at or after to, a begin before 2026 or before the first day of the
    configuration, and days that are not counted yet.
    """
    counted = last_count(now)
    first, latest = max(start, FIRST_DAY), whole_days_until(counted)
    if begin is not None and end is not None and begin >= end:
        raise WindowRefused(
            f"--from {rfc3339(begin)} is not before --to {rfc3339(end)}: exchange them, or widen the window.",
            parameter="from",
        )
    low = midnight(first) if begin is None else midnight(begin.astimezone(UTC).date())
    if low < midnight(first):
        raise WindowRefused(
            f"--from {rfc3339(low)} is before {first}, the first day that can be asked for: the API has nothing "
            f"before {FIRST_DAY}, and the setting `anthropic.start` may be later. Ask from {first} on.",
            parameter="from",
            nearest=midnight(first),
        )
    high = latest if end is None else min(latest, _up_to_midnight(end))
    if low >= high:
        raise WindowRefused(
            f"No day from {low.date()} on is counted yet: the vendor counts a day at 10:00 UTC on the next one. "
            f"The newest counted day is {(latest - _DAY).date()}.",
            parameter="from",
            nearest=latest - _DAY,
        )
    span = Window(low, high)
    return _sliced(due_within(covered, unsettled, counted, span) if gaps(covered, span) else [span], longest)


def _sliced(windows: list[Window], longest: timedelta) -> list[Window]:
    """Windows of at most `longest`, newest first. Holes are not joined: each day between them would be a
    request."""
    found = []
    for window in reversed(merge(windows)):
        end = window.end
        while end > window.start:
            begin = max(window.start, end - longest)
            found.append(Window(begin, end))
            end = begin
    return found


def _up_to_midnight(moment: datetime) -> datetime:
    day = midnight(moment.astimezone(UTC).date())
    return day if day == moment else day + _DAY
