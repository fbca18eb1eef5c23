"""When to try again and how long to wait: exponential backoff with jitter, the server's own wish first.

Our own loop rather than a retry library: each wait depends on the answer (`retry-after`, `x-should-retry`, a
200 that is no page), each try must be recorded, and threads of one client wait together.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from warehouse.anthropic.answers import Response

# 501 and 505 will answer the same for ever; the other 5xx come from gateways and pass (reference 0.4).
_LASTING: Final = frozenset({501, 505})


@dataclass(frozen=True)
class Wait:
    """A wait that has begun: how many seconds, and why. As text: `waiting 25 s: rate limit`."""

    seconds: float
    reason: str

    def __str__(self) -> str:
        shown = f"{self.seconds:.0f}" if self.seconds >= 10 else f"{self.seconds:.1f}".removesuffix(".0")
        return f"waiting {shown} s: {self.reason}"


OnWait = Callable[[Wait], None]


@dataclass(frozen=True)
class Patience:
    """`tries` requests at most for one answer; waits of 1 s doubling to 60 s, each 25 % more or less.

    A `retry-after` is obeyed to the second, unless it asks for more than `longest` seconds: then the window
    fails now and the next run takes it up, which is better than a run that hangs for an hour.
    """

    tries: int = 6
    first: float = 1.0
    ceiling: float = 60.0
    longest: float = 900.0

    def __post_init__(self) -> None:
        if self.tries < 1:
            raise ValueError(f"at least one try is needed, not {self.tries}")

    def delay(self, failures: int, retry_after: float | None = None) -> float:
        """Seconds to wait after the n-th failure in a row (n from 1)."""
        if retry_after is not None and retry_after >= 1.0:
            return retry_after
        # Above about 2**60 a float is still fine, but nobody needs it: the ceiling is reached long before.
        backoff = self.first * 2.0 ** min(failures - 1, 60)
        return float(min(self.ceiling, backoff * random.uniform(0.75, 1.25)))  # noqa: S311 - jitter, not a secret


@dataclass(frozen=True)
class Timeouts:
    """Seconds. `read` is the longest silence, `whole` the longest answer (a drip feed must not hold a run for
    ever)."""

    connect: float = 10.0
    read: float = 60.0
    whole: float = 300.0


def may_pass(response: Response) -> bool:
    """Whether an error answer may be different next time (reference 0.4).

    429 always; 5xx unless the server says `x-should-retry: false`; no other 4xx, whatever the header says.
    """
    if response.status == 429:
        return True
    if response.status < 500 or response.status in _LASTING:
        return False
    return response.headers.get("x-should-retry", "").strip().lower() != "false"


def reason_of(status: int) -> str:
    """Why we wait, in words for a progress line."""
    if status == 429:
        return "rate limit"
    if status in (503, 529):
        return f"the server is overloaded ({status})"
    return f"the server failed ({status})"
