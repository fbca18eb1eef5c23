"""Cost of a unit, and groups that are too small to be shown."""

from decimal import Decimal

from tests.warehouse.finops.made_rows import OCTOBER
from warehouse.finops.unit_economics import Activity, unit_costs


def test_a_unit_costs_the_cost_divided_by_the_count() -> None:
    (found,) = unit_costs(OCTOBER, [Activity("platform", "commit", Decimal(100), 3, 7)])
    assert (found.per_unit, found.users, found.suppressed) == (Decimal("33.3333"), 7, False)


def test_fewer_than_five_people_are_not_shown_in_any_figure() -> None:
    (found,) = unit_costs(OCTOBER, [Activity("legal", "session", Decimal(100), 9, 4)])
    assert found.suppressed
    assert (found.cost, found.count, found.users, found.per_unit) == (None, None, None, None)


def test_nothing_counted_has_no_unit_cost() -> None:
    (found,) = unit_costs(OCTOBER, [Activity("platform", "commit", Decimal(100), 0, 7)])
    assert (found.per_unit, found.suppressed) == (None, False)
