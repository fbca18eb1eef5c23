"""How long to wait before the same bytes are sent again, and when to leave it to the next run."""

import random
from dataclasses import dataclass


@dataclass(frozen=True)
class Patience:
    """Full jitter: a wait is drawn from nought to `first * 2 ** tries` seconds, at most `longest`.

    tries: sendings of one batch before it is judged (`courier`). asked: the longest wait a receiver may ask for
    within a run; what it asks beyond that ends the run, and the next one goes on.
    """

    tries: int = 6
    first: float = 0.5
    longest: float = 30.0
    asked: float = 120.0

    def wait(self, tries: int) -> float:
        """Seconds before try `tries + 1`."""
        return random.uniform(0, min(self.longest, self.first * 2.0**tries))  # noqa: S311 - no secret
