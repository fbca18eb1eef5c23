"""The server's clock beside ours, learnt from `Date` headers.

Promise: `now()` is the earlier of the two, so a window planned by it never reaches past what the server has
seen.
"""

import statistics
import threading
from collections import deque
from dataclasses import dataclass
from datetime import datetime, timedelta

from warehouse.anthropic.answers import Response
from warehouse.wire.times import Clock, http_date, system_clock

_TOLERATED = timedelta(seconds=60)
# Enough to outlast one odd answer, few enough to follow a clock that is being corrected.
_REMEMBERED = 9


@dataclass(frozen=True)
class ClockSkew:
    """The finding `clock_skew`: our clock is `skew` behind (positive) or ahead of (negative) the server's."""

    skew: timedelta

    code = "clock_skew"

    def __str__(self) -> str:
        seconds = abs(self.skew.total_seconds())
        side = "behind" if self.skew > timedelta(0) else "ahead of"
        return (
            f"This machine's clock is {seconds:.0f} s {side} the API's. Windows follow the earlier of the two. "
            "Switch time synchronisation on (NTP, chrony or systemd-timesyncd) and check with `ledgerline doctor`."
        )


class ServerClock:
    """Keeps the offset between our clock and the server's. Thread-safe."""

    def __init__(self, clock: Clock = system_clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._offsets: deque[float] = deque(maxlen=_REMEMBERED)

    def observe(self, response: Response) -> None:
        """Learn from one answer. One without `Date`, or one that a cache kept (`Age`), teaches nothing."""
        server = http_date(response.headers.get("date", ""))
        if server is None or response.headers.get("age", "0").strip() not in ("", "0"):
            return
        halfway = response.requested_at + (response.received_at - response.requested_at) / 2
        # `Date` is cut to whole seconds: on average the server is half a second further.
        offset = (server - halfway).total_seconds() + 0.5
        with self._lock:
            self._offsets.append(offset)

    def skew(self) -> timedelta | None:
        """Server's clock minus ours, the median of the last few answers; None before the first."""
        with self._lock:
            return timedelta(seconds=statistics.median(self._offsets)) if self._offsets else None

    def server_now(self) -> datetime:
        """The server's time as far as we know it; ours before the first answer."""
        return self._clock() + (self.skew() or timedelta(0))

    def now(self) -> datetime:
        """The earlier of the two clocks."""
        return self._clock() + min(timedelta(0), self.skew() or timedelta(0))

    def finding(self) -> ClockSkew | None:
        """The finding `clock_skew` where the clocks are more than 60 s apart."""
        skew = self.skew()
        return ClockSkew(skew) if skew is not None and abs(skew) > _TOLERATED else None
