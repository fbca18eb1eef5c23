"""The statement: its form, its sums, its bytes."""

import json
from decimal import Decimal

from hypothesis import given

from tests.warehouse.finops.made_rows import OCTOBER, cost, cost_rows_of, mapping, mappings, simple, unhurried
from warehouse.finops.allocation import allocate
from warehouse.finops.closing import read_statement
from warehouse.finops.cost_centers import CostCenters
from warehouse.finops.inputs import CostRow
from warehouse.finops.money import to_cents, total
from warehouse.finops.rules import DEFAULT_RULES
from warehouse.finops.statement import Statement, lines_of, make_statement


def statement(rows: list[CostRow], centers: CostCenters) -> Statement:
    return make_statement(OCTOBER, lines_of(allocate(rows, centers, DEFAULT_RULES).lines))


@unhurried
@given(cost_rows_of(OCTOBER), mappings())
def test_the_lines_add_up_to_the_total_and_the_total_is_the_source_to_the_cent(
    rows: list[CostRow], centers: CostCenters
) -> None:
    made = statement(rows, centers)
    source = total(row.amount for row in rows)
    assert made.source_total == source
    assert made.total == to_cents(source) == total(line.billed for line in made.lines)
    assert total(made.by_center().values()) == made.total


@unhurried
@given(cost_rows_of(OCTOBER), mappings())
def test_each_line_shows_what_its_rounding_was(rows: list[CostRow], centers: CostCenters) -> None:
    for line in statement(rows, centers).document()["lines"]:
        assert Decimal(line["billed"]) - Decimal(line["exact"]) == Decimal(line["rounding"])


@unhurried
@given(cost_rows_of(OCTOBER), mappings())
def test_a_centre_is_within_two_cents_of_what_it_used(rows: list[CostRow], centers: CostCenters) -> None:
    made = statement(rows, centers)
    for center, amount in made.by_center().items():
        assert abs(amount - total(line.exact for line in made.of_center(center))) < Decimal("0.02")


def test_the_document_has_the_form_of_the_contract() -> None:
    made = statement(
        [cost("12.3449", quantity=Decimal(700), unit="Tokens"), cost("1", actor=None)], simple("ada:platform")
    )
    document = json.loads(made.to_json())
    lines = document.pop("lines")
    versions = document.pop("versions")
    assert versions == {}
    assert document == {
        "format": "ledgerline-statement/1",
        "period": "2026-10",
        "state": "open",
        "number": 1,
        "currency": "USD",
        "total": "13.34",
        "source_total": "13.34490000",
        "unallocated": "1.00",
        "cost_centers": {"UNALLOCATED": "1.00", "platform": "12.34"},
    }
    assert lines[1] == {
        "cost_center": "platform",
        "service": "claude_code",
        "model": "claude-opus-5-5",
        "charge_category": "Usage",
        "charge_class": None,
        "original_period": None,
        "reversal": False,
        "billed": "12.34",
        "exact": "12.34490000",
        "rounding": "-0.00490000",
        "list": "12.34490000",
        "quantity": "700",
        "unit": "Tokens",
    }


@unhurried
@given(cost_rows_of(OCTOBER), mappings())
def test_a_statement_is_read_back_from_its_bytes(rows: list[CostRow], centers: CostCenters) -> None:
    made = statement(rows, centers)
    assert read_statement(made.to_json()).to_json() == made.to_json()


@unhurried
@given(cost_rows_of(OCTOBER), mappings())
def test_the_order_of_the_rows_changes_no_byte(rows: list[CostRow], centers: CostCenters) -> None:
    assert statement(rows[::-1], centers).to_json() == statement(rows, centers).to_json()


def test_the_csv_has_one_row_a_line_in_a_fixed_order_and_guards_texts_but_not_numbers() -> None:
    centers = mapping('ada@example.com,,"=1+1",2026-01-01,')
    rows = [cost("-5.5", actor=None, actor_email="ada@example.com")]
    head, row = statement(rows, centers).to_csv().decode().splitlines()
    assert head.startswith(
        "period,currency,cost_center,service,model,charge_category,charge_class,original_period,"
    )
    assert (
        row
        == "2026-10,USD,'=1+1,claude_code,claude-opus-5-5,Usage,,,false,-5.50,-5.50000000,0.00000000,-5.50000000,,"
    )


def test_the_csv_of_one_centre_has_its_lines_only() -> None:
    made = statement([cost("5"), cost("7", actor="user_bob")], simple("ada:platform", "bob:data"))
    assert len(made.to_csv("data").splitlines()) == 2
    assert b"platform" not in made.to_csv("data")


def test_a_period_without_cost_has_an_empty_statement() -> None:
    made = statement([], simple("ada:platform"))
    assert (made.lines, made.document()["total"]) == ((), "0.00")


def test_a_list_price_that_is_not_known_for_all_of_a_line_is_not_shown_for_it() -> None:
    (line,) = statement([cost("5"), cost("5", list_amount=None)], simple("ada:platform")).lines
    assert line.list_amount is None
