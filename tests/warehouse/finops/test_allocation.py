"""Each row of cost to exactly one owner, or to shares that add up to it."""

from collections import defaultdict
from datetime import date
from decimal import Decimal

from hypothesis import given

from tests.warehouse.finops.made_rows import OCTOBER, cost, cost_rows_of, mapping, mappings, simple, unhurried
from warehouse.finops.allocation import Allocation, ageing, allocate
from warehouse.finops.cost_centers import UNALLOCATED, CostCenters
from warehouse.finops.inputs import CostRow
from warehouse.finops.money import total
from warehouse.finops.rules import DEFAULT_RULES, Rules, read_rules


def by_center(done: Allocation) -> dict[str, Decimal]:
    sums: dict[str, Decimal] = defaultdict(Decimal)
    for line in done.lines:
        sums[line.cost_center] += line.amount
    return dict(sums)


def rules(text: str) -> Rules:
    return read_rules(text.encode(), "allocation.toml")


EVERY_METHOD = rules(
    """
    [[rules]]
    id = "code-execution"
    method = "fixed"
    where = {actor_id = "none", product = "none"}
    weights = {data = "33.3333", platform = "66.6667"}
    [[rules]]
    id = "chat-of-nobody"
    method = "even"
    where = {actor_id = "none", product = "chat"}
    [[rules]]
    id = "services"
    method = "proportional"
    driver = "requests"
    where = {actor_id = "svac_ci", model = "none"}
    [[rules]]
    id = "sonnet"
    method = "central"
    centers = ["platform"]
    where = {model = "claude-sonnet-5", charge_category = "Tax"}
    """
)


@unhurried
@given(cost_rows_of(OCTOBER), mappings())
def test_every_unit_of_the_source_appears_exactly_once(rows: list[CostRow], centers: CostCenters) -> None:
    done = allocate(rows, centers, EVERY_METHOD)
    assert done.total == total(row.amount for row in rows)
    assert total(line.list_amount or Decimal(0) for line in done.lines) == total(
        row.list_amount or Decimal(0) for row in rows
    )
    quantities = (total(one.quantity for one in some if one.quantity is not None) for some in (rows, done.lines))
    assert len(set(quantities)) == 1
    parts: dict[int, Decimal] = defaultdict(Decimal)
    for line in done.lines:
        parts[id(line.row)] += line.amount
    assert {id(row): row.amount for row in rows} == parts


@unhurried
@given(cost_rows_of(OCTOBER), mappings())
def test_each_line_says_by_which_rule_and_no_row_is_taken_by_two(
    rows: list[CostRow], centers: CostCenters
) -> None:
    known = {rule.rule_id for rule in EVERY_METHOD.rules}
    rule_of: dict[int, set[str]] = defaultdict(set)
    for line in allocate(rows, centers, EVERY_METHOD).lines:
        rule_of[id(line.row)].add(line.rule_id)
    assert all(len(used) == 1 and used <= known for used in rule_of.values())


def test_an_allocation_names_the_versions_it_was_made_from() -> None:
    centers = simple("ada:platform")
    done = allocate([], centers, DEFAULT_RULES)
    assert (done.mapping_version, done.rules_version) == (centers.sha256, DEFAULT_RULES.version)


def test_a_mover_pays_from_each_centre_by_the_charge_day() -> None:
    moved = mapping(",user_ada,platform,2026-01-01,2026-10-15", ",user_ada,research,2026-10-15,")
    done = allocate([cost("10", "2026-10-14"), cost("7", "2026-10-15")], moved, DEFAULT_RULES)
    assert by_center(done) == {"platform": Decimal(10), "research": Decimal(7)}


def test_a_contractors_row_is_split_to_the_last_unit() -> None:
    shared = mapping(",user_ada,platform,2026-01-01,,33.3333", ",user_ada,research,2026-01-01,,66.6667")
    done = allocate([cost("0.00000001")], shared, DEFAULT_RULES)
    assert by_center(done) == {"platform": Decimal(0), "research": Decimal("0.00000001")}
    assert [line.share for line in done.lines] == [Decimal("33.3333"), Decimal("66.6667")]


def test_a_leaver_in_grace_pays_from_the_last_centre_and_is_reported() -> None:
    left = mapping(",user_ada,platform,2026-01-01,2026-09-20")
    done = allocate([cost("5", "2026-10-05"), cost("3", "2026-10-25")], left, DEFAULT_RULES)
    assert by_center(done) == {"platform": Decimal(5), UNALLOCATED: Decimal(3)}
    assert done.leavers == {("user_ada", date(2026, 9, 20)): Decimal(8)}


