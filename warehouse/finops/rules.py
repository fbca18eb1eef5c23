"""Allocation rules: which rows of cost go where, and how what has no owner is shared. Data, with a version.

Rules are tried in their order; the first whose conditions a row meets, and which finds a centre for it, takes the
row. Behind the rules of the file stand those of `DEFAULTS`, and the last of all takes whatever is left.
Rule book: reference finops, sections 4 and 4.1.
"""

import hashlib
import json
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import Any, Literal, get_args

from warehouse.finops.cost_centers import UNALLOCATED
from warehouse.finops.customer_files import Findings, shown
from warehouse.finops.errors import AmountRefused
from warehouse.finops.inputs import CATEGORIES, CostRow
from warehouse.finops.money import parse_amount, text, total

Method = Literal["direct", "proportional", "even", "fixed", "central"]
Driver = Literal["billed_cost", "list_cost", "requests", "active_users", "seats"]

METHODS: tuple[str, ...] = get_args(Method)
DRIVERS: tuple[str, ...] = get_args(Driver)
CONDITIONS = (
    "actor_kind",
    "actor_id",
    "product",
    "model",
    "cost_type",
    "token_type",
    "charge_category",
    "organization",
)
_NONE = "none"  # how a file writes "the row has none"
_WHOLE = Decimal(100)


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule. `where` maps a column of CostRow to the values that are met; None in them is "the row has none".

    - `direct`: to the centre that the mapping gives the actor on that day; `grace_days` after the end of a
      membership its last centre still pays. Where the mapping gives none, the next rule is tried.
    - `proportional`: shared by `driver` of each centre in the period. - `even`: in equal parts among `centers`, or
      among all that have cost of their own. - `fixed`: by `weights`, percentages that add up to 100.
    - `central`: to the one centre in `centers`.
    """

    rule_id: str
    method: Method
    where: tuple[tuple[str, frozenset[str | None]], ...] = ()
    driver: Driver = "billed_cost"
    centers: tuple[str, ...] = ()
    weights: tuple[tuple[str, Decimal], ...] = ()
    grace_days: int = 0
    valid_from: date = date.min
    valid_to: date = date.max

    def meets(self, row: CostRow) -> bool:
        return self.valid_from <= row.day < self.valid_to and all(
            getattr(row, column) in values for column, values in self.where
        )

    def facts(self) -> dict[str, Any]:
        """The rule as its hash and the manifest of a close carry it."""
        return {
            "rule_id": self.rule_id,
            "method": self.method,
            "where": {column: sorted(value or _NONE for value in values) for column, values in self.where},
            "driver": self.driver,
            "centers": list(self.centers),
            "weights": {center: text(weight, 0) for center, weight in self.weights},
            "grace_days": self.grace_days,
            "valid_from": self.valid_from.isoformat(),
            "valid_to": self.valid_to.isoformat(),
        }


@dataclass(frozen=True)
class Rules:
    """All rules in their order, ending with one that takes everything."""

    rules: tuple[Rule, ...]

    @property
    def version(self) -> str:
        """The hash over what the rules say."""
        facts = json.dumps([rule.facts() for rule in self.rules], sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(facts.encode()).hexdigest()

    @property
    def centers(self) -> frozenset[str]:
        """Every centre that a rule names."""
        named = {center for rule in self.rules for center in rule.centers}
        return frozenset(named | {center for rule in self.rules for center, _ in rule.weights})


DEFAULT_GRACE_DAYS = 30
DEFAULTS = (
    Rule("direct", "direct", grace_days=DEFAULT_GRACE_DAYS),
    Rule("credits-by-cost", "proportional", where=(("charge_category", frozenset({"Credit"})),)),
    Rule("tax-by-cost", "proportional", where=(("charge_category", frozenset({"Tax"})),)),
    Rule("unallocated", "central", centers=(UNALLOCATED,)),
)
DEFAULT_RULES = Rules(DEFAULTS)

_KEYS = ("id", "method", "driver", "centers", "weights", "grace_days", "from", "to", "where")


def read_rules(body: bytes, name: str) -> Rules:
    """Rules from a TOML file of `[[rules]]` tables, before the defaults. Raises FileRefused with every mistake.

    The row of a mistake is the number of the rule in the file, from 1.
    """
    found = Findings(name)
    try:
        document = tomllib.loads(body.decode())
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        found.add(0, "toml", f"it is not TOML: {error}", "tables that begin with [[rules]]")
        found.raise_if_any()
        raise
    listed = document.get("rules", [])
    for key in sorted(document.keys() - {"rules", "grace_days"}):
        found.add(0, "key", f"there is no key {shown(key)} here", "rules and grace_days")
    grace = document.get("grace_days", DEFAULT_GRACE_DAYS)
    if not isinstance(grace, int) or isinstance(grace, bool) or grace < 0:
        found.add(0, "grace_days", f"grace_days is {grace!r}", "a whole number of days, at least 0")
        grace = 0
    if not isinstance(listed, list) or not all(isinstance(table, dict) for table in listed):
        found.add(0, "rules", "rules is no list of tables", "tables that begin with [[rules]]")
        listed = []
    rules = [_rule(table, number, grace, found) for number, table in enumerate(listed, start=1)]
    names = [rule.rule_id for rule in rules if rule] + [rule.rule_id for rule in DEFAULTS]
    for number, rule in enumerate(rules, start=1):
        if rule and names.count(rule.rule_id) > 1:
            found.add(number, "id", f"the id {shown(rule.rule_id)} is taken", "an id of its own for each rule")
    found.raise_if_any()
    first, *others = DEFAULTS
    return Rules((*(rule for rule in rules if rule), replace(first, grace_days=grace), *others))


def _rule(table: Mapping[str, Any], number: int, grace: int, found: Findings) -> Rule | None:
    before = len(found.mistakes)

    def wrong(rule: str, what: str, remedy: str) -> None:
        found.add(number, rule, what, remedy)

    for key in sorted(table.keys() - set(_KEYS)):
        wrong("key", f"there is no key {shown(key)} in a rule", ", ".join(_KEYS))
    rule_id, method, driver = table.get("id", ""), table.get("method"), table.get("driver", "billed_cost")
    if not isinstance(rule_id, str) or not rule_id:
        wrong("id", "it has no id", 'a name in quotes, such as "code-execution"')
    if method not in METHODS:
        wrong("method", f"its method is {method!r}", " or ".join(METHODS))
    if driver not in DRIVERS:
        wrong("driver", f"its driver is {driver!r}", " or ".join(DRIVERS))
    centers = table.get("centers", [])
    if not isinstance(centers, list) or not all(isinstance(center, str) and center for center in centers):
        wrong("centers", f"its centers are {centers!r}", 'a list of names: ["platform"]')
        centers = []
    if method == "central" and len(centers) != 1:
        wrong("centers", f"it is central and has {len(centers)} centers", "one centre that pays")
    weights = _weights(table.get("weights", {}), method, wrong)
    begin, end = table.get("from", date.min), table.get("to", date.max)
    if type(begin) is not date or type(end) is not date or begin >= end:
        wrong("dates", f"it is valid from {begin} to {end}", "TOML dates, from before to: from = 2026-01-01")
        begin, end = date.min, date.max
    days = table.get("grace_days", grace)
    if not isinstance(days, int) or isinstance(days, bool) or days < 0:
        wrong("grace_days", f"grace_days is {days!r}", "a whole number of days, at least 0")
    where = _where(table.get("where", {}), wrong)
    if len(found.mistakes) > before:
        return None
    assert method in METHODS
    return Rule(rule_id, method, where, driver, tuple(centers), weights, days, begin, end)


def _weights(table: Any, method: Any, wrong: Any) -> tuple[tuple[str, Decimal], ...]:
    if not isinstance(table, dict):
        wrong("weights", "weights is no table", 'a table of percentages in quotes: {platform = "60", data = "40"}')
        return ()
    weights = {}
    for center, value in table.items():
        try:
            if not isinstance(value, str | int) or isinstance(value, bool):
                raise AmountRefused(f"{value!r} is no percentage that is exact")
            weights[center] = parse_amount(str(value))
        except AmountRefused as error:
            wrong(
                "weights", f"the weight of {shown(center)}: {error}", 'a percentage in quotes, such as "33.3333"'
            )
    if method == "fixed":
        whole = total(weights.values())
        if whole != _WHOLE or any(weight <= 0 for weight in weights.values()):
            wrong(
                "weights", f"its weights add up to {text(whole, 0)}", "weights above 0 that add up to exactly 100"
            )
    elif weights:
        wrong("weights", f"weights belong to the method fixed, and its method is {method!r}", "no weights")
    return tuple(sorted(weights.items()))


def _where(table: Any, wrong: Any) -> tuple[tuple[str, frozenset[str | None]], ...]:
    if not isinstance(table, dict):
        wrong("where", "where is no table", 'a table of columns: {actor_kind = "none", product = ["chat"]}')
        return ()
    where = []
    for column, value in table.items():
        values = [value] if isinstance(value, str) else value
        if column not in CONDITIONS:
            wrong("where", f"there is no column {shown(column)} to ask for", ", ".join(CONDITIONS))
        elif not isinstance(values, list) or not values or not all(isinstance(one, str) for one in values):
            wrong("where", f"{column} is {value!r}", 'a text or a list of texts; "none" where the row has none')
        elif column == "charge_category" and not set(values) <= set(CATEGORIES):
            wrong("where", f"charge_category is {value!r}", " or ".join(CATEGORIES))
        else:
            where.append((column, frozenset(None if one == _NONE else one for one in values)))
    return tuple(sorted(where, key=lambda pair: pair[0]))
