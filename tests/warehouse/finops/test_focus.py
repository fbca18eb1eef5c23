"""The FOCUS files: columns and types as the specification has them, and a sum that is the statement."""

import csv
import io
import json
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given

from tests.warehouse.finops.bookkeeping import Company
from tests.warehouse.finops.made_rows import (
    NOVEMBER,
    OCTOBER,
    cost,
    cost_rows_of,
    mapping,
    mappings,
    simple,
    unhurried,
)
from warehouse.finops.cost_centers import CostCenters
from warehouse.finops.errors import InputRefused
from warehouse.finops.focus import Account, cost_and_usage, file_bytes
from warehouse.finops.focus_columns import BILLING_PERIOD, COST_AND_USAGE, INVOICE_DETAIL, Column
from warehouse.finops.focus_periods import billing_periods, invoice_details
from warehouse.finops.inputs import CostRow
from warehouse.finops.money import total
from warehouse.finops.periods import Period
from warehouse.finops.preparing import Prepared
from warehouse.finops.reconciliation import read_invoice

ACCOUNT = Account("org_1", "Example Ltd")


def focus(done: Prepared) -> pa.Table:
    return cost_and_usage(
        done.statement,
        done.allocation.lines,
        ACCOUNT,
        mapping_version=done.allocation.mapping_version,
        rules_version=done.allocation.rules_version,
    )


def prepared(*rows: CostRow, centers: CostCenters | None = None) -> Prepared:
    company = Company(centers or simple("ada:platform"))
    company.rows[OCTOBER] = rows
    return company.prepare(OCTOBER)


def broken(table: pa.Table, columns: tuple[Column, ...]) -> list[str]:
    """What a table has that its columns do not allow."""
    found = []
    if table.schema.names != [column.name for column in columns]:
        found.append("the columns or their order")
    for column in columns:
        values = table.column(column.name)
        if values.type != column.type:
            found.append(f"{column.name} is {values.type}")
        if values.null_count and not column.nullable:
            found.append(f"{column.name} is null")
        if column.allowed and not set(values.to_pylist()) <= {*column.allowed, None}:
            found.append(f"{column.name} is none of {column.allowed}")
    return found


def corrected(before: list[CostRow], after: list[CostRow], centers: CostCenters) -> Prepared:
    company = Company(centers)
    company.rows[OCTOBER] = before
    company.close(OCTOBER)
    company.rows[OCTOBER] = after
    company.rows[NOVEMBER] = [cost("3.0049", "2026-11-02")]
    return company.prepare(NOVEMBER)


@unhurried
@given(cost_rows_of(OCTOBER), cost_rows_of(OCTOBER), mappings())
def test_every_row_has_the_columns_types_and_values_of_the_specification(
    before: list[CostRow], after: list[CostRow], centers: CostCenters
) -> None:
    assert broken(focus(corrected(before, after, centers)), COST_AND_USAGE) == []


@unhurried
@given(cost_rows_of(OCTOBER), cost_rows_of(OCTOBER), mappings())
def test_the_billed_cost_adds_up_to_the_statement(
    before: list[CostRow], after: list[CostRow], centers: CostCenters
) -> None:
    done = corrected(before, after, centers)
    assert total(focus(done).column("BilledCost").to_pylist()) == done.statement.total


def test_the_columns_of_ours_come_last_and_begin_with_x() -> None:
    ours = [column.since == "ours" for column in COST_AND_USAGE]
    assert ours == sorted(ours)
    assert all(column.name.startswith("x_") == (column.since == "ours") for column in COST_AND_USAGE)


def test_a_day_of_use_is_a_usage_row_of_that_day_in_the_billing_period() -> None:
    (row,) = focus(
        prepared(cost("0.25", "2026-10-31", token_type="output_tokens", quantity=Decimal(50_000), unit="Tokens"))
    ).to_pylist()
    assert {
        name: row[name]
        for name in (
            "ChargeCategory", "ChargeClass", "ChargeFrequency", "ServiceName", "SkuId", "SkuMeter", "ConsumedUnit",
            "ConsumedQuantity", "ResourceId", "ResourceType", "x_CostCenter", "AllocatedMethodId",
        )
    } == {
        "ChargeCategory": "Usage",
        "ChargeClass": None,
        "ChargeFrequency": "Usage-Based",
        "ServiceName": "Claude Code",
        "SkuId": "claude-opus-5-5",
        "SkuMeter": "Output Tokens",
        "ConsumedUnit": "Tokens",
        "ConsumedQuantity": Decimal(50_000),
        "ResourceId": "user_ada",
        "ResourceType": "User",
        "x_CostCenter": "platform",
        "AllocatedMethodId": None,
    }  # fmt: skip
    assert (row["ChargePeriodStart"], row["ChargePeriodEnd"]) == (
        datetime(2026, 10, 31, tzinfo=UTC),
        datetime(2026, 11, 1, tzinfo=UTC),
    )
    assert (row["BillingPeriodStart"], row["BillingPeriodEnd"]) == (
        datetime(2026, 10, 1, tzinfo=UTC),
        datetime(2026, 11, 1, tzinfo=UTC),
    )
    assert json.loads(row["Tags"]) == {"cost_center": "platform"}


