"""Seat fees: the contract's fee of the month, seat by seat, to the last unit."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.warehouse.finops.made_rows import OCTOBER, mapping, unhurried
from warehouse.finops.allocation import allocate
from warehouse.finops.cost_centers import UNALLOCATED
from warehouse.finops.errors import FileRefused
from warehouse.finops.inputs import SeatDay
from warehouse.finops.money import total
from warehouse.finops.preparing import with_seats
from warehouse.finops.rules import DEFAULT_RULES
from warehouse.finops.seats import ASSIGNED, IDLE, VACANT, Contract, read_contracts, seat_costs

HEADER = "tier,quantity,unit_price,currency,valid_from,valid_to,proration,owner_cost_center"


def contracts(*rows: str) -> tuple[Contract, ...]:
    return read_contracts("\n".join([HEADER, *rows]).encode(), "seats.csv")


def holder(name: str, *days: int, active: date | None = None) -> list[SeatDay]:
    return [
        SeatDay(date(2026, 10, day), "standard", f"user_{name}", None, active or date(2026, 10, day))
        for day in days
    ]


WHOLE = range(1, 32)


def test_a_month_costs_quantity_times_price() -> None:
    (contract,) = contracts("standard,10,25.00,USD,2026-01-01,,,")
    assert contract.fee(OCTOBER) == Decimal(250)


def test_a_month_cut_by_the_contract_costs_its_share_of_the_days() -> None:
    (daily, full) = contracts("standard,1,31,USD,2026-10-22,,daily,", "premium,1,31,USD,2026-10-22,,full,")
    assert (daily.fee(OCTOBER), full.fee(OCTOBER)) == (Decimal(10), Decimal(31))


def test_assigned_idle_and_vacant_seats_are_told_apart() -> None:
    long_ago = date(2026, 8, 1)
    seats = [*holder("ada", *WHOLE), *holder("bob", *WHOLE, active=long_ago)]
    done = seat_costs(OCTOBER, contracts("standard,3,31,USD,2026-01-01,,,it"), seats)
    assert done.seat_days == {ASSIGNED: 31, IDLE: 31, VACANT: 31}
    assert {row.cost_type for row in done.rows if row.actor_id == "user_bob"} == {IDLE}
    assert all(row.amount == Decimal(1) for row in done.rows)


def test_a_seat_is_idle_from_the_thirtieth_day_without_activity() -> None:
    seats = [SeatDay(date(2026, 10, day), "standard", "user_ada", None, date(2026, 9, 20)) for day in (19, 20)]
    rows = seat_costs(OCTOBER, contracts("standard,1,31,USD,2026-10-19,2026-10-21,,"), seats).rows
    assert [row.cost_type for row in rows] == [ASSIGNED, IDLE]


def test_an_idle_seat_is_charged_to_its_holder_and_a_vacant_one_to_the_owner_of_the_licence() -> None:
    seats = holder("bob", *WHOLE, active=date(2026, 1, 1))
    done = seat_costs(OCTOBER, contracts("standard,2,31,USD,2026-01-01,,,it"), seats)
    people = mapping(",user_bob,data,2026-01-01,")
    allocation = allocate(done.rows, people, with_seats(DEFAULT_RULES, done))
    sums = {
        center: total(line.amount for line in allocation.lines if line.cost_center == center)
        for center in ("data", "it")
    }
    assert sums == {"data": Decimal(31), "it": Decimal(31)}


def test_a_vacant_seat_without_an_owner_is_unallocated() -> None:
    done = seat_costs(OCTOBER, contracts("standard,1,31,USD,2026-01-01,,,"), [])
    allocation = allocate(done.rows, mapping(), with_seats(DEFAULT_RULES, done))
    assert {line.cost_center for line in allocation.lines} == {UNALLOCATED}


def test_a_movers_seat_is_paid_by_days_in_each_centre() -> None:
    moved = mapping(",user_ada,platform,2026-01-01,2026-10-11", ",user_ada,research,2026-10-11,")
    done = seat_costs(OCTOBER, contracts("standard,1,31,USD,2026-01-01,,,"), holder("ada", *WHOLE))
    lines = allocate(done.rows, moved, with_seats(DEFAULT_RULES, done)).lines
    assert total(line.amount for line in lines if line.cost_center == "platform") == Decimal(10)
    assert total(line.amount for line in lines if line.cost_center == "research") == Decimal(21)


def test_seats_added_in_the_middle_of_a_month_are_charged_from_then() -> None:
    rows = contracts("standard,1,31,USD,2026-01-01,,,", "standard,2,31,USD,2026-10-22,,,")
    done = seat_costs(OCTOBER, rows, [])
    assert total(row.amount for row in done.rows) == Decimal(31 + 20)


def test_more_seats_assigned_than_bought_are_reported_and_share_the_fee() -> None:
    seats = [*holder("ada", *WHOLE), *holder("bob", *WHOLE)]
    done = seat_costs(OCTOBER, contracts("standard,1,31,USD,2026-01-01,,,"), seats)
    assert [finding["code"] for finding in done.findings] == ["more_seats_than_bought"]
    assert {row.amount for row in done.rows} == {Decimal("0.5")}


def test_seats_of_a_tier_that_no_contract_covers_are_reported() -> None:
    done = seat_costs(OCTOBER, (), holder("ada", 1))
    assert [finding["code"] for finding in done.findings] == ["seats_without_contract"]
    assert done.rows == []


@unhurried
@given(
    st.integers(0, 50),
    st.decimals(0, 1000, places=4),
    st.dates(date(2026, 9, 1), date(2026, 10, 31)),
    st.integers(1, 90),
    st.sets(st.tuples(st.sampled_from("abcdef"), st.integers(1, 31)), max_size=40),
)
def test_the_rows_of_a_month_add_up_to_the_fee_exactly(
    quantity: int, price: Decimal, begin: date, length: int, held: set[tuple[str, int]]
) -> None:
    end = begin + timedelta(days=length)
    rows = contracts(f"standard,{quantity},{price:f},USD,{begin},{end},,")
    seats = [seat for name, day in sorted(held) for seat in holder(name, day)]
    done = seat_costs(OCTOBER, rows, seats)
    assert total(row.amount for row in done.rows) == rows[0].fee(OCTOBER)


@pytest.mark.parametrize(
    ("row", "rule"),
    [
        (",1,1,USD,2026-01-01,,,", "tier"),
        ("standard,1.5,1,USD,2026-01-01,,,", "quantity"),
        ("standard,-1,1,USD,2026-01-01,,,", "quantity"),
        ("standard,1,1e3,USD,2026-01-01,,,", "amount"),
        ("standard,1,-1,USD,2026-01-01,,,", "unit_price"),
        ("standard,1,1,EUR,2026-01-01,,,", "currency"),
        ("standard,1,1,USD,,,,", "valid_from"),
        ("standard,1,1,USD,2026-01-02,2026-01-02,,", "dates"),
        ("standard,1,1,USD,2026-01-01,,weekly,", "proration"),
    ],
)
def test_a_wrong_contract_row_is_named_with_its_rule(row: str, rule: str) -> None:
    with pytest.raises(FileRefused) as refused:
        contracts(row)
    assert [(one.row, one.rule) for one in refused.value.mistakes] == [(2, rule)]


def test_a_tier_has_one_owner() -> None:
    with pytest.raises(FileRefused, match="another owner in row 2"):
        contracts("standard,1,1,USD,2026-01-01,,,it", "standard,1,1,USD,2026-01-01,,,hr")
