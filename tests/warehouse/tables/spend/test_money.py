"""Amounts from the wire: exact, or with a word why not."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from warehouse.tables.spend.money import read_money


@pytest.mark.parametrize(
    ("text", "usd"),
    [
        ("41280.000000", "412.80000000"),
        ("0.000001", "0.00000001"),
        ("-12.5", "-0.12500000"),
        ("0", "0.00000000"),
        ("1873311.482100", "18733.11482100"),
    ],
)
def test_cents_become_dollars_with_eight_decimals(text: str, usd: str) -> None:
    money = read_money(text)
    assert (f"{money.usd:f}", money.text, money.problem) == (usd, text, None)


@given(st.decimals(allow_nan=False, allow_infinity=False, places=6, min_value=-(10**20), max_value=10**20))
def test_six_decimals_of_a_cent_are_never_rounded(cents: Decimal) -> None:
    money = read_money(f"{cents:f}")
    assert money.usd is not None
    assert money.usd * 100 == cents == money.cents
    assert money.problem is None


def test_what_a_column_cannot_hold_is_rounded_and_says_so_and_the_text_stays() -> None:
    text = "1.23456789012345678901"
    money = read_money(text)
    assert str(money.usd) == "0.01234568"
    assert money.cents == Decimal(text)
    assert (money.text, money.problem) == (text, "more than 8 decimals")


@pytest.mark.parametrize("value", ["1e3", "", "12,50", "NaN", " 1", "٣", "0x10", "1" * 70, True, [], {}])
def test_what_is_no_decimal_number_is_not_guessed_at(value: object) -> None:
    money = read_money(value)
    assert (money.usd, money.cents, money.problem) == (None, None, "no decimal number")


def test_an_amount_beyond_the_column_keeps_its_value_for_sums() -> None:
    money = read_money("9" * 40)
    assert (money.usd, money.cents, money.problem) == (None, Decimal("9" * 40), "too large")


def test_a_number_where_a_text_belongs_keeps_its_digits_and_is_named() -> None:
    money = read_money(Decimal("41280.10"))
    assert (str(money.usd), money.text, money.problem) == ("412.80100000", "41280.10", "not text")
