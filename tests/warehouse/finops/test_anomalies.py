"""Dear days, and why a month changed."""

from datetime import date, timedelta
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from tests.warehouse.finops.made_rows import unhurried
from warehouse.finops.anomalies import Volume, anomalies, explain_change

FIRST = date(2026, 8, 3)
LAST = date(2026, 10, 5)


def steady(amount: int = 100) -> dict[date, Decimal]:
    days = (LAST - FIRST).days + 1
    return {FIRST + timedelta(days=number): Decimal(amount + number % 3) for number in range(days)}


def test_a_day_far_above_its_weekday_is_found_with_what_is_usual() -> None:
    (found,) = anomalies("platform", steady() | {LAST: Decimal(900)}, [LAST])
    assert (found.subject, found.day, found.usual) == ("platform", LAST, Decimal(101))
    assert "900.00 where this weekday usually costs 101.00" in found.reason


def test_a_usual_day_is_not_found() -> None:
    assert anomalies("platform", steady(), list(steady())[21:]) == []


def test_small_amounts_are_not_worth_a_look() -> None:
    daily = {day: Decimal("0.10") for day in steady()} | {LAST: Decimal(40)}
    assert anomalies("platform", daily, [LAST]) == []


def test_a_subject_with_its_first_cost_is_new() -> None:
    (found,) = anomalies("user_new", {LAST: Decimal(80)}, [LAST])
    assert (found.score, found.reason.split(":")[0]) == (None, "new")


def test_too_little_history_says_nothing() -> None:
    assert anomalies("platform", {LAST - timedelta(weeks=1): Decimal(1), LAST: Decimal(900)}, [LAST]) == []


def test_more_of_the_same_is_volume() -> None:
    found = explain_change(
        {"opus": Volume(Decimal(100), Decimal(10))}, {"opus": Volume(Decimal(150), Decimal(15))}
    )
    assert (found.change, found.volume, found.mix, found.price) == (50, 50, 0, 0)
    assert found.cause == "volume"


def test_the_same_at_another_price_is_price() -> None:
    found = explain_change({"opus": Volume(Decimal(100), Decimal(10))}, {"opus": Volume(Decimal(80), Decimal(10))})
    assert (found.volume, found.mix, found.price, found.cause) == (0, 0, -20, "price")


def test_a_change_to_a_dearer_model_is_mix() -> None:
    before = {"opus": Volume(Decimal(50), Decimal(5)), "sonnet": Volume(Decimal(10), Decimal(5))}
    after = {"opus": Volume(Decimal(100), Decimal(10))}
    found = explain_change(before, after)
    assert (found.volume, found.mix, found.price, found.cause) == (0, 40, 0, "mix")


volumes = st.dictionaries(
    st.sampled_from(["opus", "sonnet", "haiku"]),
    st.builds(
        Volume,
        st.integers(0, 10**12).map(lambda n: Decimal(n).scaleb(-8)),
        st.integers(0, 10**12).map(Decimal),
    ),
)


@unhurried
@given(volumes, volumes)
def test_the_three_parts_add_up_to_the_change(before: dict[str, Volume], after: dict[str, Volume]) -> None:
    found = explain_change(before, after)
    assert found.volume + found.mix + found.price == found.change
