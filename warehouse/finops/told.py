"""What is told about a month beside its statement: where it heads, what nobody owns, unit costs, restated days.

Promise: nothing in it is booked. Rule book: reference finops, sections 5 and 6.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from warehouse.finops.claude_code import ClaudeCode
from warehouse.finops.money import EXACT, ZERO, total
from warehouse.finops.orphans import Orphan, OrphanKind
from warehouse.finops.outlook import DearDay, Outlook
from warehouse.finops.restated import RestatedDay
from warehouse.finops.unit_economics import UnitCost


@dataclass(frozen=True)
class Told:
    """Everything that is told about one month."""

    outlook: Outlook
    orphans: Sequence[Orphan]
    units: Sequence[UnitCost]
    restated: Sequence[RestatedDay]
    claude_code: ClaudeCode | None = None

    @property
    def dear_days_of_all(self) -> list[DearDay]:
        """The days that stand out of centres and models: those of a person are not for everybody's eyes."""
        return [one for one in self.outlook.dear_days if one.subject.kind != "actor"]

    @property
    def dear_days_of_people(self) -> int:
        return len(self.outlook.dear_days) - len(self.dear_days_of_all)

    @property
    def orphaned(self) -> dict[OrphanKind, tuple[int, Decimal]]:
        """How many actors of each kind, and what they cost together, exact."""
        sums: dict[OrphanKind, tuple[int, Decimal]] = {}
        for one in self.orphans:
            count, amount = sums.get(one.kind, (0, ZERO))
            sums[one.kind] = (count + 1, EXACT.add(amount, one.amount))
        return dict(sorted(sums.items()))

    @property
    def restated_days(self) -> list[tuple[RestatedDay, int]]:
        """Each day that was restated, from what it was told first to what it is told now, and how often."""
        days: dict[object, list[RestatedDay]] = {}
        for one in self.restated:
            days.setdefault(one.day, []).append(one)
        return [(_together(steps), len(steps)) for _, steps in sorted(days.items(), key=lambda one: str(one[0]))]

    @property
    def restated_by(self) -> Decimal:
        return total(one.change for one, _ in self.restated_days)

    def units_by_center(self) -> dict[str, dict[str, UnitCost]]:
        centers: dict[str, dict[str, UnitCost]] = {}
        for one in self.units:
            centers.setdefault(one.cost_center, {})[one.unit] = one
        return centers


def _together(steps: Sequence[RestatedDay]) -> RestatedDay:
    first, last = steps[0], steps[-1]
    return RestatedDay(
        last.day,
        last.version,
        last.refreshed_at,
        first.before,
        last.after,
        sum(one.added for one in steps),
        sum(one.changed for one in steps),
        sum(one.vanished for one in steps),
    )