def test_a_joiner_without_a_mapping_is_unallocated_and_reported_as_unknown() -> None:
    done = allocate([cost("5", actor="user_new")], simple("ada:platform"), DEFAULT_RULES)
    assert by_center(done) == {UNALLOCATED: Decimal(5)}
    assert (done.unknown, done.leavers) == ({"user_new": Decimal(5)}, {})


def test_a_key_is_charged_to_its_own_centre_and_not_to_its_owners() -> None:
    keys = mapping(",user_ada,platform,2026-01-01,", ",apikey_1,research,2026-01-01,")
    done = allocate([cost("5", actor="apikey_1", actor_kind="api_actor")], keys, DEFAULT_RULES)
    assert by_center(done) == {"research": Decimal(5)}


def test_cost_without_an_actor_is_unallocated_unless_a_rule_says_otherwise() -> None:
    rows = [
        cost("10", actor=None, product=None, cost_type="code_execution"),
        cost("3"),
        cost("1", actor="user_bob"),
    ]
    people = simple("ada:platform", "bob:data")
    assert by_center(allocate(rows, people, DEFAULT_RULES))[UNALLOCATED] == Decimal(10)
    shared = rules('[[rules]]\nid = "pool"\nmethod = "proportional"\nwhere = {actor_id = "none"}')
    assert by_center(allocate(rows, people, shared)) == {"platform": Decimal("10.5"), "data": Decimal("3.5")}


def test_an_even_pool_is_shared_in_equal_parts_among_those_who_used_anything() -> None:
    rows = [cost("1", actor=None), cost("100"), cost("1", actor="user_bob")]
    even = rules('[[rules]]\nid = "pool"\nmethod = "even"\nwhere = {actor_id = "none"}')
    assert by_center(allocate(rows, simple("ada:platform", "bob:data"), even)) == {
        "platform": Decimal("100.5"),
        "data": Decimal("1.5"),
    }


def test_a_pool_by_active_users_counts_people_not_their_cost() -> None:
    rows = [
        cost("4", actor=None),
        cost("100"),
        *(cost("1", actor=f"user_{name}") for name in ("bob", "cyd", "dee")),
    ]
    driven = rules(
        '[[rules]]\nid = "pool"\nmethod = "proportional"\ndriver = "active_users"\nwhere = {actor_id = "none"}'
    )
    people = simple("ada:platform", "bob:data", "cyd:data", "dee:data")
    assert by_center(allocate(rows, people, driven)) == {"platform": Decimal(101), "data": Decimal(6)}


def test_a_pool_by_seats_is_shared_by_the_seats_that_were_held() -> None:
    rows = [cost("4", actor=None)]
    driven = rules(
        '[[rules]]\nid = "pool"\nmethod = "proportional"\ndriver = "seats"\nwhere = {actor_id = "none"}'
    )
    done = allocate(rows, simple("ada:platform"), driven, {"platform": 30, "data": 10, UNALLOCATED: 500})
    assert by_center(done) == {"platform": Decimal(3), "data": Decimal(1)}


def test_a_central_rule_sends_everything_to_one_centre() -> None:
    central = rules('[[rules]]\nid = "it"\nmethod = "central"\ncenters = ["it"]\nwhere = {product = "chat"}')
    done = allocate([cost("4", product="chat"), cost("2")], simple("ada:platform"), central)
    assert by_center(done) == {"it": Decimal(4), "platform": Decimal(2)}


def test_a_pool_that_nobody_drives_is_unallocated() -> None:
    shared = rules('[[rules]]\nid = "pool"\nmethod = "proportional"\nwhere = {actor_id = "none"}')
    done = allocate([cost("4", actor=None), cost("9", actor="user_new")], simple("ada:platform"), shared)
    assert by_center(done) == {UNALLOCATED: Decimal(13)}


def test_a_credit_goes_to_the_centre_that_caused_it_or_else_by_cost() -> None:
    rows = [
        cost("30"),
        cost("10", actor="user_bob"),
        cost("-2", actor="user_bob", charge_category="Credit"),
        cost("-4", actor=None, charge_category="Credit"),
        cost("8", actor=None, charge_category="Tax"),
    ]
    assert by_center(allocate(rows, simple("ada:platform", "bob:data"), DEFAULT_RULES)) == {
        "platform": Decimal(30 - 3 + 6),
        "data": Decimal(10 - 2 - 1 + 2),
    }


def test_unallocated_cost_is_known_by_its_day_for_ageing() -> None:
    rows = [cost("5", "2026-10-01", "user_new"), cost("2", "2026-10-30", "user_new")]
    done = allocate(rows, simple("ada:platform"), DEFAULT_RULES)
    assert ageing(done.unallocated, date(2026, 11, 5)) == {
        "0-7": Decimal(2),
        "8-30": Decimal(0),
        "31-60": Decimal(5),
        "61+": Decimal(0),
    }
