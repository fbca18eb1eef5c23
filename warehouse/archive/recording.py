"""The switch of the vendor's recording: what the feed itself says of the times in which nothing was recorded.

Promise: a span without recording follows from the records of the switch alone, whatever order they were met in.
"""

from datetime import datetime

import msgspec

from warehouse.wire.times import parse_rfc3339, rfc3339
from warehouse.wire.windows import Window


class Turn(msgspec.Struct):
    """A record that the vendor's recording was switched: what it says of the two switches; None where nothing."""

    event_id: str
    at: str
    enabled: bool | None
    logging: bool | None
    by: str | None = None

    @property
    def off(self) -> bool:
        return self.enabled is False or self.logging is False


class OffSpan(msgspec.Struct, frozen=True):
    """From when to when the vendor recorded nothing, as it says itself; `end`, `on` are None while it is off."""

    start: datetime
    end: datetime | None
    off: Turn
    on: Turn | None

    @property
    def window(self) -> str:
        return f"[{rfc3339(self.start)}, {rfc3339(self.end) if self.end else 'still off'})"

    def contains(self, moment: datetime) -> bool:
        return self.start < moment and (self.end is None or moment < self.end)

    def overlaps(self, window: Window) -> bool:
        return self.start < window.end and (self.end is None or window.start < self.end)


def off_spans(turns: list[Turn]) -> list[OffSpan]:
    """The spans without recording that these records tell of, in order of time.

    Either switch ends the recording; it goes on when each one that was off is said to be on again.
    """
    spans: list[OffSpan] = []
    enabled, logging, began = True, True, None
    for turn in sorted(turns, key=lambda turn: (parse_rfc3339(turn.at), turn.event_id)):
        enabled = enabled if turn.enabled is None else turn.enabled
        logging = logging if turn.logging is None else turn.logging
        if began is None and not (enabled and logging):
            began = turn
        elif began is not None and enabled and logging:
            spans.append(OffSpan(parse_rfc3339(began.at), parse_rfc3339(turn.at), began, turn))
            began = None
    if began is not None:
        spans.append(OffSpan(parse_rfc3339(began.at), None, began, None))
    return spans
