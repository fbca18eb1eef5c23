"""What the report tells beside the statement: budgets, month end, seats, units, orphans, restatements."""

import re

from tests.joins.test_report import Page
from tests.warehouse.finops.report_company import reported
from warehouse.finops.report_page import page


def test_a_month_under_way_has_its_forecast_in_the_headline_and_by_centre() -> None:
    report = reported(known=20)
    assert report.told is not None
    html = page(report)
    whole = report.told.outlook.whole
    assert f"It is forecast to end at {whole.month_end:,.2f}" in html
    rows = Page(html).table("What is known, forecast and budgeted")
    assert rows[0][:3] == ["Cost centre", "So far", "Month end"]
    assert rows[-1][2] == f"={whole.month_end:.2f}"
    assert "19 of 31 days" in html


def test_a_month_that_is_over_has_budgets_and_no_forecast() -> None:
    html = page(reported())
    assert "forecast of the month end" not in html
    rows = {row[0]: row for row in Page(html).table("What was spent against its budget")}
    assert rows["platform"][-1] == "used up"
    assert rows["research"][-1] in ("holds", "50 % reached", "80 % reached")
    assert "platform has used up the budget" in html


def test_seats_are_told_by_kind_and_their_fees_add_up_to_the_contract() -> None:
    (row,) = Page(page(reported())).table("Seats on an average day")[1:]
    assert row == ["standard", "1", "1", "3", "=25.00", "=25.00", "=75.00", "=125.00"]


def test_unit_costs_of_few_people_are_withheld() -> None:
    rows = {row[0]: row for row in Page(page(reported())).table("What one unit of use costs")[1:]}
    assert rows["platform"][1:3] == ["6", "=20.00"]
    assert set(rows["research"][1:]) == {"under 5", "withheld"}


def test_days_that_stand_out_are_those_of_centres_and_models_and_nobody_is_named() -> None:
    html = page(reported())
    rows = Page(html).table("Days that cost far more")[1:]
    assert {(row[0], row[1], row[2], row[5]) for row in rows} == {
        ("2026-10-07", "centre", "platform", "volume"),
        ("2026-10-07", "model", "claude-opus-5-5", "volume"),
    }
    assert "1 day of a single person stands out too" in re.sub(r"\s+", " ", html)
    assert "user_ada" not in html


def test_orphaned_spend_is_told_by_kind_with_what_to_do() -> None:
    rows = {row[0]: row for row in Page(page(reported())).table("Spend that nobody stands behind")[1:]}
    assert set(rows) == {"Deleted people", "Leavers of the mapping"}
    assert rows["Deleted people"][1] == "1"


def test_a_day_that_was_restated_twice_stands_once_from_its_first_to_its_last_figure() -> None:
    first, total = Page(page(reported())).table("Days of this month that the vendor told anew")[1:]
    assert first[:2] == ["2026-10-02", "2"]
    assert first[3:] == ["=9.00", "=7.00", "=-2.00", "5"]
    assert total[5] == "=-2.00"


def test_each_mover_says_what_moved_it() -> None:
    rows = {row[0]: row for row in Page(page(reported())).table("The largest changes")[1:]}
    assert rows["platform"][-1] == "volume"


def test_the_hashes_of_the_customers_files_are_on_the_page() -> None:
    rows = dict(Page(page(reported())).table("Versions, SHA-256")[1:])
    assert rows["file of cost centres"] == "0" * 64
