"""What a destination is sent: a slice of the events, said in one line of the configuration.

Promise: a slice is a condition on the columns of `audit_events` and nothing else: it cannot read another table or
a file, write, or call what is not listed here. What nobody has listed is in every category slice.
"""

import difflib
import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import Final, Literal

import sqlglot
from sqlglot import exp

from warehouse.delivery.errors import SliceInvalid
from warehouse.delivery.slice_words import RULE
from warehouse.taxonomy import CATEGORIES, load

_CATEGORY = re.compile(r"category:\s*(?P<names>[\w,\s-]+)", re.IGNORECASE)

# Functions of a condition, by DuckDB's names; casts, comparisons, LIKE, IN, CASE and arithmetic come besides.
FUNCTIONS: Final = frozenset(
    """
    abs array_contains cardinality ceil coalesce concat contains date_diff date_part date_trunc dayname dayofweek
    ends_with epoch floor greatest hour instr isodow json_array_length json_exists json_extract json_extract_string
    json_type json_valid least left len length list_contains list_has_any lower ltrim minute month nullif position
    prefix regexp_extract regexp_full_match regexp_like regexp_matches replace right round rtrim second split_part
    starts_with str_position strlen strpos substr substring suffix time_to_unix timestamp_trunc trim upper weekday
    year
    """.split()  # noqa: SIM905 - a list of names reads better as text
)
_REFUSED = (
    exp.Query, exp.Table, exp.DML, exp.DDL, exp.Command, exp.AggFunc, exp.Window, exp.Exists, exp.Star,
    exp.Placeholder, exp.Parameter, exp.Lambda,
)  # fmt: skip
_SHAPES = (
    exp.Cast, exp.TryCast, exp.Case, exp.If, exp.And, exp.Or, exp.Xor, exp.Array, exp.Extract, exp.JSONExtract,
    exp.JSONExtractScalar,
)  # fmt: skip
_RIGHT = (
    'a slice is "alerts", "all", "category: authentication, credential", the id of a Sigma rule, or an SQL '
    "condition on the columns of audit_events, such as \"type = 'sso_login_failed'\""
)


@dataclass(frozen=True)
class Slice:
    """`condition`: SQL on the columns of `audit_events`, None for all. `rule`: the one whose alerts it is."""

    text: str
    kind: Literal["all", "alerts", "events", "rule"]
    condition: str | None = None
    rule: str | None = None


def parse_slice(text: str, columns: Collection[str], *, rules: Collection[str] | None = None) -> Slice:
    """The slice that a configuration names. `rules`: ids of the detections; None where there are none yet.

    Raises SliceInvalid, saying what is wrong and what would be right.
    """
    said = text.strip()
    if said.casefold() in ("all", "alerts"):
        return Slice(said.lower(), "all" if said.casefold() == "all" else "alerts")
    if rule := RULE.fullmatch(said):
        return _rule(said, rule["named"] or rule["uuid"], rules)
    if category := _CATEGORY.fullmatch(said):
        return _categories(said, [name.strip() for name in category["names"].split(",")])
    return Slice(said, "events", _condition(said, columns, rules))


def _rule(said: str, rule: str, rules: Collection[str] | None) -> Slice:
    if rules is None:
        raise SliceInvalid(
            f"the slice {said!r} names a Sigma rule, and there are no detections to run yet",
            remedy='use "alerts", "all", a category or an SQL condition until they are there',
        )
    if rule not in rules:
        near = difflib.get_close_matches(rule, rules, n=1)
        raise SliceInvalid(
            f"there is no rule {rule!r}" + (f"; the nearest is {near[0]}" if near else ""),
            remedy="`ledgerline detections list` shows them",
        )
    return Slice(said, "rule", rule=rule)


def _categories(said: str, names: list[str]) -> Slice:
    known = {name.casefold(): name for name in CATEGORIES}
    for name in names:
        if name.casefold() not in known:
            near = difflib.get_close_matches(name.casefold(), known, n=1)
            raise SliceInvalid(
                f"there is no category {name!r}" + (f"; did you mean {near[0]!r}?" if near else ""),
                remedy=f"the categories are: {', '.join(CATEGORIES)}",
            )
    wanted = {known[name.casefold()] for name in names}
    types = sorted(one.type for one in load().types.values() if one.category in wanted)
    listed = ", ".join(f"'{one}'" for one in types)
    return Slice(said, "events", f"(type IN ({listed}) OR unknown_event)" if types else "unknown_event")


def _condition(said: str, columns: Collection[str], rules: Collection[str] | None) -> str:
    try:
        parsed = sqlglot.parse(said, read="duckdb")
    except sqlglot.errors.SqlglotError as error:
        first = re.sub(r"\x1b\[[0-9;]*m", "", str(error)).partition("\n")[0]
        first = re.sub(r"<class '[\w.]*?(\w+)'>", r"\1", first)  # the parser names its own parts
        raise SliceInvalid(f"the slice {_short(said)} is not SQL ({first})", remedy=_RIGHT) from None
    trees = [tree for tree in parsed if tree is not None]
    if len(trees) != 1:
        raise SliceInvalid(f"the slice {_short(said)} is not one condition", remedy=_RIGHT)
    tree = trees[0]
    if isinstance(tree, exp.Column) and not tree.table and tree.name not in columns:
        return _word(said, columns, rules)
    if isinstance(tree, exp.Literal) or not isinstance(tree, (exp.Condition, *_REFUSED)):
        raise SliceInvalid(f"the slice {_short(said)} is no condition", remedy=_RIGHT)
    for node in tree.walk():
        _check(node, said, columns)
    return tree.sql(dialect="duckdb", comments=False)


def _word(said: str, columns: Collection[str], rules: Collection[str] | None) -> str:
    near = difflib.get_close_matches(said, ["alerts", "all", *CATEGORIES, *columns, *(rules or ())], n=1)
    raise SliceInvalid(
        f"there is no slice {said!r}" + (f"; did you mean {near[0]!r}?" if near else ""), remedy=_RIGHT
    )


def _check(node: exp.Expr, said: str, columns: Collection[str]) -> None:
    if isinstance(node, _REFUSED):
        raise SliceInvalid(
            f"the slice {_short(said)} is more than a condition: it reads something else, writes, or sums up "
            f"({type(node).__name__.upper()})",
            remedy=_RIGHT,
        )
    if isinstance(node, exp.Column):
        if node.table or node.name not in columns:
            near = difflib.get_close_matches(node.name, columns, n=1)
            raise SliceInvalid(
                f"the slice {_short(said)} names {node.sql()}, which is no column of audit_events"
                + (f"; did you mean {near[0]}?" if near else ""),
                remedy=f"the columns are: {', '.join(columns)}",
            )
    elif isinstance(node, exp.Func) and not isinstance(node, _SHAPES):
        names = {node.name.lower()} if isinstance(node, exp.Anonymous) else set(map(str.lower, node.sql_names()))
        if not names & FUNCTIONS:
            raise SliceInvalid(
                f"the slice {_short(said)} calls {sorted(names)[0]}, which a slice cannot",
                remedy=f"the functions of a slice are: {', '.join(sorted(FUNCTIONS))}",
            )


def _short(said: str) -> str:
    return repr(said if len(said) <= 120 else f"{said[:117]}...")
