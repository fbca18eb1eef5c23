"""Which windows to ask for: pure functions of coverage and the time, no clock and no state of their own.

Promise: what is covered and what is due together make the whole span up to the settled present; no window
reaches past it, none crosses a UTC midnight, and the same input gives the same windows in the same order.
"""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from warehouse.anthropic.errors import WindowRefused
from warehouse.wire.times import rfc3339
from warehouse.wire.windows import Window, gaps, merge, split_days

# Reference 1.6: indexing lags by up to a minute as documented; a bound too tight loses records for ever.
LAG = timedelta(minutes=2)
# Late records appear behind what was read already: read the last minutes again.
OVERLAP = timedelta(minutes=10)
DAILY, WEEKLY = 1, 7


def horizon(now: datetime, lag: timedelta = LAG) -> datetime:
    """The settled present: `now - lag`, cut to the whole second (keys and queries read better so)."""
    return (now - lag).astimezone(UTC).replace(microsecond=0)


def tail_window(
    covered_end: datetime | None,
    now: datetime,
    *,
    start: datetime,
    lag: timedelta = LAG,
    overlap: timedelta = OVERLAP,
) -> Window | None:
    """`[covered_end - overlap, now - lag)`, not before `start`; None where nothing new has settled since.

    covered_end: where the newest covered window ends; None means nothing is covered, and the window begins at
    `start`.
    """
    end = horizon(now, lag)
    if covered_end is not None and covered_end >= end:
        return None
    begin = start if covered_end is None else max(start, covered_end - overlap)
    return Window(begin, end) if begin < end else None


def due_windows(
    covered: Iterable[Window],
    now: datetime,
    *,
    start: datetime,
    lag: timedelta = LAG,
    overlap: timedelta = OVERLAP,
) -> list[Window]:
    """What `pull activities` reads when nobody says from when to when.

    First the tail after the newest covered moment, with its overlap; then the holes before it; each cut at
    UTC midnights, newest first. Reading newest first means that today is answered while the backfill still
    runs.
    """
    end = horizon(now, lag)
    if end <= start:
        return []
    span = Window(start, end)
    known = [part for part in (window.clip(span) for window in merge(covered)) if part is not None]
    if not known:
        return _newest_first([span])
    newest = known[-1].end
    tail = tail_window(newest, now, start=start, lag=lag, overlap=overlap)
    # A hole inside the overlap is read with the tail already.
    before = tail.start if tail else newest
    holes = gaps(known, Window(start, before)) if start < before else []
    return _newest_first([tail] if tail else []) + _newest_first(holes)


def requested_windows(
    begin: datetime | None,
    end: datetime | None,
    *,
    now: datetime,
    start: datetime,
    lag: timedelta = LAG,
) -> list[Window]:
    """The windows of `--from` and `--to`, cut at UTC midnights, newest first.

    `begin` None means `start`; `end` None means the settled present. An end within the last `lag` is drawn
    back to the settled present. Raises WindowRefused for from at or after to, an end in the future, a begin
    before `start`, and a span of which nothing has settled yet.
    """
    settled = horizon(now, lag)
    if begin is not None and end is not None and begin >= end:
        raise WindowRefused(
            f"--from {rfc3339(begin)} is not before --to {rfc3339(end)}: exchange them, or widen the window.",
            parameter="from",
        )
    if end is not None and end > now:
        raise WindowRefused(
            f"--to {rfc3339(end)} is in the future; now is {rfc3339(now)}. The latest end that can be complete is "
            f"{rfc3339(settled)}; leave --to away to use it.",
            parameter="to",
            nearest=settled,
        )
    if begin is not None and begin < start:
        raise WindowRefused(
            f"--from {rfc3339(begin)} is before the first day of the feed, {rfc3339(start)} (the setting "
            "`anthropic.start`): ask from there on, or set an earlier start.",
            parameter="from",
            nearest=start,
        )
    first, last = start if begin is None else begin, settled if end is None else min(end, settled)
    if first >= last:
        raise WindowRefused(
            f"Nothing between {rfc3339(first)} and {rfc3339(settled)} has settled yet: records appear up to a "
            f"minute late, so the last {lag.total_seconds():.0f} s are left for the next run.",
            parameter="from",
            nearest=settled,
        )
    return _newest_first([Window(first, last)])


def reread_window(
    now: datetime, days_back: int = DAILY, *, start: datetime, lag: timedelta = LAG
) -> Window | None:
    """The whole UTC day D-1 (`DAILY`) or D-7 (`WEEKLY`) to read again for what was indexed late.

    None where that day lies before `start` or its end has not settled yet (the first minutes after midnight).
    """
    if days_back < 1:
        raise ValueError(f"only past days are read again, not D-{days_back}")
    today = now.astimezone(UTC).date()
    day = Window.of_day(today - timedelta(days=days_back))
    if day.end > horizon(now, lag) or day.end <= start:
        return None
    return Window(max(start, day.start), day.end)


def _newest_first(windows: Iterable[Window]) -> list[Window]:
    return [part for window in reversed(list(windows)) for part in reversed(split_days(window))]
