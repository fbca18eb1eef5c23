"""A chunk's events as frames; which of them are refused, too late or too long for the receiver.

Promise: each event is encoded once, and one that cannot be encoded leaves its neighbours alone.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from warehouse.delivery.batches import NOTHING, longest
from warehouse.delivery.late import LatePolicy
from warehouse.delivery.port import Destination, Refused
from warehouse.delivery.settled import Settled

_SKIPPED = Refused(reason="too late")
Aside = dict[int, Settled]  # by place, those that cannot or shall not be sent, and why


@dataclass(frozen=True)
class Encoding:
    """How events become frames for one destination. longest: bytes of a frame that the receiver takes."""

    module: Destination
    settings: Any
    late: LatePolicy
    longest: int

    def frames(self, events: Sequence[Any], now: datetime) -> tuple[list[bytes], list[str | None] | None, Aside]:
        """Frames, what is to be noted of each, and those to be put aside, whose frames are empty."""
        encode, settings = self.module.encode, self.settings
        aside: Aside = {}
        notes: list[str | None] | None = None
        moments: list[str | None] = [None] * len(events)
        # by what it would be filed under: an alert's detection, and where a record tells no time, when it was seen
        outside = self.late.outside([_filed_under(event) for event in events], now) if self.late.judges else []
        if outside and self.late.policy == "restamp":
            moment, notes = f"{now:%Y-%m-%dT%H:%M:%S.%fZ}", [None] * len(events)
            for place in outside:
                moments[place], notes[place] = moment, "restamped"
        elif outside:
            skipped = Settled(NOTHING, "skipped", reason=self.late.words())
            aside = dict.fromkeys(outside, skipped)
            events = [_SKIPPED if place in aside else event for place, event in enumerate(events)]
        made: list[Any]
        try:
            made = [
                event if type(event) is Refused else encode(event, settings, moment)
                for event, moment in zip(events, moments, strict=True)
            ]
        except Exception:  # one of them; its neighbours are not to suffer
            made = [self.frame(event, moment) for event, moment in zip(events, moments, strict=True)]
        if set(map(type, made)) != {bytes}:
            for place, frame in enumerate(made):
                if not isinstance(frame, bytes):
                    aside[place] = aside.get(place) or Settled(NOTHING, "dead", reason=frame.reason)
                    made[place] = b""
        if longest(made) > self.longest:
            for place, frame in enumerate(made):
                if len(frame) > self.longest and place not in aside:
                    reason = f"is {len(frame)} bytes when encoded, and the receiver takes {self.longest}"
                    aside[place] = Settled(NOTHING, "dead", reason=reason)
                    made[place] = b""
        return made, notes, aside

    def frame(self, event: Any, restamp: str | None = None) -> bytes | Refused:
        """One event, whatever is wrong with it."""
        if isinstance(event, Refused):
            return event
        try:
            return self.module.encode(event, self.settings, restamp)
        except Exception as error:
            return Refused(reason=f"cannot be encoded ({type(error).__name__})")


def _filed_under(event: Any) -> int | None:
    return None if isinstance(event, Refused) else event.stamp_us
