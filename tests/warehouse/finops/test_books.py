"""Closing, correcting, reopening: a closed month stays, and what changed later is explained to the cent."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

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
from warehouse.finops.books import Books, Event
from warehouse.finops.closing import STATEMENT_CSV, STATEMENT_JSON
from warehouse.finops.corrections import explained
from warehouse.finops.errors import InputRefused, PeriodRefused
from warehouse.finops.periods import Period

MONTHS = [Period(2026, 9), OCTOBER, NOVEMBER, Period(2026, 12)]


@unhurried
@given(st.data())
def test_all_statements_of_a_month_add_up_to_its_source_whatever_is_restated_closed_or_reopened(
    data: st.DataObject,
) -> None:
    company = Company(data.draw(mappings()))
    for _ in range(data.draw(st.integers(1, 8), label="steps")):
        step = data.draw(
            st.sampled_from(["restate", "restate", "close", "close", "remap", "reopen"]), label="step"
        )
        period = data.draw(st.sampled_from(MONTHS), label="period")
        if step == "restate":
            company.rows[period] = data.draw(cost_rows_of(period, most=5))
        elif step == "remap":
            company.mapping = data.draw(mappings())
        elif step == "close" and company.books.state(period) != "closed":
            company.close(period)
        elif step == "reopen" and company.books.state(period) == "closed" and not company.books.correcting(period):
            company.reopen(period)
        for month in MONTHS:
            assert company.billed_for(month) == company.source(month)
        for month, statement in company.books.statements.items():
            assert statement.to_json() == company.published[month].files[STATEMENT_JSON]


def test_a_closed_month_keeps_its_bytes_and_the_next_explains_the_difference() -> None:
    company = Company(simple("ada:platform", "bob:data"))
    company.rows[OCTOBER] = [cost("100.014"), cost("50", actor="user_bob")]
    before = company.close(OCTOBER).files
    company.rows[OCTOBER] = [cost("101"), cost("50", actor="user_bob")]
    company.rows[NOVEMBER] = [cost("7", "2026-11-03")]
    statement = company.prepare(NOVEMBER).statement
    corrections = [line for line in statement.lines if line.original_period == OCTOBER]
    assert company.published[OCTOBER].files == before
    assert explained(OCTOBER, corrections) == {
        "reversed": Decimal("-100.01"),
        "rebooked": Decimal("101.00"),
        "difference": Decimal("0.99"),
    }
    assert statement.total == Decimal("7.99")
    assert company.billed_for(OCTOBER) == Decimal("151.00") == company.source(OCTOBER)


def test_a_cent_that_rounding_gave_to_another_centre_moves_with_the_correction() -> None:
    company = Company(simple("ada:platform", "bob:data"))
    company.rows[OCTOBER] = [cost("100.004"), cost("50.004", actor="user_bob")]
    company.close(OCTOBER)
    company.rows[OCTOBER] = [cost("101"), cost("50.004", actor="user_bob")]
    lines = company.prepare(NOVEMBER).statement.lines
    assert [(one.key.cost_center, one.billed) for one in lines] == [
        ("data", Decimal("-50.01")),
        ("data", Decimal("50.00")),
        ("platform", Decimal("-100.00")),
        ("platform", Decimal("101.00")),
    ]


def test_a_correction_takes_back_the_whole_line_and_books_it_anew_in_the_class_correction() -> None:
    company = Company(simple("ada:platform"))
    company.rows[OCTOBER] = [cost("10")]
    company.close(OCTOBER)
    company.mapping = mapping(",user_ada,research,2026-01-01,")
    lines = company.prepare(NOVEMBER).statement.lines
    assert [(one.key.cost_center, one.billed, one.charge_class, one.reversal) for one in lines] == [
        ("platform", Decimal("-10.00"), "Correction", True),
        ("research", Decimal("10.00"), "Correction", False),
    ]
    assert {str(one.original_period) for one in lines} == {"2026-10"}


def test_a_second_restatement_corrects_what_the_first_correction_booked() -> None:
    company = Company(simple("ada:platform"))
    company.rows[OCTOBER] = [cost("10")]
    company.close(OCTOBER)
    company.rows[OCTOBER] = [cost("12")]
    company.close(NOVEMBER)
    company.rows[OCTOBER] = [cost("11")]
    lines = company.prepare(Period(2026, 12)).statement.lines
    assert [one.billed for one in lines] == [Decimal("-12.00"), Decimal("11.00")]


def test_a_row_that_vanished_is_taken_back_and_nothing_is_booked_for_it() -> None:
    company = Company(simple("ada:platform"))
    company.rows[OCTOBER] = [cost("10")]
    company.close(OCTOBER)
    company.rows[OCTOBER] = []
    assert [one.billed for one in company.prepare(NOVEMBER).statement.lines] == [Decimal("-10.00")]


def test_nothing_changed_means_no_correction() -> None:
    company = Company(simple("ada:platform"))
    company.rows[OCTOBER] = [cost("10.123456")]
    company.close(OCTOBER)
    assert company.prepare(NOVEMBER).statement.lines == ()


def test_a_period_is_not_closed_twice() -> None:
    company = Company(simple("ada:platform"))
    company.close(OCTOBER)
    with pytest.raises(PeriodRefused, match="2026-10 is closed"):
        company.close(OCTOBER)
    with pytest.raises(PeriodRefused, match="closed already"):
        company.books.check_close(OCTOBER)


def test_a_reopened_period_is_published_again_under_the_next_number() -> None:
    company = Company(simple("ada:platform"))
    company.rows[OCTOBER] = [cost("10")]
    company.close(OCTOBER)
    company.reopen(OCTOBER)
    company.rows[OCTOBER] = [cost("12")]
    company.close(OCTOBER)
    statement = company.books.statements[OCTOBER]
    assert (statement.number, statement.total) == (2, Decimal("12.00"))
    assert [event.state for event in company.books.events] == ["closed", "reopened", "closed"]


def test_a_period_is_reopened_only_with_a_reason() -> None:
    company = Company(simple("ada:platform"))
    company.close(OCTOBER)
    with pytest.raises(PeriodRefused, match="--reason"):
        company.reopen(OCTOBER, reason="  ")


def test_an_open_period_cannot_be_reopened() -> None:
    with pytest.raises(PeriodRefused, match="nothing to reopen"):
        Books().check_reopen(OCTOBER, "why not")


def test_a_period_whose_corrections_are_closed_elsewhere_is_not_reopened() -> None:
    company = Company(simple("ada:platform"))
    company.rows[OCTOBER] = [cost("10")]
    company.close(OCTOBER)
    company.rows[OCTOBER] = [cost("12")]
    company.close(NOVEMBER)
    with pytest.raises(PeriodRefused, match="booked in 2026-11"):
        company.reopen(OCTOBER)
    company.reopen(NOVEMBER)
    company.reopen(OCTOBER)
    assert company.billed_for(OCTOBER) == Decimal("12.00")


def test_the_books_are_the_same_when_replayed_from_their_events() -> None:
    company = Company(simple("ada:platform"))
    company.rows[OCTOBER] = [cost("10")]
    company.close(OCTOBER)
    company.close(NOVEMBER)
    company.reopen(NOVEMBER)
    again = Books.replay(
        [Event.parse(event.document()) for event in company.books.events], company.books.statements.values()
    )
    assert (again.states, again.statements) == (company.books.states, company.books.statements)


def test_an_event_that_is_none_is_refused() -> None:
    with pytest.raises(InputRefused, match="ledgerline verify"):
        Event.parse({"period": "2026-10"})


def test_a_prepared_statement_of_a_closed_period_is_refused_because_it_is_published() -> None:
    company = Company(simple("ada:platform"))
    company.close(OCTOBER)
    with pytest.raises(PeriodRefused, match="published"):
        company.prepare(OCTOBER)


def test_a_row_of_another_month_is_refused() -> None:
    company = Company(simple("ada:platform"))
    company.rows[OCTOBER] = [cost("10", "2026-11-01")]
    with pytest.raises(InputRefused, match="2026-11-01"):
        company.prepare(OCTOBER)


def test_closing_the_same_month_from_the_same_inputs_gives_the_same_bytes() -> None:
    def close(rows: list[str]) -> dict[str, bytes]:
        company = Company(simple("ada:platform", "bob:data"))
        company.rows[OCTOBER] = [cost(amount, actor=f"user_{name}") for amount in rows for name in ("ada", "bob")]
        return dict(company.close(OCTOBER).files)

    assert close(["1.005", "2.0049"]) == close(["2.0049", "1.005"])
    assert {STATEMENT_JSON, STATEMENT_CSV} < close(["1"]).keys()
