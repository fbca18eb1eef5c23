"""Spend that nobody stands behind: only from the day on which its owner was gone."""

from datetime import date
from decimal import Decimal

from tests.warehouse.finops.made_rows import cost, mapping
from warehouse.finops.allocation import allocate
from warehouse.finops.orphans import Gone, orphans
from warehouse.finops.rules import DEFAULT_RULES

ROWS = [cost("1", "2026-10-01"), cost("2", "2026-10-10"), cost("4", "2026-10-20"), cost("8", actor="user_bob")]


def test_only_days_after_the_owner_had_gone_count() -> None:
    done = allocate(ROWS, mapping(",user_ada,platform,2026-01-01,"), DEFAULT_RULES)
    (found,) = orphans(done.lines, [Gone("deleted_user", "user_ada", date(2026, 10, 10), "said so")], {})
    assert (found.amount, found.last_day, found.cost_centers) == (6, date(2026, 10, 20), ("platform",))


def test_where_the_day_is_not_known_the_whole_month_counts() -> None:
    done = allocate(ROWS, mapping(",user_ada,platform,2026-01-01,"), DEFAULT_RULES)
    (found,) = orphans(done.lines, [Gone("ownerless_key", "user_ada", None, "said so")], {})
    assert found.amount == 7


def test_a_leaver_of_the_mapping_is_told_once_with_the_centre_that_still_pays() -> None:
    done = allocate(ROWS, mapping(",user_ada,platform,2026-01-01,2026-10-05"), DEFAULT_RULES)
    (found,) = orphans(done.lines, [], done.leavers)
    assert (found.kind, found.since, found.amount) == ("leaver", date(2026, 10, 5), Decimal(6))
    assert found.cost_centers == ("platform",)
    (again,) = orphans(done.lines, [Gone("deleted_user", "user_ada", date(2026, 10, 10), "x")], done.leavers)
    assert again.kind == "deleted_user"


def test_who_is_gone_and_costs_nothing_is_no_orphaned_spend() -> None:
    done = allocate(ROWS, mapping(",user_ada,platform,2026-01-01,"), DEFAULT_RULES)
    assert orphans(done.lines, [Gone("deleted_user", "user_ada", date(2026, 10, 21), "x")], {}) == []
