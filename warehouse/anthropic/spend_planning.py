"""Which days of usage and cost to ask for: pure functions of coverage, freshness and the time.

Reference 3.6. Promise: whole UTC days only, none past what the vendor's figures reach, no window above 31 days,
as few windows as that allows; every day is asked for again after each refresh until it is final.
"""

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, timedelta

from warehouse.anthropic.errors import WindowRefused
from warehouse.anthropic.spend import LONGEST_WINDOW
from warehouse.wire.times import midnight, parse_rfc3339, rfc3339
from warehouse.wire.windows import Window, gaps, merge

_DAY = timedelta(days=1)
# "Nothing before 2026-01-01 anywhere in this API", and nothing older than a year.
FIRST_DAY = date(2026, 1, 1)
REACH = timedelta(days=365)


def first_day(now: datetime, start: date) -> date:
    """The oldest day that can be asked for: not before `start`, 2026, or the last 365 days."""
    reach = (now - REACH).astimezone(UTC).date() + _DAY
    return max(start, FIRST_DAY, reach)


def whole_days_until(refreshed_at: datetime) -> datetime:
    """The end of the last day that the figures cover wholly."""
    return midnight(refreshed_at.astimezone(UTC).date())


def due_days(
    covered: Iterable[Window], unsettled: Mapping[str, str], refreshed_at: datetime, *, first: date
) -> list[Window]:
    """What `pull cost` reads when nobody says from when to when, newest first.

    covered: the windows pulled so far. unsettled: by day (`2026-11-22`), the `data_refreshed_at` of its newest
    pull, of those days that were not final then. Due are days never pulled, and unsettled ones whose figures are
    older than `refreshed_at`.
    """
    end = whole_days_until(refreshed_at)
    if midnight(first) >= end:
        return []
    return cut(due_within(covered, unsettled, refreshed_at, Window(midnight(first), end)))


def due_within(
    covered: Iterable[Window], unsettled: Mapping[str, str], refreshed_at: datetime, span: Window
) -> list[Window]:
    """What of a span was never read, and its days that were unsettled when they were read before
    `refreshed_at`."""
    days = [
        Window.of_day(day)
        for day in span.days()
        if (known := unsettled.get(day.isoformat())) is not None and parse_rfc3339(known) < refreshed_at
    ]
    return [*days, *gaps(covered, span)]


def requested_days(
    begin: datetime | None,
    end: datetime | None,
    *,
    refreshed_at: datetime,
    first: date,
    covered: Iterable[Window] = (),
    unsettled: Mapping[str, str] | None = None,
    again: bool | None = None,
) -> list[Window]:
    """The windows of `--from` and `--to`: of the whole days that they touch, newest first.

    `begin` None means the first day; `end` None, and any end past it, means as far as the figures reach. `covered`
    and `unsettled` are those of `due_days`. Where days of the range were never read, only what is due of it is
    asked for: a backfill that was interrupted goes on where it was. Where all of it was read, all of it is read
    again. `again` says which of the two it is to be, whatever was read. Raises WindowRefused for from at or after
    to, a begin before `first`, and days that the figures do not reach yet.
    """
    latest = whole_days_until(refreshed_at)
    if begin is not None and end is not None and begin >= end:
        raise WindowRefused(
            f"--from {rfc3339(begin)} is not before --to {rfc3339(end)}: exchange them, or widen the window.",
            parameter="from",
        )
    start = midnight(first) if begin is None else midnight(begin.astimezone(UTC).date())
    if start < midnight(first):
        raise WindowRefused(
            f"--from {rfc3339(start)} is before {first}, the first day that can be asked for: the API has "
            f"nothing before {FIRST_DAY} nor older than 365 days, and the setting `anthropic.start` may be later. "
            f"Ask from {first} on.",
            parameter="from",
            nearest=midnight(first),
        )
    stop = latest if end is None else min(latest, _up_to_midnight(end))
    if start >= stop:
        raise WindowRefused(
            f"The figures reach to {rfc3339(refreshed_at)}, so no day from {start.date()} on is whole yet. The "
            f"last whole day is {(latest - _DAY).date()}.",
            parameter="from",
            nearest=latest - _DAY,
        )
    span, held = Window(start, stop), list(covered)
    if again is None:
        again = not gaps(held, span)
    return cut([span] if again else due_within(held, unsettled or {}, refreshed_at, span))


def cut(windows: Iterable[Window]) -> list[Window]:
    """As few windows of at most 31 days as hold all of these, newest first.

    Two holes within 31 days are read as one window with what lies between: a request more costs more than rows
    that are known already.
    """
    found: list[Window] = []
    rest = merge(windows)
    while rest:
        end = rest[-1].end
        earliest = end - LONGEST_WINDOW
        start = min(max(window.start, earliest) for window in rest if window.end > earliest)
        found.append(Window(start, end))
        rest = [left for window in rest if (left := _before(window, start)) is not None]
    return found


def _before(window: Window, moment: datetime) -> Window | None:
    end = min(window.end, moment)
    return Window(window.start, end) if window.start < end else None


def _up_to_midnight(moment: datetime) -> datetime:
    day = midnight(moment.astimezone(UTC).date())
    return day if day == moment else day + _DAY
