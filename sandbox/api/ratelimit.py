"""A request budget per window with a reset instant (reference 1.5): not sliding, shared by all keys of the tenant.

Windows run on the machine's monotonic time, so that a tenant whose clock stands still does not refuse for ever;
the reset instant in the headers is told in the tenant's time.
"""

from __future__ import annotations

import math
import time
from datetime import timedelta

from sandbox.clock import Clock, rfc3339


class RateLimit:
    """`limit` requests per `seconds`; 0 means no limit."""

    def __init__(self, limit: int, clock: Clock, seconds: float = 60.0) -> None:
        self.limit = limit
        self.seconds = seconds
        self._clock = clock
        self._used = 0
        self._opened = -math.inf

    def take(self) -> bool:
        """Use one request of the budget; False when it is spent."""
        now = time.monotonic()
        if now - self._opened >= self.seconds:
            self._opened, self._used = now, 0
        if self.limit and self._used >= self.limit:
            return False
        self._used += 1
        return True

    def headers(self) -> dict[str, str]:
        """The three headers of every authenticated answer; none where there is no limit to tell of."""
        if not self.limit:
            return {}
        reset = self._clock.now() + timedelta(seconds=self._left())
        return {
            "anthropic-ratelimit-requests-limit": str(self.limit),
            "anthropic-ratelimit-requests-remaining": str(max(0, self.limit - self._used)),
            "anthropic-ratelimit-requests-reset": rfc3339(reset.replace(microsecond=0)),
        }

    def retry_after(self) -> int:
        """Whole seconds until the next window, at least 1."""
        return max(1, math.ceil(self._left()))

    def _left(self) -> float:
        return max(0.0, self.seconds - (time.monotonic() - self._opened))
