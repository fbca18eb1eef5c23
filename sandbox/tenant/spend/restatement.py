"""How a day is restated: some lines come late, grow, shrink, change their price, vanish or change their owner.

Which, and in which export, follows from the day alone; the last change of a day comes 30 days after its end at
the latest (reference 3.6), and small tenants have some on every day too.
"""

from __future__ import annotations

from datetime import date
from random import Random
from typing import NamedTuple

from sandbox.tenant.spend.line import DAY_MINUTES, EXPORT_MINUTES, Line, first_minute, with_parts
from sandbox.tenant.spend.prices import repriced

KINDS = ("late", "raised", "lowered", "repriced", "vanished", "reassigned")
_WEIGHTS = (30, 20, 15, 15, 10, 10)
EXPORTS_A_DAY = DAY_MINUTES // EXPORT_MINUTES
LAST_AGE = 30 * EXPORTS_A_DAY


class Restatement(NamedTuple):
    """One change: in `export` the line `before` (None: it was not there) gives way to `after` (None: gone)."""

    day: date
    export: int
    kind: str
    before: Line | None
    after: Line | None


def restated(day: date, lines: list[Line], rng: Random) -> tuple[list[Line], list[Restatement]]:
    """The lines of a day in all their states, and the changes in order of export."""
    count = min(len(lines), 3 + len(lines) // 25)
    changes, chosen = [], rng.sample(range(len(lines)), count)
    states = list(lines)
    closing = (first_minute(day) + DAY_MINUTES) // EXPORT_MINUTES
    for at in chosen:
        change = _change(day, lines[at], closing + _age(rng), rng)
        if change.before is None:
            states[at] = change.after or lines[at]
        else:
            states[at] = change.before
            if change.after is not None:
                states.append(change.after)
        changes.append(change)
    changes.sort(key=lambda change: (change.export, change.kind))
    return states, changes


def _age(rng: Random) -> int:
    """Exports between the end of the day and the change: half within a day, one in eight after ten days."""
    draw = rng.random()
    if draw < 0.5:
        return 1 + rng.randrange(EXPORTS_A_DAY)
    if draw < 0.875:
        return EXPORTS_A_DAY + rng.randrange(9 * EXPORTS_A_DAY)
    return 10 * EXPORTS_A_DAY + rng.randrange(LAST_AGE - 10 * EXPORTS_A_DAY + 1)


def _change(day: date, line: Line, export: int, rng: Random) -> Restatement:
    kind = rng.choices(KINDS, _WEIGHTS)[0]
    if kind == "late":
        return Restatement(day, export, kind, None, line._replace(born=export))
    before = line._replace(died=export)
    if kind == "vanished":
        return Restatement(day, export, kind, before, None)
    if kind == "reassigned":  # to nobody: a session that turned out to be no person's
        place = line.place._replace(actor=None, groups=())
        return Restatement(day, export, kind, before, line._replace(born=export, place=place))
    per_mille = {"raised": 1030 + rng.randrange(270), "lowered": 700 + rng.randrange(270)}.get(kind, 900)
    if kind == "repriced":
        parts = tuple(repriced(part, per_mille) for part in line.parts)
        return Restatement(day, export, kind, before, with_parts(line._replace(born=export), parts))
    return Restatement(day, export, kind, before, _scaled(line, per_mille)._replace(born=export))


def _scaled(line: Line, per_mille: int) -> Line:
    """The line with its tokens scaled, each token part with them at its own unit prices; searches stay."""
    uncached, output, read, five, hour = [count * per_mille // 1000 for count in line.tokens]
    tokens = (uncached, output, read, five, hour)
    parts = tuple(
        part._replace(list_amount=part.list_amount * per_mille // 1000, amount=part.amount * per_mille // 1000)
        if part.cost_type != "web_search"
        else part
        for part in line.parts
    )
    return with_parts(line._replace(tokens=tokens), parts)
