"""Times and windows as people give them to `--from`, `--to`, `--since` and `--as-of`.

Promise: every moment is UTC; what cannot be meant (from after to, the future, before the first day) is refused
with the value that would do.
"""

from datetime import date, datetime, timedelta

from orchestration.cli.failures import CannotRun
from warehouse.wire.times import Clock, midnight, parse_rfc3339, rfc3339, system_clock

FORMS = "2026-11-22T10:00:00Z, 2026-11-22 (midnight UTC), today, yesterday or now"


def moment(text: str, option: str, clock: Clock = system_clock) -> datetime:
    """The moment that `text` names, in UTC. Raises CannotRun, naming `option`."""
    word, now = text.strip().casefold(), clock()
    is_day = len(word) == len("2026-11-22")
    if word == "now":
        return now
    if word in ("today", "yesterday"):
        return midnight(now.date() - timedelta(days=word == "yesterday"))
    try:
        return midnight(date.fromisoformat(word)) if is_day else parse_rfc3339(text.strip())
    except (ValueError, OverflowError):
        raise CannotRun(
            f"{option} {text!r} is not a time", remedy=f"write it as one of: {FORMS}", kind="usage"
        ) from None


def past_moment(text: str | None, option: str, clock: Clock = system_clock) -> datetime | None:
    """As `moment`, but None for None, and refused where it lies in the future."""
    if text is None:
        return None
    found = moment(text, option, clock)
    now = clock()
    if found > now:
        raise CannotRun(
            f"{option} {rfc3339(found)} is in the future (it is {rfc3339(now.replace(microsecond=0))})",
            remedy=f"the latest that makes sense is: {option} now",
            kind="usage",
        )
    return found


def window(
    from_text: str | None, to_text: str | None, first_day: date, clock: Clock = system_clock
) -> tuple[datetime | None, datetime | None]:
    """`--from` and `--to` as a half-open window; None where one is not given. Raises CannotRun."""
    if to_text is not None and from_text is None:
        raise CannotRun(
            "--to is given without --from",
            remedy=f"add --from, for example --from {first_day}; without both, what is due is pulled",
            kind="usage",
        )
    start, end = past_moment(from_text, "--from", clock), past_moment(to_text, "--to", clock)
    earliest = midnight(first_day)
    for given, option in ((start, "--from"), (end, "--to")):
        if given is not None and given < earliest:
            raise CannotRun(
                f"{option} {rfc3339(given)} is before anthropic.start, which is {first_day}",
                remedy=f"use {option} {first_day} or later, or set an earlier start in the configuration",
                kind="usage",
            )
    if start is not None and end is not None and start >= end:
        raise CannotRun(
            f"--from {rfc3339(start)} is not before --to {rfc3339(end)}; a window is [from, to)",
            remedy="swap them, or leave one out; for one whole day write --from 2026-11-22 --to 2026-11-23",
            kind="usage",
        )
    return start, end


def past_months(text: str, option: str, clock: Clock = system_clock) -> list[date]:
    """The first days of the months in `2026-05` or `2026-01..2026-06`, all of which are over. Raises CannotRun."""
    from warehouse.finops.errors import PeriodRefused  # noqa: PLC0415 - of use to few commands
    from warehouse.finops.periods import Period  # noqa: PLC0415

    first, _, last = text.partition("..")
    try:
        month, until = Period.parse(first), Period.parse(last if ".." in text else first)
    except PeriodRefused as error:
        raise CannotRun(
            f"{option}: {error}", remedy=f"write {option} 2026-05, or {option} 2026-01..2026-06", kind="usage"
        ) from None
    if month > until or until >= Period.of(clock().date()):
        wrong = "the later month comes first" if month > until else f"{until} is not over"
        raise CannotRun(f"{option} {text}: {wrong}", remedy="name months that are over", kind="usage")
    found = []
    while month <= until:
        found.append(month.start)
        month = Period.of(month.end)
    return found
