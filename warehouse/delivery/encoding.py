"""A chunk's events as frames; which of them are refused, too late or too long for the receiver.

A module whose frames are of a fixed form (`delivery.port`) is asked once for each shape of event, see `templates`.

Promise: each event is encoded once, and one that cannot be encoded leaves its neighbours alone.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

import numpy as np

from warehouse.delivery.batches import NOTHING
from warehouse.delivery.event_rows import EventRows
from warehouse.delivery.frames import Frames
from warehouse.delivery.late import LatePolicy
from warehouse.delivery.port import Destination, Refused, fixed_form_of
from warehouse.delivery.settled import Settled
from warehouse.delivery.templates import TemplateEncoding

_SKIPPED = Refused(reason="too late")
Aside = dict[int, Settled]  # by place, those that cannot or shall not be sent, and why


@dataclass(frozen=True)
class Encoding:
    """How events become frames for one destination. longest: bytes of a frame that the receiver takes."""

    module: Destination
    settings: Any
    late: LatePolicy
    longest: int

    def frames(self, events: Sequence[Any], now: datetime) -> tuple[Frames, list[str | None] | None, Aside]:
        """Frames, what is to be noted of each, and those to be put aside, whose frames are none to be sent."""
        aside: Aside = {}
        notes: list[str | None] | None = None
        moment: str | None = None
        # by what it would be filed under: an alert's detection, and where a record tells no time, when it was seen
        outside = self.late.outside(_filed_under(events), now) if self.late.judges else []
        if outside and self.late.policy == "restamp":
            moment, notes = f"{now:%Y-%m-%dT%H:%M:%S.%fZ}", [None] * len(events)
            for place in outside:
                notes[place] = "restamped"
        elif outside:
            skipped = Settled(NOTHING, "skipped", reason=self.late.words())
            aside = dict.fromkeys(outside, skipped)
            events = [_SKIPPED if place in aside else event for place, event in enumerate(events)]
        if self._templates is not None and isinstance(events, EventRows):
            frames, refused = self._templates.frames(events, outside, moment)
        else:
            made = self._one_by_one(events, set(outside), moment)
            refused = {place: one for place, one in enumerate(made) if isinstance(one, Refused)}
            frames = Frames.of([b"" if isinstance(one, Refused) else one for one in made])
        for place, one in refused.items():
            aside.setdefault(place, Settled(NOTHING, "dead", reason=one.reason))
        sizes = frames.sizes
        for place in np.flatnonzero(sizes > self.longest).tolist():
            reason = f"is {sizes[place]} bytes when encoded, and the receiver takes {self.longest}"
            aside.setdefault(place, Settled(NOTHING, "dead", reason=reason))
        return frames, notes, aside

    @cached_property
    def _templates(self) -> TemplateEncoding | None:
        form = fixed_form_of(self.module, self.settings)
        return TemplateEncoding(self.frame, form) if form is not None else None

    def _one_by_one(self, events: Sequence[Any], late: set[int], moment: str | None) -> list[Any]:
        encode, settings = self.module.encode, self.settings
        moments = [moment if place in late else None for place in range(len(events))]
        try:
            return [
                event if type(event) is Refused else encode(event, settings, moment)
                for event, moment in zip(events, moments, strict=True)
            ]
        except Exception:  # one of them; its neighbours are not to suffer
            return [self.frame(event, moment) for event, moment in zip(events, moments, strict=True)]

    def frame(self, event: Any, restamp: str | None = None) -> bytes | Refused:
        """One event, whatever is wrong with it."""
        if isinstance(event, Refused):
            return event
        try:
            return self.module.encode(event, self.settings, restamp)
        except Exception as error:
            return Refused(reason=f"cannot be encoded ({type(error).__name__})")


def _filed_under(events: Sequence[Any]) -> Sequence[int | None]:
    if isinstance(events, EventRows):
        return events.stamps
    return [None if isinstance(event, Refused) else event.stamp_us for event in events]