def test_a_row_that_was_split_says_by_which_rule_and_with_which_share() -> None:
    shared = mapping(",user_ada,platform,2026-01-01,,25", ",user_ada,research,2026-01-01,,75")
    rows = focus(prepared(cost("8"), centers=shared)).to_pylist()
    assert [(row["x_CostCenter"], row["AllocatedMethodId"], row["AllocatedMethodDetails"]) for row in rows] == [
        ("platform", "direct", '{"share_percent":"25"}'),
        ("research", "direct", '{"share_percent":"75"}'),
    ]


def test_the_rounding_of_the_statement_is_one_adjustment_row() -> None:
    *_, last = focus(prepared(cost("1.0049"))).to_pylist()
    assert (last["ChargeCategory"], last["BilledCost"]) == ("Adjustment", Decimal("-0.00490000"))


def test_a_correction_has_its_class_the_month_it_belongs_to_and_the_period_it_is_billed_in() -> None:
    done = corrected([cost("10")], [cost("12")], simple("ada:platform"))
    rows = [row for row in focus(done).to_pylist() if row["ChargeClass"]]
    assert [row["BilledCost"] for row in rows] == [Decimal(-10), Decimal(12)]
    assert {(row["ChargePeriodStart"].month, row["BillingPeriodStart"].month) for row in rows} == {(10, 11)}


def test_the_file_is_parquet_or_csv_by_its_ending_and_the_same_each_time() -> None:
    table = focus(prepared(cost("1.0049"), cost("7", actor=None)))
    parquet = file_bytes(table, Path("october.parquet"))
    assert pq.read_table(io.BytesIO(parquet)).equals(table)
    assert file_bytes(table, Path("o.PARQUET")) == parquet
    rows = list(csv.DictReader(io.StringIO(file_bytes(table, Path("october.csv")).decode())))
    assert list(rows[0]) == table.schema.names
    assert [row["BilledCost"] for row in rows] == ["1.00490000", "7.00000000", "-0.00490000"]
    assert rows[0]["ChargePeriodStart"] == "2026-10-05T00:00:00Z"


def test_another_ending_is_refused() -> None:
    with pytest.raises(InputRefused, match=r"\.parquet or \.csv"):
        file_bytes(focus(prepared()), Path("october.xlsx"))


def test_an_empty_period_is_a_valid_empty_file() -> None:
    table = focus(prepared())
    assert (table.num_rows, broken(table, COST_AND_USAGE)) == (0, [])


def test_billing_periods_say_which_months_are_closed() -> None:
    company = Company(simple("ada:platform"))
    company.close(OCTOBER)
    closed_at = company.now
    table = billing_periods(company.books, [OCTOBER, NOVEMBER, Period(2026, 12)])
    assert broken(table, BILLING_PERIOD) == []
    assert table.column("BillingPeriodStatus").to_pylist() == ["Closed", "Open", "Open"]
    assert table.column("BillingPeriodLastUpdated").to_pylist()[0] == closed_at


def test_invoice_details_carry_each_line_of_the_invoice() -> None:
    body = (
        b"invoice_id,issue_date,currency,kind,description,amount,due_date\n"
        b"INV-1,2026-11-03,USD,usage,Claude usage,100.00,2026-12-03\nINV-1,2026-11-03,USD,tax,,12.00,\n"
    )
    table = invoice_details(
        OCTOBER, read_invoice(body, "i.csv", OCTOBER), ACCOUNT, datetime(2026, 11, 4, tzinfo=UTC)
    )
    assert broken(table, INVOICE_DETAIL) == []
    assert table.column("BilledCost").to_pylist() == [Decimal(100), Decimal(12)]
    assert table.column("InvoiceDetailId").to_pylist() == ["INV-1-2", "INV-1-3"]
    assert table.column("PaymentDueDate").to_pylist()[0].date() == date(2026, 12, 3)


@pytest.mark.parametrize(
    ("amount", "quantity", "price"),
    [
        ("0.025", "1000", "0.000025"),
        ("10", "3", None),  # 3.333... does not multiply
        ("0.00000001", "30000", None),  # finer than the column
        ("5", "0", None),
        ("-0.5", "4", "-0.125"),
    ],
)
def test_a_unit_price_is_given_only_where_it_multiplies_exactly(
    amount: str, quantity: str, price: str | None
) -> None:
    row = cost(amount, quantity=Decimal(quantity), unit="Tokens", token_type="output_tokens")
    (made, *_) = focus(prepared(row)).to_pylist()
    wanted = None if price is None else Decimal(price)
    assert (made["ContractedUnitPrice"], made["ListUnitPrice"]) == (wanted, wanted)


@unhurried
@given(cost_rows_of(OCTOBER), mappings())
def test_every_unit_price_multiplies_to_its_cost_for_a_reader_with_floats_too(
    rows: list[CostRow], centers: CostCenters
) -> None:
    for row in focus(prepared(*rows, centers=centers)).to_pylist():
        for name, of in (("ListUnitPrice", "ListCost"), ("ContractedUnitPrice", "ContractedCost")):
            if row[name] is not None:
                assert row[name] * row["PricingQuantity"] == row[of]
                assert float(row[name]) * float(row["PricingQuantity"]) == float(row[of])


def test_a_list_price_that_is_not_known_gives_no_list_unit_price() -> None:
    row = cost("2", quantity=Decimal(4), unit="Tokens", list_amount=None)
    (made, *_) = focus(prepared(row)).to_pylist()
    assert (made["ListUnitPrice"], made["ContractedUnitPrice"]) == (None, Decimal("0.5"))
