"""The tenant's clock: fixed, real, or real with an offset.

Everything the sandbox serves (what is visible, the `Date` header, reset instants) follows this one clock,
so a test can stand still at a moment or jump a day ahead. Times are aware UTC datetimes; microseconds since 1970
where speed counts.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def to_us(moment: datetime) -> int:
    """Microseconds since 1970-01-01T00:00:00Z, exact."""
    return (moment - _EPOCH) // _MICROSECOND


def from_us(us: int) -> datetime:
    """The aware UTC datetime of `us` microseconds since 1970."""
    return _EPOCH + timedelta(microseconds=us)


def rfc3339(moment: datetime) -> str:
    """`2026-11-22T10:00:00Z`, with microseconds only where they are not zero."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def parse_moment(text: str) -> datetime:
    """An RFC 3339 time with an explicit offset as an aware UTC datetime; ValueError otherwise."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as problem:
        raise ValueError(f"{text!r} is not a time; write it like 2026-11-22T10:00:00Z") from problem
    if moment.tzinfo is None:
        raise ValueError(f"{text!r} has no offset; end it with Z or +00:00")
    return moment.astimezone(UTC)


class Clock:
    """A clock that stands at `at`, or runs at real speed from an offset when `at` is None."""

    def __init__(self, at: datetime | None = None, offset: timedelta = timedelta(0)) -> None:
        self._at = at.astimezone(UTC) if at is not None else None
        self._offset = offset

    @classmethod
    def parse(cls, text: str) -> Clock:
        """`real`, `real+3600` / `real-86400` (seconds), or an RFC 3339 time at which the clock stands."""
        shifted = re.fullmatch(r"real([+-]\d+)?", text)
        if shifted:
            return cls(offset=timedelta(seconds=int(shifted.group(1) or 0)))
        return cls(at=parse_moment(text))

    @classmethod
    def running_from(cls, moment: datetime) -> Clock:
        """A clock that reads `moment` now and runs on at real speed."""
        return cls(offset=moment - datetime.now(UTC))

    @property
    def running(self) -> bool:
        return self._at is None

    def now(self) -> datetime:
        """The tenant's present, aware UTC."""
        return self._at if self._at is not None else datetime.now(UTC) + self._offset

    def now_us(self) -> int:
        """The tenant's present in microseconds since 1970."""
        return to_us(self.now())

    def set(self, moment: datetime) -> None:
        """Jump to `moment`; a fixed clock stays fixed, a running one runs on from there."""
        if self._at is None:
            self._offset = moment - datetime.now(UTC)
        else:
            self._at = moment.astimezone(UTC)

    def advance(self, seconds: float) -> None:
        """Jump by `seconds` (may be negative)."""
        self.set(self.now() + timedelta(seconds=seconds))
