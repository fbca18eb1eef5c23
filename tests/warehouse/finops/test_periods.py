"""Months and their states: what may be done when, and what a refusal says."""

from datetime import date, timedelta

import pytest

from tests.warehouse.finops.made_rows import NOVEMBER, OCTOBER
from warehouse.finops.errors import PeriodRefused, TooEarly
from warehouse.finops.inputs import Coverage
from warehouse.finops.periods import Period, State, books_corrections_of, check_closable, step

WHOLE = Coverage(frozenset(OCTOBER.days))
FINAL = date(2026, 12, 1)


def test_a_period_is_a_calendar_month() -> None:
    assert (OCTOBER.start, OCTOBER.end, OCTOBER.length) == (date(2026, 10, 1), date(2026, 11, 1), 31)
    assert Period.parse("2026-12").next == Period(2027, 1)
    assert (date(2026, 10, 31) in OCTOBER, date(2026, 11, 1) in OCTOBER) == (True, False)


@pytest.mark.parametrize(
    "wrong", ["2026", "2026-13", "2026-00", "2026-1", "26-10", "2026-10-01", "2026-1٠", "../etc", ""]
)
def test_what_is_no_month_is_refused(wrong: str) -> None:
    with pytest.raises(PeriodRefused, match="YYYY-MM"):
        Period.parse(wrong)


def test_a_whole_period_can_be_closed_when_it_is_restated_no_more() -> None:
    assert OCTOBER.final_from == FINAL
    assert check_closable(OCTOBER, today=FINAL, coverage=WHOLE) == []


def test_a_period_that_may_be_restated_is_refused_with_the_day_it_can_be_closed() -> None:
    with pytest.raises(TooEarly, match="from 2026-12-01 on") as refused:
        check_closable(OCTOBER, today=FINAL - timedelta(days=1), coverage=WHOLE)
    assert refused.value.until == FINAL


def test_an_incomplete_period_is_refused_with_its_missing_days_and_the_command_that_pulls_them() -> None:
    coverage = Coverage(frozenset(OCTOBER.days[2:]))
    with pytest.raises(TooEarly, match=r"2 of its 31 days .*--from 2026-10-01 --to 2026-10-03") as refused:
        check_closable(OCTOBER, today=FINAL, coverage=coverage)
    assert refused.value.until is None


def test_days_that_were_last_read_before_they_were_final_must_be_read_once_more() -> None:
    coverage = Coverage(WHOLE.complete, frozenset(OCTOBER.days[29:]))
    with pytest.raises(TooEarly, match=r"2 of its days .* 2026-10-30.* `ledgerline pull cost` once more"):
        check_closable(OCTOBER, today=FINAL, coverage=coverage)


def test_a_forced_close_gets_its_reasons_back_to_be_recorded() -> None:
    reasons = check_closable(OCTOBER, today=date(2026, 11, 5), coverage=Coverage(frozenset()), forced=True)
    assert len(reasons) == 2


def test_a_period_that_has_not_ended_cannot_even_be_forced() -> None:
    with pytest.raises(TooEarly, match="has not ended"):
        check_closable(OCTOBER, today=date(2026, 10, 31), coverage=WHOLE, forced=True)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("open", "provisional"),
        ("open", "closed"),
        ("provisional", "provisional"),
        ("provisional", "closed"),
        ("closed", "reopened"),
        ("reopened", "closed"),
    ],
)
def test_these_steps_are_allowed(before: State, after: State) -> None:
    assert step(OCTOBER, before, after) == after


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("closed", "closed"),
        ("open", "reopened"),
        ("provisional", "reopened"),
        ("closed", "provisional"),
        ("closed", "open"),
        ("reopened", "provisional"),
    ],
)
def test_all_others_are_refused(before: State, after: State) -> None:
    with pytest.raises(PeriodRefused, match="2026-10 is"):
        step(OCTOBER, before, after)


def test_corrections_are_booked_in_the_next_period_that_is_open() -> None:
    states: dict[Period, State] = {Period(2026, 9): "closed", OCTOBER: "closed", NOVEMBER: "provisional"}
    assert books_corrections_of(NOVEMBER, states) == [Period(2026, 9), OCTOBER]
    assert books_corrections_of(Period(2026, 12), states) == []


def test_an_open_month_in_between_takes_the_corrections_of_the_months_before_it() -> None:
    states: dict[Period, State] = {Period(2026, 9): "closed", NOVEMBER: "closed"}
    assert books_corrections_of(OCTOBER, states) == [Period(2026, 9)]
    assert books_corrections_of(Period(2026, 12), states) == [NOVEMBER]
