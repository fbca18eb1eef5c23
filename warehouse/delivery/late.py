"""Events that are too old, or too far ahead, for a receiver: sent as they are, under another time, or not at all.

Promise: never left to the receiver, which would rewrite the time or drop the event without a word; what is skipped
or restamped is in the receipts. Rule: reference siem-destinations, section 0.2.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from warehouse.delivery.port import Late, Limits

_SECOND = 1_000_000


@dataclass(frozen=True)
class LatePolicy:
    """What a receiver takes as it is, and what becomes of the rest. `oldest` and `ahead` are None for any time."""

    policy: Late
    oldest: timedelta | None
    ahead: timedelta | None

    @classmethod
    def of(cls, limits: Limits, chosen: Late | None) -> "LatePolicy":
        return cls(chosen or limits.late, limits.oldest, limits.ahead)

    @property
    def judges(self) -> bool:
        """Whether any event at all needs looking at."""
        return self.policy != "send" and (self.oldest is not None or self.ahead is not None)

    def outside(self, times: Sequence[int | None], now: datetime) -> list[int]:
        """The places of those that need the policy; none where it is to send them anyway, or all are in time.

        times: microseconds since 1970, UTC; None passes.
        """
        if not self.judges:
            return []
        moment = int(now.timestamp()) * _SECOND
        least = moment - int(self.oldest.total_seconds()) * _SECOND if self.oldest is not None else -(2**63)
        most = moment + int(self.ahead.total_seconds()) * _SECOND if self.ahead is not None else 2**63
        return [place for place, at in enumerate(times) if at is not None and not least <= at <= most]

    def words(self) -> str:
        """Why an event was skipped, for its receipt."""
        parts = [f"older than {self.oldest}"] if self.oldest is not None else []
        parts += [f"more than {self.ahead} ahead"] if self.ahead is not None else []
        return f"{' or '.join(parts)}: the receiver would not keep its time (late = skip)"
