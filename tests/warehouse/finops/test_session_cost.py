"""Cost divided by telemetry's weights, and the three figures of a user and day."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from warehouse.finops.inputs import CostRow
from warehouse.finops.money import total
from warehouse.finops.session_cost import SessionDay, divide
from warehouse.finops.telemetry_reconciliation import REASONS, ByReason, UserDay, explained, three_ways

DAY = date(2026, 10, 20)
ADA = ("user_01ada", "ada@example.com")


def cost(amount: str, *, listed: str | None = None, model: str = "m1", who: tuple[str, str] = ADA) -> CostRow:
    return CostRow(
        DAY, "org_1", "claude_code", model, "tokens", "output_tokens", "user_actor", *who, Decimal(amount),
        Decimal(listed) if listed else None,
    )  # fmt: skip


def session(
    name: str, estimate: str, *, who: tuple[str | None, str | None] = ADA, model: str = "m1", team: str = "t1"
) -> SessionDay:
    identity = "account_id" if who[0] else "none"
    made = SessionDay(DAY, name, *who, identity, "org", model, Decimal(estimate), 3, "CC", "Dept", team, "repo")
    return replace(made, version="2.1.330")


def test_the_cost_of_a_day_is_divided_by_what_its_sessions_estimate() -> None:
    parts = divide([cost("9.00", listed="12.00")], [session("a", "2"), session("b", "1", team="t2")])
    assert [(part.session.session_id, part.amount, part.list_amount) for part in parts if part.session] == [
        ("a", Decimal(6), Decimal(8)),
        ("b", Decimal(3), Decimal(4)),
    ]


def test_what_does_not_divide_goes_to_the_largest_remainder_and_the_total_stays() -> None:
    parts = divide([cost("0.00000001"), cost("10.00")], [session(name, "1") for name in "abc"])
    assert total(part.amount for part in parts) == Decimal("10.00000001")
    assert {part.amount for part in parts} == {Decimal("3.33333333"), Decimal("3.33333334")}


def test_a_model_that_no_session_names_is_divided_by_the_day() -> None:
    (part,) = divide([cost("5", model="m1-20261001")], [session("a", "1")])
    assert (part.basis, part.session and part.session.session_id) == ("day", "a")


def test_cost_without_telemetry_stays_whole_with_its_user() -> None:
    (part,) = divide([cost("5")], [session("a", "1", who=("user_01bob", None))])
    assert (part.actor_id, part.session, part.amount, part.basis) == (
        "user_01ada",
        None,
        Decimal(5),
        "no_telemetry",
    )


def test_other_products_are_not_touched() -> None:
    assert divide([replace(cost("5"), product="chat")], [session("a", "1")]) == []


def test_an_address_is_enough_where_the_cost_has_no_id() -> None:
    row = replace(cost("5"), actor_id=None, actor_email="ADA@example.com")
    (part,) = divide([row], [session("a", "1", who=(None, "ada@example.com"))])
    assert part.session is not None


@given(
    st.lists(st.tuples(st.integers(-(10**12), 10**12), st.sampled_from(["m1", "m2"])), min_size=1, max_size=8),
    st.lists(st.tuples(st.integers(0, 10**9), st.sampled_from(["m1", "m2"])), max_size=8),
)
def test_no_weights_change_a_total(amounts: list[tuple[int, str]], weights: list[tuple[int, str]]) -> None:
    rows = [cost(str(Decimal(units).scaleb(-8)), model=model) for units, model in amounts]
    sessions = [
        session(f"s{n}", str(Decimal(units).scaleb(-6)), model=model) for n, (units, model) in enumerate(weights)
    ]
    assert total(part.amount for part in divide(rows, sessions)) == total(row.amount for row in rows)


def only(rows: list[UserDay]) -> UserDay:
    (row,) = rows
    return row


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda: ([cost("8", listed="10")], [session("a", "10")]), "agrees"),
        (lambda: ([cost("8", listed="10")], [session("a", "9.95")]), "agrees"),
        (lambda: ([cost("8", listed="10")], []), "no_telemetry"),
        (lambda: ([], [session("a", "1")]), "not_in_cost_report"),
        (lambda: ([], [session("a", "1", who=(None, None))]), "no_account"),
        (lambda: ([replace(cost("8"), actor_id=None, actor_email=None)], []), "no_actor"),
        (lambda: ([cost("8", listed="10")], [session("a", "7")]), "partial_telemetry"),
        (lambda: ([cost("8", listed="10")], [replace(session("a", "20"), version="2.1.213")]), "old_version"),
        (lambda: ([cost("8", listed="10")], [session("a", "20")]), "estimate_above"),
    ],
)
def test_each_difference_has_its_reason(
    make: Callable[[], tuple[list[CostRow], list[SessionDay]]], reason: str
) -> None:
    row = only(three_ways(*make(), None))
    assert row.reasons[0] == reason
    assert set(row.reasons) <= set(REASONS)


def test_cost_of_nobody_and_sessions_of_nobody_are_not_taken_for_each_other() -> None:
    rows = [replace(cost("8", listed="8"), actor_id=None, actor_email=None)]
    made = three_ways(rows, [session("a", "8", who=(None, None))], None)
    assert {row.reasons[0]: (row.billed, row.estimate) for row in made} == {
        "no_actor": (Decimal(8), Decimal(0)),
        "no_account": (Decimal(0), Decimal(8)),
    }


def test_discounts_and_missing_list_prices_are_told_apart() -> None:
    assert "discount" in only(three_ways([cost("8", listed="10")], [session("a", "10")], None)).reasons
    bare = only(three_ways([cost("8")], [session("a", "8")], None))
    assert (bare.listed, bare.reasons) == (None, ("agrees", "no_list_price", "no_invoice"))


def test_the_invoice_is_shared_by_what_was_billed_and_adds_up() -> None:
    rows = [
        cost("3", listed="3"),
        cost("3", listed="3", who=("user_01bob", "bob@example.com")),
        replace(cost("4"), product="chat"),
    ]
    made = three_ways(rows, [session("a", "3")], Decimal("9.99"))
    assert total(row.invoiced for row in made if row.invoiced is not None) == Decimal("5.99400000")
    assert all(
        row.reasons[-1] == "agrees" or abs((row.invoiced or 0) - row.billed) <= Decimal("0.01") for row in made
    )
    far = three_ways(rows, [session("a", "3")], Decimal("20.00"))
    assert all("invoice_differs" in row.reasons for row in far)


def test_a_month_is_summed_by_reason_and_its_coverage_told() -> None:
    rows = [cost("5", listed="6"), cost("2", listed="2", who=("user_01bob", "bob@example.com"))]
    summed = explained(three_ways(rows, [session("a", "6")], None))
    assert (summed.coverage, summed.users, summed.sessions) == (Decimal("71.4"), 1, 1)
    assert summed.by_reason == {
        "agrees": ByReason(1, estimate=Decimal(6), held_against=Decimal(6), billed=Decimal(5)),
        "no_telemetry": ByReason(1, estimate=Decimal(0), held_against=Decimal(2), billed=Decimal(2)),
    }
    assert (summed.days, summed.held_against) == (2, summed.listed)
