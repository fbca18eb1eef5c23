"""Which time a request is about, and the export it is answered from (reference 3.1, 3.3, 3.6).

A new export is out every 4 h of the tenant's time, on the hour: its `data_refreshed_at`. It shows what happened
before that moment and nothing after; buckets that reach beyond it are incomplete.
"""

from __future__ import annotations

from dataclasses import dataclass

from sandbox.api.analytics.query import Query
from sandbox.api.errors import invalid
from sandbox.clock import Clock, rfc3339
from sandbox.tenant.spend.ledger import FLOOR
from sandbox.tenant.spend.line import DAY_MINUTES, EXPORT_MINUTES, EXPORT_US, first_minute, moment

WIDTHS = {"1d": DAY_MINUTES, "1h": 60, "1m": 1}
LONGEST = 31 * DAY_MINUTES
LOOKBACK = 365 * DAY_MINUTES


def export_now(clock: Clock) -> int:
    """The number of the newest export."""
    return clock.now_us() // EXPORT_US


def refreshed_at(export: int) -> str:
    """`data_refreshed_at` of an export."""
    return rfc3339(moment(export * EXPORT_MINUTES))


@dataclass(frozen=True, slots=True)
class Span:
    """Minutes [start, end), in buckets of `width` minutes; width 0 is one row over the whole."""

    start: int
    end: int
    width: int

    def bounds(self, bucket: int) -> tuple[str, str]:
        """The times of a row: its whole bucket, or the whole span."""
        if not self.width:
            return rfc3339(moment(self.start)), rfc3339(moment(self.end))
        return rfc3339(moment(bucket)), rfc3339(moment(bucket + self.width))


def span_of(query: Query, clock: Clock, width_name: str, *, default_width: str | None, end: int | None) -> Span:
    """The span a request asks for; 400 for one that cannot be. `end`: as resolved on the first page.

    Without buckets both bounds are floored to the hour; with buckets the start is floored to its bucket.
    """
    now = clock.now_us() // 60_000_000
    start = query.minute("starting_at")
    if start is None:
        raise invalid("starting_at: Field required")
    width = WIDTHS.get(query.choice(width_name, tuple(WIDTHS), default_width) or "", 0)
    given = query.minute("ending_at")
    if given is None:
        if width and default_width is None:
            raise invalid(f"ending_at: Field required when {width_name} is set")
        given = min(now, start + LONGEST) if end is None else end
    if given <= start:
        raise invalid("ending_at: must be after starting_at")
    if start < first_minute(FLOOR):
        raise invalid("starting_at: data is not available before 2026-01-01T00:00:00Z")
    if start < now - LOOKBACK:
        raise invalid("starting_at: must be within the last 365 days")
    if given - start > LONGEST:
        raise invalid("ending_at: the range must not exceed 31 days")
    if width == 1 and default_width is None and given - start > DAY_MINUTES:
        raise invalid(f"{width_name}: a range of 1m buckets must not exceed 24 hours")
    if width:
        return Span(start - start % width, given, width)
    return Span(start - start % 60, given - given % 60, 0)
