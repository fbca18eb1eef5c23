"""Allocation rules from a file: their order, their version, and every mistake at once."""

import pytest

from tests.warehouse.finops.made_rows import cost
from warehouse.finops.errors import FileRefused
from warehouse.finops.rules import DEFAULT_RULES, DEFAULTS, read_rules


def rules_of_mistakes(text: str) -> list[tuple[int, str]]:
    with pytest.raises(FileRefused) as refused:
        read_rules(text.encode(), "allocation.toml")
    return [(one.row, one.rule) for one in refused.value.mistakes]


def test_an_empty_file_gives_the_defaults() -> None:
    assert read_rules(b"", "allocation.toml") == DEFAULT_RULES


def test_rules_of_the_file_come_first_in_their_order() -> None:
    rules = read_rules(
        b'[[rules]]\nid = "b"\nmethod = "even"\n[[rules]]\nid = "a"\nmethod = "central"\ncenters = ["it"]\n',
        "allocation.toml",
    )
    assert [rule.rule_id for rule in rules.rules] == ["b", "a", *(rule.rule_id for rule in DEFAULTS)]


def test_a_condition_of_none_is_met_by_rows_that_have_none() -> None:
    (rule, *_) = read_rules(
        b'[[rules]]\nid = "code"\nmethod = "even"\nwhere = {actor_id = "none", cost_type = ["code_execution"]}\n',
        "allocation.toml",
    ).rules
    assert rule.meets(cost("1", actor=None, cost_type="code_execution"))
    assert not rule.meets(cost("1", actor="user_ada", cost_type="code_execution"))
    assert not rule.meets(cost("1", actor=None, cost_type="tokens"))


def test_a_rule_holds_from_its_first_day_until_before_its_last() -> None:
    (rule, *_) = read_rules(
        b'[[rules]]\nid = "x"\nmethod = "even"\nfrom = 2026-10-05\nto = 2026-10-06\n', "allocation.toml"
    ).rules
    assert [rule.meets(cost("1", day)) for day in ("2026-10-04", "2026-10-05", "2026-10-06")] == [
        False,
        True,
        False,
    ]


def test_the_version_changes_with_what_the_rules_say_and_with_nothing_else() -> None:
    one = b'[[rules]]\nid = "x"\nmethod = "fixed"\nweights = {a = "60", b = "40"}\n'
    same = b'# agreed in May\n[[rules]]\nmethod = "fixed"\nid = "x"\nweights = {b = "40.0", a = "60"}\n'
    other = b'[[rules]]\nid = "x"\nmethod = "fixed"\nweights = {a = "61", b = "39"}\n'
    assert read_rules(one, "f").version == read_rules(same, "f").version
    assert read_rules(one, "f").version != read_rules(other, "f").version


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("rules = [", [(0, "toml")]),
        ("rule = 1", [(0, "key")]),
        ("grace_days = -1", [(0, "grace_days")]),
        ('[[rules]]\nmethod = "even"', [(1, "id")]),
        ('[[rules]]\nid = "x"\nmethod = "fair"', [(1, "method")]),
        ('[[rules]]\nid = "x"\nmethod = "even"\ncolour = 1', [(1, "key")]),
        ('[[rules]]\nid = "x"\nmethod = "proportional"\ndriver = "luck"', [(1, "driver")]),
        ('[[rules]]\nid = "x"\nmethod = "central"', [(1, "centers")]),
        ('[[rules]]\nid = "x"\nmethod = "fixed"\nweights = {a = "60", b = "39.99"}', [(1, "weights")]),
        ('[[rules]]\nid = "x"\nmethod = "fixed"\nweights = {a = 60.0, b = 40}', [(1, "weights"), (1, "weights")]),
        ('[[rules]]\nid = "x"\nmethod = "even"\nwhere = {colour = "red"}', [(1, "where")]),
        ('[[rules]]\nid = "x"\nmethod = "even"\nwhere = {charge_category = "Fun"}', [(1, "where")]),
        ('[[rules]]\nid = "x"\nmethod = "even"\nfrom = 2026-02-01\nto = 2026-01-01', [(1, "dates")]),
        ('[[rules]]\nid = "direct"\nmethod = "even"', [(1, "id")]),
        ('[[rules]]\nid = "x"\nmethod = "even"\n[[rules]]\nid = "x"\nmethod = "even"', [(1, "id"), (2, "id")]),
    ],
)
def test_a_wrong_rule_is_named_by_its_number_and_what_is_wrong(text: str, expected: list[tuple[int, str]]) -> None:
    assert rules_of_mistakes(text) == expected
