"""What was done beside what it cost: by team, repository or declared cost centre, as telemetry tells them apart.

Promise: amounts are parts of the cost report's, and add up to it. No row tells of fewer than `SMALLEST_GROUP`
people: groups that do stand together, with another where they are still too few. Rule book: reference finops,
section 6.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
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


_NOBODY = ""  # all sessions without an account: they may be one machine's, so they count as one person
TOGETHER = f"(groups of fewer than {SMALLEST_GROUP} people)"


@dataclass(frozen=True, slots=True)
class GroupUse:
    """One group's month. `name` None: cost that no session explains; `TOGETHER`: what the small groups come to.
    `work` is None without a session, and where all groups together have too few people."""

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
    work: list[Work] = field(default_factory=list)

    def add(self, other: "_Sums") -> None:
        self.people |= other.people
        self.sessions |= other.sessions
        self.amount = EXACT.add(self.amount, other.amount)
        self.estimate = EXACT.add(self.estimate, other.estimate)
        self.work += other.work

    def told_as(self, name: str | None) -> GroupUse:
        shown = name is not None and len(self.people) >= SMALLEST_GROUP
        work = _together(self.work) if shown else None
        return GroupUse(name, len(self.people), len(self.sessions), self.amount, self.estimate, work)


Key = Callable[[SessionDay], str | None]


def by_group(
    parts: Iterable[CostPart], sessions: Sequence[SessionDay], work: Iterable[Work], key: Key
) -> list[GroupUse]:
    """The groups by what they cost, dearest first; sessions that name none are under `(not told)`. The small ones
    together, and what no session explains, come last."""
    groups: dict[str, _Sums] = defaultdict(_Sums)
    unexplained = _Sums()
    group_of: dict[str, str] = {}
    for one in sessions:
        name = key(one) or "(not told)"
        group_of.setdefault(one.session_id, name)
        sums = groups[name]
        sums.sessions.add(one.session_id)
        sums.estimate = EXACT.add(sums.estimate, one.estimate)
        sums.people.add(one.actor or _NOBODY)
    for part in parts:
        sums = groups[key(part.session) or "(not told)"] if part.session else unexplained
        sums.amount = EXACT.add(sums.amount, part.amount)
        if part.session is None and (who := part.actor_id or part.actor_email):
            sums.people.add(who)
    for counted in work:
        if counted.session_id in group_of:
            groups[group_of[counted.session_id]].work.append(counted)
    together = _Sums()
    for name in _too_small(groups):
        together.add(groups.pop(name))
    made = sorted(
        (sums.told_as(name) for name, sums in groups.items()), key=lambda one: (-one.amount, one.name or "")
    )
    made += [together.told_as(TOGETHER)] if together.sessions else []
    return made + ([unexplained.told_as(None)] if unexplained.people or unexplained.amount else [])


def _too_small(groups: Mapping[str, _Sums]) -> list[str]:
    """Groups that may not stand alone. Where these are too few people even together, the next larger joins them:
    else the total less the other rows would tell of them."""
    small: list[str] = []
    people: set[str] = set()
    for name, sums in sorted(groups.items(), key=lambda one: (len(one[1].people), one[0])):
        if len(sums.people) >= SMALLEST_GROUP and (not small or len(people) >= SMALLEST_GROUP):
            break
        small.append(name)
        people |= sums.people
    return small


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
