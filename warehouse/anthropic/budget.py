"""One rate budget per API and organisation: requests wait here until they may be sent.

Promise: in no minute are more than `requests_per_minute * share` requests sent through a budget, by however
many threads; what the server's headers say is obeyed where it is less. Clock and sleep are handed in, so it
can be tested.
"""

import math
import threading
import time
from collections import deque
from collections.abc import Callable

from warehouse.anthropic.answers import Response
from warehouse.anthropic.patience import OnWait, Wait
from warehouse.wire.times import http_date, parse_rfc3339

_MINUTE = 60.0
# The header's minute ends within a minute; a reset further off is a broken clock somewhere, not an instruction.
_LONGEST_RESET = 2 * _MINUTE
# Waits that nobody needs to be told of.
_UNREMARKABLE = 1.0


class Budget:
    """A sliding minute of requests, narrowed by the `anthropic-ratelimit-requests-*` headers and by holds.

    `share` is this process's part of the organisation's budget (1/workers): of what the server says remains,
    too, only that part is spent before the reset. Thread-safe. A share under one request a minute spaces them
    further.
    """

    def __init__(
        self,
        requests_per_minute: float = 600,
        *,
        share: float = 1.0,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        if requests_per_minute <= 0 or not 0 < share <= 1:
            raise ValueError(
                f"a budget needs requests_per_minute above 0 and a share in (0, 1], "
                f"not {requests_per_minute} and {share}"
            )
        self._configured = float(requests_per_minute)
        self._share = share
        self._monotonic = monotonic
        self._sleep = sleep
        self._lock = threading.Lock()
        self._sent: deque[float] = deque()
        self._granted = self._configured  # what the server's `limit` header says, never above ours
        self._allowance: int | None = None  # requests left before the reset, None while unknown
        self._reset_at = 0.0
        self._reset_text = ""
        self._held_until = 0.0
        self._held_for = ""

    def __repr__(self) -> str:
        return f"Budget({self.requests_per_minute:g} requests a minute)"

    @property
    def requests_per_minute(self) -> float:
        """What may be spent here in a minute, by configuration, share and the server's limit."""
        return self._granted * self._share

    def take(self, on_wait: OnWait | None = None) -> None:
        """Wait until one request may be sent, and count it as sent."""
        told = False
        while True:
            with self._lock:
                now = self._monotonic()
                wait = self._wait(now)
                if wait is None:
                    self._sent.append(now)
                    if self._allowance is not None:
                        self._allowance -= 1
                    return
            if on_wait is not None and not told and wait.seconds >= _UNREMARKABLE:
                on_wait(wait)
                told = True
            # A wait of no measurable length would spin on a clock that does not move by it.
            self._sleep(max(wait.seconds, 0.001))

    def hold(self, seconds: float, reason: str = "rate limit") -> None:
        """Nothing more is sent for so many seconds, by any thread: the answer to a 429."""
        with self._lock:
            until = self._monotonic() + seconds
            if until > self._held_until:
                self._held_until, self._held_for = until, reason

    def observe(self, response: Response) -> None:
        """Read the rate headers of an answer: limit, remaining, reset (RFC 3339). Absent or odd ones are
        ignored."""
        limit = _number(response.headers.get("anthropic-ratelimit-requests-limit"))
        remaining = _number(response.headers.get("anthropic-ratelimit-requests-remaining"))
        reset_text = response.headers.get("anthropic-ratelimit-requests-reset", "")
        seconds = _seconds_until(reset_text, response)
        with self._lock:
            if response.status == 429 and response.retry_after() is not None:
                # It says itself how long to wait (see `hold`); its reset may be a whole minute off.
                self._allowance = None
                return
            if limit:
                self._granted = min(self._configured, float(limit))
            if remaining is None or seconds is None:
                return
            left = math.floor(remaining * self._share + 1e-9)
            known = self._allowance is not None and reset_text == self._reset_text
            # Within one of the server's minutes the count only falls: an answer overtaken by a later one must not
            # raise it again.
            self._allowance = min(self._allowance, left) if known and self._allowance is not None else left
            if not known:
                self._reset_text = reset_text
                self._reset_at = self._monotonic() + seconds

    def _wait(self, now: float) -> Wait | None:
        if now < self._held_until:
            return Wait(self._held_until - now, self._held_for)
        if self._allowance is not None:
            if now >= self._reset_at:
                self._allowance = None
            elif self._allowance <= 0:
                return Wait(self._reset_at - now, "rate limit, until the server's reset")
        rate = self.requests_per_minute
        capacity = max(1, math.floor(rate + 1e-9))
        span = _MINUTE if rate >= 1 else _MINUTE / rate
        while self._sent and self._sent[0] + span <= now:
            self._sent.popleft()
        if len(self._sent) >= capacity:
            free_at = self._sent[len(self._sent) - capacity] + span
            return Wait(free_at - now, f"keeping to {rate:g} requests a minute")
        return None


def _number(text: str | None) -> int | None:
    try:
        value = int(text or "")
    except ValueError:
        return None
    return value if value >= 0 else None


def _seconds_until(reset: str, response: Response) -> float | None:
    """How far off the reset is by the server's own clock (its `Date`), so that a skewed clock here does not
    matter."""
    try:
        moment = parse_rfc3339(reset)
    except ValueError:
        return None
    now = http_date(response.headers.get("date", "")) or response.received_at
    return min(max(0.0, (moment - now).total_seconds()), _LONGEST_RESET)
