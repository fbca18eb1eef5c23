"""The forecast of a month: simple, repeatable, with a naive one beside it."""

from datetime import date, timedelta
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from tests.warehouse.finops.made_rows import OCTOBER, unhurried
from warehouse.finops.forecast import forecast, mape


def office(begin: date, end: date) -> dict[date, Decimal]:
    """Ten dollars on a weekday, one on the days between."""
    days = [begin + timedelta(days=number) for number in range((end - begin).days)]
    return {day: Decimal(10) if day.weekday() < 5 else Decimal(1) for day in days}


def test_days_to_come_cost_what_their_weekday_costs() -> None:
    daily = office(date(2026, 8, 1), date(2026, 10, 17))
    found = forecast(OCTOBER, daily, date(2026, 10, 17))
    assert found.month_end == sum(office(OCTOBER.start, OCTOBER.end).values())
    assert (found.low, found.high) == (found.month_end, found.month_end)


def test_the_newest_days_still_grow_and_are_forecast() -> None:
    daily = office(date(2026, 8, 1), date(2026, 10, 15)) | {date(2026, 10, 15): Decimal("0.50")}
    found = forecast(OCTOBER, daily, date(2026, 10, 17))
    assert found.through == date(2026, 10, 14)
    assert found.month_end == sum(office(OCTOBER.start, OCTOBER.end).values())


def test_a_finished_month_is_what_it_cost() -> None:
    daily = office(date(2026, 10, 1), date(2026, 11, 3))
    found = forecast(OCTOBER, daily, date(2026, 11, 3))
    whole = sum(office(OCTOBER.start, OCTOBER.end).values())
    assert (found.month_end, found.naive, found.low, found.high, found.days_left) == (
        whole,
        whole,
        whole,
        whole,
        0,
    )


def test_without_any_history_nothing_is_made_up() -> None:
    found = forecast(OCTOBER, {}, date(2026, 10, 10))
    assert (found.month_end, found.naive) == (Decimal("0.00"), Decimal("0.00"))


@unhurried
@given(
    st.dictionaries(
        st.dates(date(2026, 8, 1), date(2026, 10, 20)), st.integers(0, 10**10).map(lambda n: Decimal(n).scaleb(-8))
    )
)
def test_the_interval_holds_the_forecast_and_a_rerun_gives_the_same(daily: dict[date, Decimal]) -> None:
    found = forecast(OCTOBER, daily, date(2026, 10, 20))
    assert found.low <= found.high
    assert found.month_end >= found.to_date
    assert forecast(OCTOBER, dict(reversed(daily.items())), date(2026, 10, 20)) == found


def test_the_error_of_past_forecasts_is_a_mean_of_percentages() -> None:
    assert mape([(Decimal(110), Decimal(100)), (Decimal(95), Decimal(100)), (Decimal(5), Decimal(0))]) == Decimal(
        "7.5"
    )
    assert mape([]) is None
