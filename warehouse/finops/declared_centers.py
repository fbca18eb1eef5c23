"""Cost centres that machines declare of themselves in telemetry: a mapping of the lowest rank, and who disagrees.

Promise: what comes out is a mapping file like the customer's own, so that it is checked, hashed and kept like
it. It is self-declared, so it is asked only on a day for which no other source has a row. Rule book: finops,
section 4.1.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from warehouse.finops import customer_files as files
from warehouse.finops.cost_centers import COLUMNS, UNALLOCATED, CostCenters
from warehouse.finops.money import EXACT, ZERO
from warehouse.finops.session_cost import SessionDay
from warehouse.finops.shown import shown

SOURCE = "telemetry"


@dataclass(frozen=True, slots=True)
class Disagreement:
    """Machines of somebody declare another centre than the one that pays: on how many days, for what estimate."""

    actor_id: str | None
    actor_email: str | None
    declared: str
    pays: tuple[str, ...]
    first: date
    last: date
    days: int
    estimate: Decimal


def declared_mapping(sessions: Iterable[SessionDay]) -> bytes | None:
    """The mapping file: of each day the centre with most of the estimate (ties by name), which holds until another
    one is declared. None where no session declares one and has somebody to place."""
    weights: dict[tuple[str, str], dict[date, dict[str, Decimal]]] = defaultdict(
        lambda: defaultdict(lambda: defaultdict(Decimal))
    )
    for one in sessions:
        center = shown(one.cost_center or "").strip()
        if not center or center.casefold() == UNALLOCATED.casefold() or one.actor is None:
            continue
        of_day = weights[one.actor_id or "", _address(one)][one.day]
        of_day[center] = EXACT.add(of_day[center], one.estimate)
    rows: list[tuple[str, ...]] = []
    for (actor_id, email), days in sorted(_of_persons(weights).items()):
        stays: list[tuple[date, str]] = []
        for day in sorted(days):
            center = min(days[day], key=lambda name: (-days[day][name], name))
            if not stays or stays[-1][1] != center:
                stays.append((day, center))
        ends = [day.isoformat() for day, _ in stays[1:]] + [""]
        rows += [
            (email, actor_id, center, day.isoformat(), end) for (day, center), end in zip(stays, ends, strict=True)
        ]
    return files.csv_bytes(COLUMNS, [[files.Number(cell) for cell in row] for row in rows]) if rows else None


_Days = dict[date, dict[str, Decimal]]


def _of_persons(weights: "dict[tuple[str, str], _Days]") -> "dict[tuple[str, str], _Days]":
    """Whoever has an id is one person whatever the address; an address alone is one only where no id has it."""
    with_id = {email for actor_id, email in weights if actor_id and email}
    people: dict[tuple[str, str], _Days] = {}
    newest: dict[str, str] = {}
    for (actor_id, email), days in sorted(weights.items()):
        if not actor_id and email in with_id:
            continue
        key = (actor_id, newest.setdefault(actor_id, email) if actor_id else email)
        merged = people.setdefault(key, {})
        for day, centers in days.items():
            of_day = merged.setdefault(day, {})
            for center, amount in centers.items():
                of_day[center] = EXACT.add(of_day.get(center, ZERO), amount)
    return people


def disagreements(sessions: Iterable[SessionDay], mapping: CostCenters) -> list[Disagreement]:
    """Who declares a centre that does not pay for them, by the sources above telemetry; greatest estimate
    first."""
    above = _without_declared(mapping)
    found: dict[tuple[str, str, tuple[str, ...]], list[SessionDay]] = defaultdict(list)
    for one in sessions:
        if not one.cost_center or one.actor is None or above is None:
            continue
        placed = above.place(one.actor_id, one.actor_email, one.day)
        if placed is not None and one.cost_center not in placed.shares:
            found[one.actor, one.cost_center, tuple(sorted(placed.shares))].append(one)
    made = [
        Disagreement(
            those[0].actor_id,
            those[0].actor_email,
            declared,
            pays,
            min(one.day for one in those),
            max(one.day for one in those),
            len({one.day for one in those}),
            sum((one.estimate for one in those), ZERO),
        )
        for (_, declared, pays), those in found.items()
    ]
    return sorted(made, key=lambda one: (-one.estimate, one.actor_id or one.actor_email or "", one.declared))


def _without_declared(mapping: CostCenters) -> CostCenters | None:
    """The mapping without its rank of telemetry."""
    ranks = [rank for rank in mapping.ranks if rank.source != SOURCE]
    below: CostCenters | None = None
    for rank in reversed(ranks):
        below = CostCenters(rank.rows, rank.recorded_at, rank.notes, rank.source, below)
    return below


def _address(one: SessionDay) -> str:
    address = (one.actor_email or "").casefold()
    return address if address.count("@") == 1 and "," not in address else ""
