"""Seat fees from a contract file, as rows of cost: assigned, idle and vacant seats, day by day.

The vendor's cost endpoints show no seat fees, so a contract says what was bought. Promise: the rows of a month
add up to the contract's fee for it, exactly. Rule book: reference finops, section 4.2.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from fractions import Fraction

from warehouse.finops import customer_files as files
from warehouse.finops.cost_centers import UNALLOCATED
from warehouse.finops.inputs import CURRENCY, CostRow, SeatDay
from warehouse.finops.money import EXACT, SCALE, ZERO, split
from warehouse.finops.periods import Period
from warehouse.finops.rules import Rule

COLUMNS = ("tier", "quantity", "unit_price", "currency", "valid_from", "valid_to")
OPTIONAL = ("proration", "owner_cost_center")
PRODUCT = "seats"
ASSIGNED, IDLE, VACANT = "seat_assigned", "seat_idle", "seat_vacant"
UNIT = "Seat-Days"
IDLE_DAYS = 30
_VACANT_KEY = ""  # sorts before every holder, and is nobody's id


@dataclass(frozen=True, slots=True)
class Contract:
    """One line: `quantity` seats of a tier at `unit_price` a seat and month, during `[valid_from, valid_to)`.

    `proration` `daily` charges a month that is cut by a boundary by its days, `full` charges it whole.
    `owner_cost_center` pays for vacant seats; empty is UNALLOCATED.
    """

    line: int
    tier: str
    quantity: int
    unit_price: Decimal
    valid_from: date
    valid_to: date | None
    proration: str
    owner_cost_center: str

    def days_in(self, period: Period) -> list[date]:
        end = self.valid_to or date.max
        return [day for day in period.days if self.valid_from <= day < end]

    def fee(self, period: Period) -> Decimal:
        """What this line costs in a month; a fraction of a month is rounded once, to eight decimals."""
        days = len(self.days_in(period))
        whole = EXACT.multiply(self.unit_price, Decimal(self.quantity))
        if days == 0:
            return ZERO
        if self.proration == "full" or days == period.length:
            return whole
        units = Fraction(whole) * days * 10**SCALE / period.length
        return Decimal(int(units + Fraction(1, 2))).scaleb(-SCALE, EXACT)


@dataclass
class Seats:
    """The fees of a month as rows of cost, the rules that place its vacant seats, and what a human should look at:
    tiers of which more seats are assigned than bought, tiers without a contract. `seat_days` counts by kind."""

    rows: list[CostRow] = field(default_factory=list)
    rules: tuple[Rule, ...] = ()
    findings: list[dict[str, str]] = field(default_factory=list)
    seat_days: dict[str, int] = field(default_factory=lambda: {ASSIGNED: 0, IDLE: 0, VACANT: 0})


def read_contracts(body: bytes, name: str) -> tuple[Contract, ...]:
    """Read a contract file. Raises FileRefused with every mistake: file, row, rule, remedy."""
    found = files.Findings(name)
    rows = files.read_rows(body, found, required=COLUMNS, optional=OPTIONAL)
    contracts = [contract for row in rows if (contract := _contract(row, found))]
    owners: dict[str, Contract] = {}
    for contract in contracts:
        first = owners.setdefault(contract.tier, contract)
        if first.owner_cost_center != contract.owner_cost_center:
            found.add(
                contract.line, "owner", f"tier {files.shown(contract.tier)} has another owner in row {first.line}",
                "one owner_cost_center for all rows of a tier",
            )  # fmt: skip
    found.raise_if_any()
    return tuple(contracts)


def _contract(row: files.Row, found: files.Findings) -> Contract | None:
    before = len(found.mistakes)
    if not row["tier"]:
        found.add(row.line, "tier", "tier is empty", "the name of the seat tier, such as standard")
    quantity = row["quantity"]
    if not (quantity.isascii() and quantity.isdigit()) or len(quantity) > 9:
        found.add(row.line, "quantity", f"quantity {files.shown(quantity)} is no count", "a whole number of seats")
    price = files.amount_cell(row, "unit_price", found)
    if price is not None and price < 0:
        found.add(row.line, "unit_price", f"unit_price is {price}", "the price of a seat and month, at least 0")
    if row["currency"] != CURRENCY:
        found.add(
            row.line, "currency", f"currency is {files.shown(row['currency'])}",
            f"{CURRENCY}: one statement has one currency",
        )  # fmt: skip
    begin, end = files.day_cell(row, "valid_from", found), files.day_cell(row, "valid_to", found)
    if not row["valid_from"]:
        found.add(row.line, "valid_from", "valid_from is empty", "the first day, as YYYY-MM-DD")
    if begin and end and end <= begin:
        found.add(
            row.line, "dates", f"it ends on {end}, not after it starts on {begin}", "valid_to after valid_from"
        )
    proration = row["proration"] or "daily"
    if proration not in ("daily", "full"):
        found.add(row.line, "proration", f"proration is {files.shown(proration)}", "daily or full")
    files.note_formulas(row, ("tier", "owner_cost_center"), found)
    if len(found.mistakes) > before or begin is None or price is None:
        return None
    owner = row["owner_cost_center"] or UNALLOCATED
    return Contract(row.line, row["tier"], int(quantity), price, begin, end, proration, owner)


def seat_costs(
    period: Period, contracts: Sequence[Contract], seats: Iterable[SeatDay], *, idle_days: int = IDLE_DAYS
) -> Seats:
    """The seat fees of a month: one row for each assigned seat and day, one for the vacant seats of a tier and
    day.

    A row's `product` is `seats`, its `model` the tier, its `cost_type` one of ASSIGNED, IDLE, VACANT.
    """
    done = Seats(rules=_vacant_rules(contracts))
    held: dict[tuple[str, date], dict[str, SeatDay]] = defaultdict(dict)
    for seat in seats:
        if seat.day in period:
            held[seat.tier, seat.day][seat.user_id or (seat.user_email or "").casefold()] = seat
    bought = {contract.tier for contract in contracts if contract.days_in(period)}
    for tier in sorted({tier for tier, _ in held} - bought):
        done.findings.append(_finding("seats_without_contract", tier, period, "no contract row covers them"))
    for tier in sorted(bought):
        _tier(period, tier, [one for one in contracts if one.tier == tier], held, idle_days, done)
    return done


def _tier(
    period: Period,
    tier: str,
    contracts: Sequence[Contract],
    held: dict[tuple[str, date], dict[str, SeatDay]],
    idle_days: int,
    done: Seats,
) -> None:
    fees, quantities = _by_day(period, contracts)
    over = 0
    for day in sorted(fees):
        holders = held.get((tier, day), {})
        vacant = quantities[day] - len(holders)
        over = max(over, -vacant)
        weights: dict[str, Decimal | int] = dict.fromkeys(holders, 1)
        if vacant > 0 or not holders:
            weights[_VACANT_KEY] = max(vacant, 1)
        for key, amount in split(fees[day], weights).items():
            seat = holders.get(key)
            kind = VACANT if seat is None else _kind(seat, idle_days)
            count = max(vacant, 0) if seat is None else 1
            done.seat_days[kind] += count
            done.rows.append(_row(day, tier, kind, seat, amount, count))
    if over:
        done.findings.append(
            _finding("more_seats_than_bought", tier, period, f"on one day {over} more were assigned than bought")
        )


def _by_day(period: Period, contracts: Sequence[Contract]) -> tuple[dict[date, Decimal], dict[date, int]]:
    fees: dict[date, Decimal] = {}
    quantities: dict[date, int] = defaultdict(int)
    for contract in contracts:
        days = contract.days_in(period)
        for day in days:
            quantities[day] += contract.quantity
        for text, amount in (
            split(contract.fee(period), {day.isoformat(): 1 for day in days}).items() if days else ()
        ):
            day = date.fromisoformat(text)
            fees[day] = EXACT.add(fees.get(day, ZERO), amount)
    return fees, quantities


def _kind(seat: SeatDay, idle_days: int) -> str:
    active = seat.last_active is not None and (seat.day - seat.last_active).days < idle_days
    return ASSIGNED if active else IDLE


def _row(day: date, tier: str, kind: str, seat: SeatDay | None, amount: Decimal, count: int) -> CostRow:
    return CostRow(
        day=day,
        organization=None,
        product=PRODUCT,
        model=tier,
        cost_type=kind,
        token_type=None,
        actor_kind="user_actor" if seat else None,
        actor_id=seat.user_id if seat else None,
        actor_email=seat.user_email if seat else None,
        amount=amount,
        list_amount=amount,
        charge_category="Purchase",
        quantity=Decimal(count),
        unit=UNIT,
    )


def _vacant_rules(contracts: Iterable[Contract]) -> tuple[Rule, ...]:
    owners = {contract.tier: contract.owner_cost_center for contract in contracts}
    return tuple(
        Rule(
            f"seat-vacant:{tier}",
            "central",
            where=(("cost_type", frozenset({VACANT})), ("model", frozenset({tier}))),
            centers=(owner,),
        )
        for tier, owner in sorted(owners.items())
    )


def _finding(code: str, tier: str, period: Period, what: str) -> dict[str, str]:
    detail = f"{period}, tier {tier}: {what}; add a row to the contract file, or take the seats back"
    return {"code": code, "subject": tier, "detail": detail}
