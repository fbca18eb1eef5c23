"""One event of the feed: its verbatim bytes and the few facts the server sorts and filters by.

Records are made as bytes once and never re-encoded; the order of their members is the vendor's
(id, created_at, organisation, actor, type, then the type's own fields at the top level).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from random import Random
from typing import TypeAlias

from sandbox.clock import from_us, rfc3339
from sandbox.tenant.ids import activity_id

DAY_SECONDS = 86_400
DAY_US = DAY_SECONDS * 1_000_000
_UNIX_EPOCH = date(1970, 1, 1).toordinal()

# (created_at us, id, verbatim record, type, actor's user_id or None, organization_id or None, indexed_at us).
# A plain tuple, because a million of them are made, and because it sorts by (created_at, id) as the feed does.
Event: TypeAlias = tuple[int, str, bytes, str, str | None, str | None, int]

ID_START = len(b'{"id":"')


def day_start(day: date) -> int:
    """Microseconds since 1970 at 00:00 UTC of `day`."""
    return (day.toordinal() - _UNIX_EPOCH) * DAY_US


def day_of(us: int) -> date:
    """The UTC day of `us` microseconds since 1970."""
    return date.fromordinal(us // DAY_US + _UNIX_EPOCH)


def lag(rng: Random) -> int:
    """Microseconds until the feed shows a record: seconds, rarely up to 8 minutes (reference 1.2)."""
    draw = rng.random()
    if draw < 0.9:
        return int(draw * 9_000_000) + 400_000
    if draw < 0.999:
        return int((draw - 0.9) * 500_000_000) + 8_000_000
    return int((draw - 0.999) * 400_000_000_000) + 80_000_000


@dataclass(frozen=True, slots=True)
class Draft:
    """An event before it has an id: `second` of the day, organisation fields, actor and extra fields as JSON text.

    `extra` starts with a comma unless it is empty. `user_id` is the actor's, where the actor is a user.
    """

    us: int
    organization: str
    actor: str
    type: str
    extra: str = ""
    user_id: str | None = None
    org_id: str | None = None
    whole_second: bool = False


def finish(draft: Draft, rng: Random, *, instant: bool = False) -> Event:
    """Give a draft its id and bytes. `instant` events are indexed a second later, others after `lag`."""
    us = draft.us - draft.us % 1_000_000 if draft.whole_second else draft.us
    identifier = activity_id(us, rng.getrandbits(70))
    text = (
        f'{{"id":"{identifier}","created_at":"{rfc3339(from_us(us))}",{draft.organization},'
        f'"actor":{draft.actor},"type":"{draft.type}"{draft.extra}}}'
    )
    indexed = us + (1_000_000 if instant else lag(rng))
    return (us, identifier, text.encode(), draft.type, draft.user_id, draft.org_id, indexed)
