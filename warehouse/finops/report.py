"""The figures of the monthly report: what a reader of a statement asks next, from statements and allocations.

Promise: every figure is the statement's, or is made of its lines by sums and differences; what is estimated is
called so and stands apart. No person is named. Rule book: reference finops, sections 6 to 8.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from warehouse.finops.allocation import ageing
from warehouse.finops.books import Event
from warehouse.finops.corrections import explained
from warehouse.finops.cost_centers import UNALLOCATED
from warehouse.finops.money import minus, sortable, to_cents, total
from warehouse.finops.periods import Period
from warehouse.finops.preparing import Prepared
from warehouse.finops.reconciliation import Reconciliation
from warehouse.finops.report_moves import Compared, ModelUse, Mover, compared, models_of, movers_of, percent
from warehouse.finops.seat_use import SeatUse, seat_use
from warehouse.finops.seats import PRODUCT as SEATS
from warehouse.finops.statement import Statement
from warehouse.finops.told import Told

_MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
    "December",
)  # fmt: skip
MONTHS_BEFORE = 12  # how many months stand beside the one that is told


@dataclass(frozen=True, slots=True)
class Owed:
    """What one centre's corrections of one closed month come to: taken back, booked, and the difference."""

    period: Period
    center: str
    reversed: Decimal
    rebooked: Decimal
    difference: Decimal


@dataclass(frozen=True)
class Report:
    """Everything the page shows. `months` are the statements up to and with this one, ascending; `whole_days` how
    many days of the month were read to the end; `ages` what has no owner, by its age in days at the end of the
    month; `told` what is estimated and what to look at, None where nothing is known of it; `inputs` the hashes of
    the customer's files by name; `bridge` the way to the vendor's invoice, None where there is none yet."""

    statement: Statement
    months: tuple[Statement, ...]
    events: tuple[Event, ...]
    whole_days: int
    headline: Compared
    centers: tuple[Compared, ...]
    movers: tuple[Mover, ...]
    products: tuple[Compared, ...]
    models: tuple[ModelUse, ...]
    ages: dict[str, Decimal]
    corrections: tuple[Owed, ...]
    sources: dict[str, object]
    seat_use: tuple[SeatUse, ...] = ()
    seat_remarks: tuple[str, ...] = ()
    told: Told | None = None
    inputs: Mapping[str, str] = field(default_factory=dict)
    bridge: Reconciliation | None = None

    @property
    def period(self) -> Period:
        return self.statement.period

    @property
    def is_whole(self) -> bool:
        """Whether every day of the month is in it."""
        return self.statement.state == "closed" or self.whole_days == self.period.length

    @property
    def before(self) -> Period | None:
        return self.months[-2].period if self.headline.before is not None else None

    @property
    def last_close(self) -> Event | None:
        closes = [event for event in self.events if event.state == "closed"]
        return closes[-1] if closes else None

    @property
    def usage(self) -> Decimal:
        """What the vendor bills for use in the month, exact."""
        return total(line.exact for line in self.statement.own_lines if line.key.service != SEATS)

    @property
    def seats(self) -> Decimal:
        """Seats by contract, exact."""
        return total(line.exact for line in self.statement.own_lines if line.key.service == SEATS)

    @property
    def corrected(self) -> Decimal:
        """Corrections of closed months, whole cents."""
        return total(line.billed for line in self.statement.lines if line.original_period is not None)

    @property
    def untied(self) -> Decimal:
        """The statement less its source, in cents: 0.00, or do not send it."""
        return minus(self.statement.total, to_cents(self.statement.source_total))


def make_report(
    done: Prepared,
    before: Prepared | None,
    earlier: Sequence[Statement],
    events: Iterable[Event],
    whole_days: int,
    told: Told | None = None,
    inputs: Mapping[str, str] | None = None,
    bridge: Reconciliation | None = None,
) -> Report:
    """The figures of a month. `before` is the calendar month before it, None where the tables have none;
    `earlier` all statements of months before it, ascending; `events` those of the books."""
    statement, last = done.statement, before.statement if before else None
    return Report(
        statement=statement,
        months=(*earlier[-MONTHS_BEFORE:], statement),
        events=tuple(event for event in events if event.period == statement.period),
        whole_days=whole_days,
        headline=Compared(None, statement.total, last.total if last else None),
        centers=compared(statement, last, lambda line: line.key.cost_center),
        movers=movers_of(done, before) if before else (),
        products=compared(statement, last, lambda line: line.key.service),
        models=models_of(done, last),
        ages=_ages(done),
        corrections=_corrections(statement),
        sources=done.sources.document(),
        seat_use=seat_use(statement.period, done.seats.rows),
        seat_remarks=tuple(finding["detail"] for finding in done.seats.findings),
        told=told,
        inputs=inputs or {},
        bridge=bridge,
    )


def _ages(done: Prepared) -> dict[str, Decimal]:
    found = ageing(done.allocation.unallocated, done.statement.period.end)
    return {band: to_cents(amount) for band, amount in found.items()}


def unallocated_of(statement: Statement) -> Decimal | None:
    """How many percent of a statement have no owner."""
    return percent(statement.unallocated, statement.total)


def _corrections(statement: Statement) -> tuple[Owed, ...]:
    pairs = {(line.original_period, line.key.cost_center) for line in statement.lines if line.original_period}
    found = []
    for period, center in sorted(pairs, key=sortable):
        assert period is not None
        sums = explained(period, statement.of_center(center))
        found.append(Owed(period, center, sums["reversed"], sums["rebooked"], sums["difference"]))
    return tuple(found)


def month_name(period: Period) -> str:
    """`October 2026`."""
    return f"{_MONTHS[period.month - 1]} {period.year}"


def is_unallocated(name: str | None) -> bool:
    return name == UNALLOCATED
