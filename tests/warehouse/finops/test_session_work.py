"""What was done beside what it cost, by group; and no row that tells of fewer than five people."""

from datetime import date
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from warehouse.finops.money import total
from warehouse.finops.session_cost import CostPart, SessionDay
from warehouse.finops.session_work import TOGETHER, GroupUse, Work, by_group
from warehouse.finops.unit_economics import SMALLEST_GROUP

DAY = date(2026, 10, 20)


def used(people_of: dict[str, int], *, unexplained: int = 0) -> list[GroupUse]:
    """Groups of so many people, each with a session of one dollar and one commit; `unexplained` people without."""
    sessions, parts, work = [], [], []
    for team, people in people_of.items():
        for number in range(people):
            who = f"{team}-{number}"
            one = SessionDay(DAY, f"s-{who}", who, None, "account_id", "org", "m", Decimal(1), 1, team=team)
            sessions.append(one)
            parts.append(CostPart(DAY, who, None, "org", "m", one, Decimal(1), None, "model"))
            work.append(Work(DAY, one.session_id, commits=1))
    for number in range(unexplained):
        parts.append(CostPart(DAY, f"u{number}", None, "org", "m", None, Decimal(1), None, "no_telemetry"))
    return by_group(parts, sessions, work, lambda one: one.team)


def shown(rows: list[GroupUse]) -> list[tuple[str | None, int, Decimal, int | None]]:
    return [(one.name, one.people, one.amount, one.work.commits if one.work else None) for one in rows]


def test_large_groups_stand_alone_dearest_first_and_what_no_session_explains_last() -> None:
    assert shown(used({"a": 5, "b": 7}, unexplained=2)) == [("b", 7, 7, 7), ("a", 5, 5, 5), (None, 2, 2, None)]


def test_small_groups_stand_together_cost_and_work_alike() -> None:
    assert shown(used({"a": 9, "b": 3, "c": 2})) == [("a", 9, 9, 9), (TOGETHER, 5, 5, 5)]


def test_a_single_small_group_is_joined_by_the_next_larger_so_that_the_total_does_not_tell_of_it() -> None:
    assert shown(used({"a": 9, "b": 6, "c": 1})) == [("a", 9, 9, 9), (TOGETHER, 7, 7, 7)]


def test_where_all_together_are_too_few_their_work_is_withheld() -> None:
    (row,) = used({"a": 2, "b": 1})
    assert shown([row]) == [(TOGETHER, 3, 3, None)]
    assert row.withheld


@given(st.dictionaries(st.sampled_from("abcdefgh"), st.integers(1, 8), max_size=8), st.integers(0, 3))
def test_no_row_tells_of_too_few_and_nothing_is_lost(people_of: dict[str, int], unexplained: int) -> None:
    rows = used(people_of, unexplained=unexplained)
    assert total(one.amount for one in rows) == sum(people_of.values()) + unexplained
    assert sum(one.work.commits for one in rows if one.work) in (sum(people_of.values()), 0)
    for one in rows:
        assert one.name is None or one.people >= SMALLEST_GROUP or len([row for row in rows if row.name]) == 1


def test_sessions_without_an_account_count_as_one_person() -> None:
    sessions = [
        SessionDay(DAY, f"s{n}", None, None, "none", "org", "m", Decimal(1), 1, team="a") for n in range(9)
    ]
    (row,) = by_group([], sessions, [Work(DAY, "s1", commits=1)], lambda one: one.team)
    assert shown([row]) == [(TOGETHER, 1, 0, None)]
