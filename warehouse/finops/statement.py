"""The statement of a period: lines by centre, service and model, rounded once, and its bytes as JSON and CSV.

Promise: the lines add up to the total and the total is the source, to the cent; the same inputs give the same
bytes. Design section 13; rule book: reference finops, sections 4.3 and 5.
"""

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, NamedTuple

from warehouse.finops.allocation import AllocatedLine
from warehouse.finops.cost_centers import UNALLOCATED
from warehouse.finops.customer_files import Number, csv_bytes
from warehouse.finops.errors import ConservationBroken
from warehouse.finops.inputs import CURRENCY
from warehouse.finops.money import EXACT, ZERO, minus, round_pool, sortable, text, to_cents, total
from warehouse.finops.periods import Period, State

FORMAT = "ledgerline-statement/1"
CORRECTION = "Correction"


class Key(NamedTuple):
    """What a line is for. `service` is the vendor's product, or `seats`; `model` for seats is the tier."""

    cost_center: str
    service: str | None
    model: str | None
    charge_category: str
    unit: str | None


@dataclass(frozen=True, slots=True)
class Line:
    """One line. `exact` is what was allocated, `billed` the same in whole cents. `original_period` and the class
    `Correction` are set where it corrects a closed period: one line takes back what was booked (`reversal`), one
    books what is right."""

    key: Key
    exact: Decimal
    billed: Decimal
    list_amount: Decimal | None = None
    quantity: Decimal | None = None
    original_period: Period | None = None
    reversal: bool = False

    @property
    def charge_class(self) -> str | None:
        return CORRECTION if self.original_period else None

    def document(self) -> dict[str, Any]:
        return {
            "cost_center": self.key.cost_center,
            "service": self.key.service,
            "model": self.key.model,
            "charge_category": self.key.charge_category,
            "charge_class": self.charge_class,
            "original_period": str(self.original_period) if self.original_period else None,
            "reversal": self.reversal,
            "billed": text(self.billed, 2),
            "exact": text(self.exact),
            "rounding": text(minus(self.billed, self.exact)),
            "list": None if self.list_amount is None else text(self.list_amount),
            "quantity": None if self.quantity is None else text(self.quantity, 0),
            "unit": self.key.unit,
        }


@dataclass(frozen=True)
class Statement:
    """A period's lines, sorted. `number` counts the statements that were published for it, from 1.

    `source_total` is the exact cost of the period (source rows and seats) and the corrections, which are whole
    cents.
    """

    period: Period
    state: State
    number: int
    lines: tuple[Line, ...]
    source_total: Decimal
    versions: Mapping[str, Any] = field(default_factory=dict)

    @property
    def total(self) -> Decimal:
        return total(line.billed for line in self.lines)

    @property
    def unallocated(self) -> Decimal:
        return total(line.billed for line in self.lines if line.key.cost_center == UNALLOCATED)

    @property
    def own_lines(self) -> list[Line]:
        return [line for line in self.lines if line.original_period is None]

    def by_center(self) -> dict[str, Decimal]:
        """The total of each centre, sorted by its name."""
        sums: dict[str, Decimal] = defaultdict(Decimal)
        for line in self.lines:
            sums[line.key.cost_center] = EXACT.add(sums[line.key.cost_center], line.billed)
        return dict(sorted(sums.items()))

    def of_center(self, center: str) -> list[Line]:
        return [line for line in self.lines if line.key.cost_center == center]

    def document(self) -> dict[str, Any]:
        """The statement as design section 13 has it, amounts as decimal strings in dollars."""
        return {
            "format": FORMAT,
            "period": str(self.period),
            "state": self.state,
            "number": self.number,
            "currency": CURRENCY,
            "total": text(self.total, 2),
            "source_total": text(self.source_total),
            "unallocated": text(self.unallocated, 2),
            "cost_centers": {center: text(amount, 2) for center, amount in self.by_center().items()},
            "versions": dict(self.versions),
            "lines": [line.document() for line in self.lines],
        }

    def to_json(self) -> bytes:
        """Canonical JSON: sorted keys, no spaces, UTF-8, a line break at the end."""
        return canonical_json(self.document())

    def to_csv(self, center: str | None = None) -> bytes:
        """The lines as CSV, of all centres or of one."""
        lines = self.lines if center is None else self.of_center(center)
        return csv_bytes(CSV_COLUMNS, (_csv_row(self.period, line) for line in lines))


CSV_COLUMNS = (
    "period", "currency", "cost_center", "service", "model", "charge_category", "charge_class", "original_period",
    "reversal", "billed", "exact", "rounding", "list", "quantity", "unit",
)  # fmt: skip
_NUMBERS = {"billed", "exact", "rounding", "list", "quantity"}


def _csv_row(period: Period, line: Line) -> list[str | None]:
    document = line.document() | {
        "period": str(period),
        "currency": CURRENCY,
        "reversal": "true" if line.reversal else "false",
    }
    return [
        Number(document[column]) if column in _NUMBERS and document[column] is not None else document[column]
        for column in CSV_COLUMNS
    ]


def canonical_json(document: object) -> bytes:
    return (json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False) + "\n").encode()


def lines_of(allocated: Iterable[AllocatedLine]) -> tuple[Line, ...]:
    """Allocated lines summed by key and rounded once: the period to its centres, each centre to its lines.

    Every centre is within a cent of what it used, and the sum over all is the period's total, rounded.
    """
    exact: dict[Key, Decimal] = defaultdict(Decimal)
    lists: dict[Key, Decimal | None] = {}
    quantities: dict[Key, Decimal] = {}
    for line in allocated:
        row = line.row
        key = Key(line.cost_center, row.product, row.model, row.charge_category, row.unit)
        exact[key] = EXACT.add(exact[key], line.amount)
        before = lists.get(key, ZERO)
        unknown = before is None or line.list_amount is None
        lists[key] = None if unknown else EXACT.add(before or ZERO, line.list_amount or ZERO)
        if line.quantity is not None:
            quantities[key] = EXACT.add(quantities.get(key, ZERO), line.quantity)
    billed = _rounded(exact)
    return tuple(
        Line(key, exact[key], billed[key], lists[key], quantities.get(key)) for key in sorted(exact, key=sortable)
    )


def _rounded(exact: Mapping[Key, Decimal]) -> dict[Key, Decimal]:
    by_center: dict[str, dict[Key, Decimal]] = defaultdict(dict)
    for key, amount in exact.items():
        by_center[key.cost_center][key] = amount
    totals = round_pool({center: total(pool.values()) for center, pool in by_center.items()})
    billed: dict[Key, Decimal] = {}
    for center, pool in by_center.items():
        billed |= round_pool(pool, target=totals[center])
    return billed


def make_statement(
    period: Period,
    own: Sequence[Line],
    corrections: Sequence[Line] = (),
    *,
    state: State = "open",
    number: int = 1,
    versions: Mapping[str, Any] | None = None,
) -> Statement:
    """Put a statement together from its own lines and the corrections that it books.

    Raises ConservationBroken where the total is not the source, rounded to the cent.
    """
    source = EXACT.add(total(line.exact for line in own), total(line.billed for line in corrections))
    lines = sorted(
        [*own, *corrections],
        key=lambda line: (sortable(line.key), str(line.original_period or ""), not line.reversal),
    )
    statement = Statement(period, state, number, tuple(lines), source, versions or {})
    if statement.total != to_cents(source):
        raise ConservationBroken(
            f"the statement of {period} adds up to {statement.total} and its source to {source}; "
            "nothing was written"
        )
    return statement
