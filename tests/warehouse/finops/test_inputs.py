"""The rows this room is fed: from Arrow or from mappings, decimals only."""

from datetime import date
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest

from tests.warehouse.finops.made_rows import cost
from warehouse.finops.errors import InputRefused
from warehouse.finops.inputs import COST_ROWS, SEAT_DAYS, CostRow, SeatDay, cost_rows, seat_days


def test_rows_of_an_arrow_table_come_out_as_they_went_in() -> None:
    rows = [cost("1.00000001", requests=3, source_commit=9), cost("-2", actor=None, model=None)]
    records = [{name: getattr(row, name) for name in CostRow.__slots__} for row in rows]
    assert list(cost_rows(pa.Table.from_pylist(records, schema=COST_ROWS))) == rows


def test_columns_that_may_be_absent_are_none_and_the_category_is_usage() -> None:
    (row,) = cost_rows([{"day": date(2026, 10, 1), "amount": Decimal(1), "charge_category": None}])
    assert (row.actor_id, row.charge_category) == (None, "Usage")


@pytest.mark.parametrize(
    "record",
    [
        {"day": date(2026, 10, 1), "amount": 1.5},
        {"day": date(2026, 10, 1), "amount": Decimal(1), "list_amount": 1.5},
        {"day": date(2026, 10, 1), "amount": None},
        {"day": None, "amount": Decimal(1)},
        {"day": date(2026, 10, 1), "amount": Decimal(1), "colour": "red"},
        {"day": date(2026, 10, 1), "amount": Decimal(1), "charge_category": "Fun"},
    ],
)
def test_rows_of_another_form_are_refused(record: dict[str, Any]) -> None:
    with pytest.raises(InputRefused):
        list(cost_rows([record]))


def test_a_table_without_amounts_is_refused() -> None:
    with pytest.raises(InputRefused, match="'amount'"):
        list(cost_rows(pa.table({"day": [date(2026, 10, 1)]})))


def test_seats_come_from_arrow_too() -> None:
    seat = SeatDay(date(2026, 10, 1), "standard", "user_ada", None, date(2026, 9, 30))
    record = {name: getattr(seat, name) for name in SeatDay.__slots__}
    assert list(seat_days(pa.Table.from_pylist([record], schema=SEAT_DAYS))) == [seat]


@pytest.mark.parametrize("wrong", [{"day": None}, {"amount": None}, {"charge_category": "Fun"}])
def test_rows_that_come_typed_are_looked_at_as_closely(wrong: dict[str, Any]) -> None:
    right = {name: None for name in COST_ROWS.names} | {"day": date(2026, 10, 1), "amount": Decimal("1.5")}
    schema = pa.schema([pa.field(field.name, field.type) for field in COST_ROWS])
    (row,) = cost_rows(pa.Table.from_pylist([right], schema=schema))
    assert (row.amount, row.charge_category) == (Decimal("1.5"), "Usage")
    with pytest.raises(InputRefused):
        list(cost_rows(pa.Table.from_pylist([right | wrong], schema=schema)))
