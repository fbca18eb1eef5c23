"""Events as JSON in the schema that a destination asks for.

Promise: the vendor's record stays byte for byte inside; a restamped event keeps its true time in `event_time`.
An alert that is too long for the receiver goes without its events' bodies, never without their ids.
"""

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import msgspec

from warehouse.delivery.mappings.alert import CanonicalAlert
from warehouse.delivery.mappings.canonical import CanonicalEvent
from warehouse.delivery.mappings.schemas import Schema
from warehouse.wire.times import parse_rfc3339

AnyEvent = CanonicalEvent | CanonicalAlert

as_json: Callable[[Any], bytes] = msgspec.json.Encoder().encode


def described(event: AnyEvent, schema: Schema, restamp: str | None = None) -> dict[str, Any]:
    """The event or alert as a new dictionary that `as_json` takes. restamp: the time that takes the place of
    its own.
    """
    if restamp is not None:
        event = restamped_at(event, restamp)
    return schema.alert(event) if type(event) is CanonicalAlert else schema.event(event)  # type: ignore[arg-type]


def restamped_at(event: AnyEvent, restamp: str | None) -> AnyEvent:
    """A copy whose `stamp` is `restamp` (ISO 8601 UTC); the event itself without one."""
    if restamp is None:
        return event
    return msgspec.structs.replace(event, stamp=restamp, stamp_us=_micros(restamp))


@lru_cache(maxsize=8)  # one moment for all that are late in a chunk
def _micros(moment: str) -> int:
    at = parse_rfc3339(moment)
    return int(at.timestamp()) * 1_000_000 + at.microsecond


def id_of(event: AnyEvent) -> str:
    """What a search at the receiver finds the event by: the vendor's id of the record, or the alert's."""
    return event.alert_id if type(event) is CanonicalAlert else event.event_id  # type: ignore[union-attr]


def shortened(event: AnyEvent, make: Callable[[AnyEvent], bytes], frame: bytes, limit: int) -> bytes:
    """The frame; of an alert whose frame is over `limit` bytes, the one that `make` gives without its events'
    bodies.
    """
    if len(frame) <= limit or type(event) is not CanonicalAlert:
        return frame
    return make(msgspec.structs.replace(event, events=[]))
