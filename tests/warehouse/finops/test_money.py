"""Exact money: parsing, splitting, rounding. Nothing is lost, and nothing is a float."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.warehouse.finops.made_rows import amounts, unhurried
from warehouse.finops.errors import AmountRefused, ConservationBroken
from warehouse.finops.money import parse_amount, parse_cents, round_pool, split, text, to_cents, total


def test_the_vendors_cents_become_dollars_exactly() -> None:
    assert parse_cents("41280.000000") == Decimal("412.80")
    assert text(parse_cents("1873311.482100")) == "18733.11482100"


def test_twenty_decimals_of_a_cent_are_kept() -> None:
    assert text(parse_cents("0.12345678901234567891")) == "0.0012345678901234567891"


def test_a_negative_amount_stays_negative() -> None:
    assert parse_cents("-250.5") == Decimal("-2.505")


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        ("", "empty"),
        (" ", "empty"),
        ("1e3", "exponent"),
        ("1E-3", "exponent"),
        ("+5", "plus"),
        ("1,234.50", "thousands marks"),
        ("1_000", "thousands marks"),
        ("NaN", "not a number"),
        ("Infinity", "not a number"),
        ("1.", "not a number"),
        (".5", "not a number"),
        ("12 ", "not a number"),
        ("٣", "not a number"),
        ("9" * 81, "characters"),
    ],
)
def test_what_is_no_plain_amount_is_refused_and_says_why(wrong: str, why: str) -> None:
    with pytest.raises(AmountRefused, match=why):
        parse_amount(wrong)


@unhurried
@given(st.integers(-(10**30), 10**30), st.integers(0, 20))
def test_every_amount_that_can_be_written_is_read_back_the_same(units: int, decimals: int) -> None:
    amount = Decimal(f"{units}E-{decimals}")
    assert parse_amount(text(amount, 2)) == amount


def test_a_sum_of_many_small_amounts_has_no_error() -> None:
    assert total([Decimal("0.00000001")] * 100_000) == Decimal("0.001")
    assert total([Decimal("1" + "0" * 25), Decimal("0.00000000000000000001")]) == Decimal(
        "1" + "0" * 25 + ".00000000000000000001"
    )


weights = st.dictionaries(
    st.sampled_from(["a", "b", "c", "d", "e"]), st.integers(0, 10**6) | st.decimals(0, 100, places=4), min_size=1
)


@unhurried
@given(amounts, weights.filter(lambda some: any(some.values())))
def test_a_split_gives_back_exactly_what_was_put_in(amount: Decimal, some: dict[str, Decimal | int]) -> None:
    parts = split(amount, some)
    assert total(parts.values()) == amount
    assert set(parts) == {key for key, weight in some.items() if weight}


@unhurried
@given(amounts, weights.filter(lambda some: any(some.values())))
def test_no_part_of_a_split_is_further_than_one_unit_from_its_share(
    amount: Decimal, some: dict[str, Decimal | int]
) -> None:
    whole = sum(Decimal(weight) for weight in some.values())
    unit = Decimal(1).scaleb(min(-8, int(amount.as_tuple().exponent)))
    for key, part in split(amount, some).items():
        assert abs(part - amount * Decimal(some[key]) / whole) <= unit


def test_what_does_not_divide_goes_to_the_largest_remainder_and_ties_to_the_first_name() -> None:
    assert split(Decimal("0.00000001"), {"b": 1, "a": 1}) == {"a": Decimal("0.00000001"), "b": Decimal(0)}
    assert split(Decimal("0.00000003"), {"a": 1, "b": 2, "c": 3}) == {
        "a": Decimal("0.00000001"),
        "b": Decimal("0.00000001"),
        "c": Decimal("0.00000001"),
    }


@pytest.mark.parametrize("useless", [{}, {"a": 0}, {"a": 1, "b": -1}])
def test_weights_that_cannot_divide_are_refused(useless: dict[str, Decimal | int]) -> None:
    with pytest.raises(ConservationBroken):
        split(Decimal(1), useless)


pools = st.dictionaries(st.text("abcdef", min_size=1, max_size=2), amounts, max_size=8)


@unhurried
@given(pools)
def test_a_rounded_pool_adds_up_to_its_rounded_total(pool: dict[str, Decimal]) -> None:
    rounded = round_pool(pool)
    assert total(rounded.values()) == to_cents(total(pool.values()))
    assert all(amount == to_cents(amount) for amount in rounded.values())


@unhurried
@given(pools)
def test_rounding_never_turns_a_debit_into_a_credit_or_the_other_way(pool: dict[str, Decimal]) -> None:
    for key, amount in round_pool(pool).items():
        assert amount * pool[key] >= 0


@unhurried
@given(pools)
def test_rounding_moves_no_amount_by_more_than_two_cents(pool: dict[str, Decimal]) -> None:
    for key, amount in round_pool(pool).items():
        assert abs(amount - pool[key]) < Decimal("0.02")


@unhurried
@given(pools)
def test_the_order_of_a_pool_changes_nothing(pool: dict[str, Decimal]) -> None:
    assert round_pool(dict(reversed(pool.items()))) == round_pool(pool)


def test_thirds_of_a_dollar_give_the_odd_cent_to_the_first_name() -> None:
    third = Decimal("0.33333333")
    assert round_pool({"c": third, "b": third, "a": third}) == {
        "a": Decimal("0.34"),
        "b": Decimal("0.33"),
        "c": Decimal("0.33"),
    }


def test_a_credit_does_not_pay_for_the_rounding_of_debits() -> None:
    rounded = round_pool({"a": Decimal("1.004"), "b": Decimal("1.004"), "c": Decimal("-0.50")})
    assert rounded == {"a": Decimal("1.01"), "b": Decimal("1.00"), "c": Decimal("-0.50")}
