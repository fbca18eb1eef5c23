"""UTC time as the wire writes it and as keys carry it.

Promise: every datetime that leaves this module is aware and in UTC; nothing here reads a local time zone.
"""

import email.utils
import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta, timezone
from functools import lru_cache

Clock = Callable[[], datetime]

_RFC3339 = re.compile(
    r"(\d{4})-(\d{2})-(\d{2})[Tt ](\d{2}):(\d{2}):(\d{2})(?:\.(\d+))?(?:([Zz])|([+-])(\d{2}):([0-5]\d))",
    re.ASCII,  # digits of other scripts are digits to Python, and to nobody else
)


def system_clock() -> datetime:
    """The machine's clock, in UTC."""
    return datetime.now(UTC)


@lru_cache(maxsize=1024)  # an entry's time is asked for several times while it is taken in
def parse_rfc3339(text: str) -> datetime:
    """Read an RFC 3339 timestamp with an explicit offset; digits beyond microseconds are cut off.

    A leap second is read as :59. Raises ValueError when the text is not one (no offset, month 13), or when
    its moment has no UTC form between the years 1 and 9999.
    """
    match = _RFC3339.fullmatch(text)
    if match is None:
        raise ValueError(
            f"not an RFC 3339 timestamp with an offset: {text!r} (expected e.g. 2026-11-22T10:00:00Z)"
        )
    year, month, day, hour, minute, second = (int(part) for part in match.group(1, 2, 3, 4, 5, 6))
    fraction, zulu, sign = match.group(7, 8, 9)
    microsecond = int(((fraction or "") + "000000")[:6])
    if second == 60:  # RFC 3339 allows leap seconds, datetime does not
        second = 59
    offset = timedelta(0)
    if not zulu:
        offset = timedelta(hours=int(match.group(10)), minutes=int(match.group(11)))
        if sign == "-":
            offset = -offset
    local = datetime(year, month, day, hour, minute, second, microsecond, tzinfo=timezone(offset))
    try:
        return local.astimezone(UTC)
    except OverflowError as error:
        raise ValueError(f"the time {text!r} is outside the years 1 to 9999 in UTC") from error


def rfc3339(moment: datetime) -> str:
    """Write a moment as `2026-11-22T10:00:00Z`, with six decimals only where there are microseconds."""
    return f"{_iso(moment)}Z"


def key_time(moment: datetime) -> str:
    """Write a moment as object keys carry it, `20261122T100000Z`; finer than a second keeps its digits."""
    return f"{_iso(moment).replace('-', '').replace(':', '')}Z"


def from_key_time(text: str) -> datetime:
    """Read a moment as object keys carry it. Raises ValueError when the text is not one."""
    return parse_rfc3339(f"{text[:4]}-{text[4:6]}-{text[6:11]}:{text[11:13]}:{text[13:]}")


def http_date(text: str) -> datetime | None:
    """An HTTP date (`Tue, 21 Apr 2026 14:38:25 GMT`) in UTC, or None where it is not one."""
    try:
        moment = email.utils.parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError):
        return None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def midnight(day: date) -> datetime:
    """The first instant of a UTC day."""
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


def _iso(moment: datetime) -> str:
    """ISO 8601 without the zone. Not strftime: its %Y does not pad a year before 1000 on every platform."""
    if moment.tzinfo is None:
        raise ValueError(f"a time without a zone has no meaning here: {moment!r}")
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat()
