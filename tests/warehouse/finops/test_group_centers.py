"""Cost centres from groups: which groups are one, who was in them when, and the ranks of the sources."""

from datetime import date, timedelta

import pytest

from tests.warehouse.finops.made_rows import HEADER, RECORDED
from warehouse.finops.cost_centers import CostCenters, read_cost_centers
from warehouse.finops.errors import FileRefused
from warehouse.finops.group_centers import Stay, centers_of, group_mapping, read_group_centers

GROUPS = [("g1", "cc-platform"), ("g2", "cc-research"), ("g3", "everybody")]
JANUARY, MARCH, MAY = date(2026, 1, 1), date(2026, 3, 1), date(2026, 5, 1)


def test_a_pattern_names_the_centre_and_a_file_names_it_otherwise() -> None:
    assert centers_of(GROUPS, "cc-*", {}) == {"g1": "platform", "g2": "research"}
    assert centers_of(GROUPS, "", {"everybody": "all", "g1": "p"}) == {"g1": "p", "g3": "all"}
    assert centers_of([("g", "Unallocated")], "*", {}) == {}


def mapped(*stays: Stay) -> CostCenters:
    return read_cost_centers(group_mapping(stays, centers_of(GROUPS, "cc-*", {})), "groups", RECORDED, "group")


def test_who_changes_groups_changes_centres_on_that_day() -> None:
    found = mapped(Stay("g1", "ada", None, JANUARY, MARCH), Stay("g2", "ada", None, MARCH, None))
    for day, center in ((MARCH - timedelta(days=1), "platform"), (MARCH, "research")):
        placed = found.place("ada", None, day)
        assert placed is not None
        assert placed.shares == {center: 100}


def test_who_is_in_two_centres_at_once_belongs_to_the_one_they_came_into_first_until_they_leave_it() -> None:
    found = mapped(
        Stay("g2", "ada", "a@example.com", JANUARY, MAY), Stay("g1", "ada", "a@example.com", MARCH, None)
    )
    rows = [(row.cost_center, row.valid_from, row.valid_to) for row in found.rows]
    assert rows == [("research", JANUARY, MAY), ("platform", MAY, None)]


def test_groups_that_are_no_centre_place_nobody() -> None:
    assert mapped(Stay("g3", "ada", None, JANUARY, None)).rows == ()


@pytest.mark.parametrize(
    ("row", "rule"), [(",x", "group"), ("cc-platform,", "cost_center"), ("g1,a\ng1,b", "twice")]
)
def test_a_wrong_row_of_the_file_is_named_with_its_rule(row: str, rule: str) -> None:
    with pytest.raises(FileRefused) as refused:
        read_group_centers(f"group,cost_center\n{row}\n".encode(), "groups.csv")
    assert refused.value.mistakes[-1].rule == rule


def ranked(manual: str, file: str, group: str) -> CostCenters:
    made: CostCenters | None = None
    for source, rows in (("group", group), ("file", file), ("manual", manual)):
        made = read_cost_centers(f"{HEADER}\n{rows}\n".encode(), source, RECORDED, source, made)
    assert made is not None
    return made


def test_a_source_of_a_higher_rank_is_asked_first_and_the_next_one_on_days_it_says_nothing() -> None:
    found = ranked(
        ",ada,by-hand,2026-03-01,2026-04-01", ",ada,from-hr,2026-01-01,2026-05-01", ",ada,from-scim,2026-01-01,"
    )
    days = {date(2026, 2, 1): "from-hr", date(2026, 3, 15): "by-hand", date(2026, 6, 1): "from-scim"}
    for day, center in days.items():
        placed = found.place("ada", None, day)
        assert placed is not None
        assert placed.shares == {center: 100}
        assert placed.left is None
    assert found.centers == {"by-hand", "from-hr", "from-scim"}


def test_what_a_lower_rank_says_is_part_of_the_version() -> None:
    one, other = (ranked(",a,x,2026-01-01,", ",b,x,2026-01-01,", f",c,{name},2026-01-01,") for name in "xy")
    alone = read_cost_centers(f"{HEADER}\n,a,x,2026-01-01,\n".encode(), "manual", RECORDED)
    assert len({one.sha256, other.sha256, alone.sha256}) == 3
