"""One line of the ledger: who used what at which minute, what it cost, and in which exports it stands.

Minutes count from 1970 (UTC). Exports are numbered: export n is the one whose `data_refreshed_at` is n x 4 h after
1970. A line stands in the exports `born <= n < died`; a restatement ends one line and begins another.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple

from sandbox.tenant.people import Person
from sandbox.tenant.spend.prices import Part

DAY_MINUTES = 1440
EXPORT_MINUTES = 240
EXPORT_US = EXPORT_MINUTES * 60_000_000
FOREVER = 1 << 40
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_EPOCH_DAY = date(1970, 1, 1).toordinal()


@dataclass(frozen=True, slots=True, eq=False)
class Who:
    """Who a line is booked to: `kind` is the actor's type on the wire, `id` its tagged id or a federated subject.

    There is one object for each of them, so they compare and hash by identity (a million of them are counted).
    """

    kind: str
    id: str
    person: Person | None = None


class Place(NamedTuple):
    """Everything the API can group or filter a line by, but for time and kind of cost."""

    organization_id: str
    product: str | None
    model: str | None
    actor: Who | None = None
    groups: tuple[str, ...] = ()
    context_window: str | None = None
    inference_geo: str | None = None
    speed: str | None = None
    service_tier: str | None = None
    workspace_id: str | None = None
    api_key_id: str | None = None
    slack_channel_id: str | None = None
    claude_tag_category: str | None = None
    claude_tag_user_id: str | None = None
    agent_id: str | None = None
    deployment_id: str | None = None
    environment_id: str | None = None
    session_id: str | None = None
    user_profile_id: str | None = None


class Line(NamedTuple):
    """A line. `tokens` in the order of prices.TOKEN_TYPES; amounts in micro-cents, the sums over `parts`.

    `requests` counts execution spans where the line is code execution.
    """

    minute: int
    born: int
    died: int
    place: Place
    tokens: tuple[int, int, int, int, int]
    requests: int
    searches: int
    parts: tuple[Part, ...]
    list_amount: int
    amount: int


def line(
    minute: int,
    place: Place,
    tokens: tuple[int, int, int, int, int],
    requests: int,
    searches: int,
    parts: tuple[Part, ...],
) -> Line:
    """A line that the first export after its minute shows."""
    born = minute // EXPORT_MINUTES + 1
    return Line(minute, born, FOREVER, place, tokens, requests, searches, parts, *_sums(parts))


def with_parts(old: Line, parts: tuple[Part, ...]) -> Line:
    """The line with other parts, its amounts following."""
    listed, amount = _sums(parts)
    return old._replace(parts=parts, list_amount=listed, amount=amount)


def _sums(parts: tuple[Part, ...]) -> tuple[int, int]:
    return sum([part.list_amount for part in parts]), sum([part.amount for part in parts])


def first_minute(day: date) -> int:
    """The minute at which a UTC day begins."""
    return (day.toordinal() - _EPOCH_DAY) * DAY_MINUTES


def day_at(minute: int) -> date:
    """The UTC day of a minute."""
    return date.fromordinal(minute // DAY_MINUTES + _EPOCH_DAY)


def moment(minute: int) -> datetime:
    """The aware UTC datetime of a minute."""
    return _EPOCH + timedelta(minutes=minute)
