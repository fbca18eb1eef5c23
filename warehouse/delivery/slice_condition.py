"""A slice that is said in SQL: one condition on the columns of `audit_events`, and nothing that could do more.

Promise: what passes reads no other table and no file, writes nothing, and calls what `FUNCTIONS` lists only.
"""

import difflib
import re
from collections.abc import Collection
from typing import Final

import sqlglot
from sqlglot import exp

from warehouse.delivery.errors import SliceInvalid
from warehouse.delivery.slices import RIGHT
from warehouse.taxonomy import CATEGORIES

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


def condition(said: str, columns: Collection[str], rules: Collection[str] = ()) -> str:
    """The condition as DuckDB takes it. columns: of `audit_events`; rules: ids, for a word that nearly is one.

    Raises SliceInvalid.
    """
    try:
        parsed = sqlglot.parse(said, read="duckdb")
    except sqlglot.errors.SqlglotError as error:
        first = re.sub(r"\x1b\[[0-9;]*m", "", str(error)).partition("\n")[0]
        first = re.sub(r"<class '[\w.]*?(\w+)'>", r"\1", first)  # the parser names its own parts
        raise SliceInvalid(f"the slice {_short(said)} is not SQL ({first})", remedy=RIGHT) from None
    trees = [tree for tree in parsed if tree is not None]
    if len(trees) != 1:
        raise SliceInvalid(f"the slice {_short(said)} is not one condition", remedy=RIGHT)
    tree = trees[0]
    if isinstance(tree, exp.Column) and not tree.table and tree.name not in columns:
        return _word(said, columns, rules)
    if isinstance(tree, exp.Literal) or not isinstance(tree, (exp.Condition, *_REFUSED)):
        raise SliceInvalid(f"the slice {_short(said)} is no condition", remedy=RIGHT)
    for node in tree.walk():
        _check(node, said, columns)
    return tree.sql(dialect="duckdb", comments=False)


def _word(said: str, columns: Collection[str], rules: Collection[str]) -> str:
    near = difflib.get_close_matches(said, ["alerts", "all", *CATEGORIES, *columns, *rules], n=1)
    raise SliceInvalid(
        f"there is no slice {said!r}" + (f"; did you mean {near[0]!r}?" if near else ""), remedy=RIGHT
    )


def _check(node: exp.Expr, said: str, columns: Collection[str]) -> None:
    if isinstance(node, _REFUSED):
        raise SliceInvalid(
            f"the slice {_short(said)} is more than a condition: it reads something else, writes, or sums up "
            f"({type(node).__name__.upper()})",
            remedy=RIGHT,
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
