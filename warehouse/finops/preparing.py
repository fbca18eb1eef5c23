"""A period's statement from everything that is known: its own rows and seats, and what corrects closed periods.

Promise: it only reads; preparing a period twice from the same inputs gives the same statement.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from warehouse.finops.allocation import Allocation, allocate
from warehouse.finops.books import Books
from warehouse.finops.closing import Sources, sources_of
from warehouse.finops.corrections import corrections_of
from warehouse.finops.cost_centers import UNALLOCATED, CostCenters
from warehouse.finops.errors import InputRefused, PeriodRefused
from warehouse.finops.inputs import CostRow, SeatDay
from warehouse.finops.periods import Period, State
from warehouse.finops.rules import DEFAULT_RULES, DEFAULTS, Rules
from warehouse.finops.seats import Contract, Seats, seat_costs
from warehouse.finops.statement import Line, Statement, lines_of, make_statement


@dataclass(frozen=True)
class Inputs:
    """Everything a statement is made from. `rows`, `seat_days` and `refreshed` (how fresh the vendor's figures of
    a period are) are asked for one period at a time; `unchanged` may say of a closed one that its rows, mapping
    and rules are those of its close, so that it need not be added up again."""

    rows: Callable[[Period], Iterable[CostRow]]
    mapping: CostCenters
    rules: Rules = DEFAULT_RULES
    contracts: Sequence[Contract] = ()
    seat_days: Callable[[Period], Iterable[SeatDay]] = lambda _period: ()
    refreshed: Callable[[Period], datetime | None] = lambda _period: None
    unchanged: Callable[[Period], bool] = lambda _period: False


@dataclass(frozen=True)
class Prepared:
    """A statement, the allocation that its own lines were made from, its seats, and where the rows came from."""

    statement: Statement
    allocation: Allocation
    seats: Seats
    sources: Sources
    rules: Rules


def prepare(
    books: Books, period: Period, inputs: Inputs, state: State | None = None, rows_sha256: str | None = None
) -> Prepared:
    """The statement that a period has now, or would be closed with. `state` is written into it; default its own.
    `rows_sha256` is the hash of its rows where it is known already.

    Raises PeriodRefused for a period that is closed: its statement is the one that was published.
    """
    if books.state(period) == "closed":
        raise PeriodRefused(
            f"{period} is closed; its statement is the published one, and is read from the archive"
        )
    allocation, seats, sources, rules = _allocated(period, inputs, rows_sha256)
    own = lines_of(allocation.lines)
    corrections: list[Line] = []
    for closed in books.corrected_in(period):
        if not books.correcting(closed) and inputs.unchanged(closed):
            continue
        now = lines_of(_allocated(closed, inputs)[0].lines)
        corrections += corrections_of(closed, books.booked(closed), now)
    statement = make_statement(
        period,
        own,
        corrections,
        state=state or books.state(period),
        number=books.next_number(period),
        versions={"mapping": inputs.mapping.sha256, "rules": rules.version, "rows": sources.rows_sha256},
    )
    return Prepared(statement, allocation, seats, sources, rules)


def _allocated(
    period: Period, inputs: Inputs, rows_sha256: str | None = None
) -> tuple[Allocation, Seats, Sources, Rules]:
    seats = seat_costs(period, inputs.contracts, inputs.seat_days(period))
    source = list(inputs.rows(period))
    strangers = [row.day for row in source if row.day not in period]
    if strangers:
        raise InputRefused(
            f"a row of {min(strangers)} was handed in as one of {period}; ask for one month at a time"
        )
    rules = with_seats(inputs.rules, seats)
    allocation = allocate(
        [*source, *seats.rows], inputs.mapping, rules, _seat_days_by_center(seats, inputs.mapping)
    )
    return allocation, seats, sources_of([*source, *seats.rows], inputs.refreshed(period), rows_sha256), rules


def with_seats(rules: Rules, seats: Seats) -> Rules:
    """The rules with those that place vacant seats, after the file's own and before the defaults."""
    if not seats.rules:
        return rules
    return replace(rules, rules=(*rules.rules[: -len(DEFAULTS)], *seats.rules, *rules.rules[-len(DEFAULTS) :]))


def _seat_days_by_center(seats: Seats, mapping: CostCenters) -> dict[str, int]:
    """Assigned seat-days by centre; a seat that is divided counts for the centre with its greatest share."""
    counts: dict[str, int] = {}
    for row in seats.rows:
        if row.actor_id is None and row.actor_email is None:
            continue
        placement = mapping.place(row.actor_id, row.actor_email, row.day)
        center = max(sorted(placement.shares), key=placement.shares.__getitem__) if placement else UNALLOCATED
        counts[center] = counts.get(center, 0) + 1
    return counts
