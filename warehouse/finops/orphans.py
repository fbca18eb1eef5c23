"""Spend that nobody stands behind any more: of deleted people, of keys without an owner, of leavers.

Promise: only cost of days on which the owner was gone already; each with the centre that pays it and what to do.
Rule book: reference finops, sections 4.1 and 6.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Literal

from warehouse.finops.allocation import AllocatedLine
from warehouse.finops.money import EXACT

OrphanKind = Literal["deleted_user", "ownerless_key", "leaver"]
REMEDIES: dict[OrphanKind, str] = {
    "deleted_user": "end what still runs in that name: scheduled sessions, keys, shared work",
    "ownerless_key": "revoke the key, or give it an owner",
    "leaver": "take the seat and the keys back, or add a row to the mapping",
}


@dataclass(frozen=True, slots=True)
class Gone:
    """An actor whose owner is gone: since which day (None: that is not known, so the whole month counts), and how
    we know."""

    kind: OrphanKind
    actor_id: str
    since: date | None
    reason: str


@dataclass(frozen=True, slots=True)
class Orphan:
    """What an actor of whom nobody is left has cost in a month, exact, and the centres that pay it."""

    kind: OrphanKind
    actor_kind: str | None
    actor_id: str | None
    actor_email: str | None
    since: date | None
    last_day: date
    amount: Decimal
    cost_centers: tuple[str, ...]
    reason: str

    @property
    def remedy(self) -> str:
        return REMEDIES[self.kind]


@dataclass
class _Found:
    gone: Gone
    last_day: date = date.min
    centers: set[str] = field(default_factory=set)
    line: AllocatedLine | None = None


def orphans(
    lines: Iterable[AllocatedLine], gone: Iterable[Gone], leavers: Mapping[tuple[str, date], Decimal]
) -> list[Orphan]:
    """The orphaned spend of a month: the dearest first. `leavers` is what the allocation found, by actor and the
    day the last membership ended; who is gone for another reason is not told twice."""
    known = {one.actor_id: one for one in gone}
    for actor, left in sorted(leavers, key=lambda one: one[1], reverse=True):
        known.setdefault(actor, Gone("leaver", actor, left, f"the last row of the mapping ended on {left}"))
    found: dict[str, _Found] = {}
    sums: dict[str, Decimal] = defaultdict(Decimal)
    for line in lines:
        actor = line.row.actor_id or line.row.actor_email or ""
        one = known.get(actor)
        if one is None or line.row.charge_category != "Usage" or (one.since and line.row.day < one.since):
            continue
        sums[actor] = EXACT.add(sums[actor], line.amount)
        state = found.setdefault(actor, _Found(one))
        state.last_day, state.line = max(state.last_day, line.row.day), line
        state.centers.add(line.cost_center)
    made = [_orphan(state, sums[actor]) for actor, state in found.items() if sums[actor] > 0]
    return sorted(made, key=lambda one: (-one.amount, one.kind, one.actor_id or one.actor_email or ""))


def _orphan(state: _Found, amount: Decimal) -> Orphan:
    assert state.line is not None
    row = state.line.row
    return Orphan(
        kind=state.gone.kind,
        actor_kind=row.actor_kind,
        actor_id=row.actor_id,
        actor_email=row.actor_email,
        since=state.gone.since,
        last_day=state.last_day,
        amount=amount,
        cost_centers=tuple(sorted(state.centers)),
        reason=state.gone.reason,
    )
