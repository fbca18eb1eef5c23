"""What was done beside what it cost: by team, repository or declared cost centre, as telemetry tells them apart.

Promise: amounts are parts of the cost report's, and add up to it; counts are telemetry's, and of a group so
small that it tells of single persons they are withheld. Rule book: reference finops, section 6.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from warehouse.finops.money import EXACT, ZERO
from warehouse.finops.session_cost import CostPart, SessionDay
from warehouse.finops.unit_economics import SMALLEST_GROUP


@dataclass(frozen=True, slots=True)
class Work:
    """What a session's client counted on a UTC day. `active_seconds` are of the user and the client together."""

    day: date
    session_id: str
    commits: int = 0
    pull_requests: int = 0
    lines_added: int = 0
    lines_removed: int = 0
    edits_accepted: int = 0
    edits_rejected: int = 0
    active_seconds: int = 0


@dataclass(frozen=True, slots=True)
class GroupUse:
    """One group's month. `name` None: cost that no session explains. Counts are None where `people` are too
    few."""

    name: str | None
    people: int
    sessions: int
    amount: Decimal
    estimate: Decimal
    work: Work | None

    @property
    def withheld(self) -> bool:
        return self.name is not None and self.work is None


@dataclass
class _Sums:
    people: set[str] = field(default_factory=set)
    sessions: set[str] = field(default_factory=set)
    amount: Decimal = ZERO
    estimate: Decimal = ZERO


Key = Callable[[SessionDay], str | None]


def by_group(
    parts: Iterable[CostPart], sessions: Sequence[SessionDay], work: Iterable[Work], key: Key
) -> list[GroupUse]:
    """The groups by what they cost, dearest first; sessions that name none are under `(not told)`."""
    groups: dict[str | None, _Sums] = defaultdict(_Sums)
    group_of: dict[str, str] = {}
    for one in sessions:
        name = key(one) or "(not told)"
        group_of.setdefault(one.session_id, name)
        sums = groups[name]
        sums.sessions.add(one.session_id)
        sums.estimate = EXACT.add(sums.estimate, one.estimate)
        sums.people.add(one.actor or one.session_id)
    for part in parts:
        sums = groups[(key(part.session) or "(not told)") if part.session else None]
        sums.amount = EXACT.add(sums.amount, part.amount)
        sums.people |= {name for name in (part.actor_id or part.actor_email,) if name and part.session is None}
    done: dict[str, list[Work]] = defaultdict(list)
    for counted in work:
        if counted.session_id in group_of:
            done[group_of[counted.session_id]].append(counted)
    made = [
        GroupUse(
            name,
            len(sums.people),
            len(sums.sessions),
            sums.amount,
            sums.estimate,
            _together(done[name]) if name is not None and len(sums.people) >= SMALLEST_GROUP else None,
        )
        for name, sums in groups.items()
    ]
    return sorted(made, key=lambda one: (one.name is None, -one.amount, one.name or ""))


def _together(done: Sequence[Work]) -> Work:
    first = done[0].day if done else date.min
    return Work(
        first, "",
        *(
            sum(getattr(one, name) for one in done)
            for name in (
                "commits", "pull_requests", "lines_added", "lines_removed", "edits_accepted", "edits_rejected",
                "active_seconds",
            )
        ),
    )  # fmt: skip
