"""What each centre, model and actor costs day by day: what forecasts and anomalies look at.

Promise: only use is in it, so a day without a row cost 0; seats, credits, corrections are no matter of a day.
Rule book: reference finops, section 6.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Literal, NamedTuple

from warehouse.finops.allocation import AllocatedLine
from warehouse.finops.anomalies import Volume
from warehouse.finops.money import EXACT, ZERO

SubjectKind = Literal["cost_center", "model", "actor"]
USE = "Usage"
KINDS: tuple[SubjectKind, ...] = ("cost_center", "model", "actor")


class Subject(NamedTuple):
    """Whose days they are: a centre, a model, or an actor by id (by address where there is no id)."""

    kind: SubjectKind
    name: str


@dataclass(frozen=True)
class SpendDays:
    """Dollars by subject and day, with the first and the last day of any."""

    by_subject: Mapping[Subject, Mapping[date, Decimal]]

    @property
    def first(self) -> date | None:
        return min((day for days in self.by_subject.values() for day in days), default=None)

    def of(self, subject: Subject) -> Mapping[date, Decimal]:
        return self.by_subject.get(subject, {})

    def subjects(self, kind: SubjectKind) -> list[Subject]:
        return sorted(subject for subject in self.by_subject if subject.kind == kind)


def spend_days(months: Iterable[Iterable[AllocatedLine]]) -> SpendDays:
    """The days of several months together."""
    found: dict[Subject, dict[date, Decimal]] = defaultdict(lambda: defaultdict(Decimal))
    add = EXACT.add
    for lines in months:
        for line in lines:
            if line.row.charge_category != USE:
                continue
            for subject in subjects_of(line):
                days = found[subject]
                days[line.row.day] = add(days[line.row.day], line.amount)
    return SpendDays({subject: dict(days) for subject, days in found.items()})


def subjects_of(line: AllocatedLine) -> list[Subject]:
    """The centre of a line, its model and its actor where it has them."""
    row = line.row
    subjects = [Subject("cost_center", line.cost_center)]
    if row.model is not None:
        subjects.append(Subject("model", row.model))
    if actor := row.actor_id or row.actor_email:
        subjects.append(Subject("actor", actor))
    return subjects


def volumes_of(
    months: Iterable[Iterable[AllocatedLine]], wanted: Mapping[Subject, set[date]]
) -> dict[tuple[Subject, date], dict[str, Volume]]:
    """Cost and tokens by kind of use (product, model, kind of token) of some days of some subjects."""
    found: dict[tuple[Subject, date], dict[str, Volume]] = defaultdict(dict)
    for lines in months:
        for line in lines:
            if line.row.unit != "Tokens" or line.quantity is None:
                continue
            for subject in subjects_of(line):
                if line.row.day in wanted.get(subject, ()):
                    kinds = found[subject, line.row.day]
                    kind = repr((line.row.product, line.row.model, line.row.token_type))
                    so_far = kinds.get(kind, Volume(ZERO, ZERO))
                    kinds[kind] = Volume(
                        EXACT.add(so_far.amount, line.amount), EXACT.add(so_far.quantity, line.quantity)
                    )
    return found
