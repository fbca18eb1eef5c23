"""A Sigma condition as an SQL predicate: pySigma reads the rule, this writes what it means.

Promise: a missing field never matches, and the denial of what does not match does (Sigma's logic has two values,
SQL's has three): each comparison stands in `coalesce(.., false)`. Texts compare without regard to case, as Sigma
says, codes as they are. One text serves DuckDB and Athena but for regular expressions, which `Dialect` names.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from sigma.conditions import (
    ConditionAND,
    ConditionFieldEqualsValueExpression,
    ConditionItem,
    ConditionNOT,
    ConditionOR,
)
from sigma.conversion.base import TextQueryBackend
from sigma.conversion.state import ConversionState
from sigma.exceptions import SigmaError
from sigma.rule import SigmaRule
from sigma.types import (
    CompareOperators,
    SigmaCIDRExpression,
    SigmaCompareExpression,
    SigmaExists,
    SigmaFieldReference,
    SigmaNumber,
    SigmaRegularExpression,
    SigmaString,
    SigmaTimestampPart,
    SigmaType,
    SpecialChars,
)

from warehouse.detections.errors import RuleInvalid
from warehouse.detections.source import Source
from warehouse.tables.sql_literal import literal

Dialect = Literal["duckdb", "athena"]

_REGEX = {"duckdb": "regexp_matches", "athena": "regexp_like"}
_COMPARE = {
    CompareOperators.LT: "<",
    CompareOperators.LTE: "<=",
    CompareOperators.GT: ">",
    CompareOperators.GTE: ">=",
    CompareOperators.NEQ: "<>",
}
_LIKE_SPECIAL = re.compile(r"([\\%_])")


def predicate(rule: SigmaRule, source: Source, dialect: Dialect) -> str:
    """The SQL condition of a rule's detection over a source.

    Raises RuleInvalid for a field, modifier or kind of value that the source or this backend does not have.
    """
    writer = _Writer(source, dialect)
    try:
        conditions = [
            writer.convert_condition(condition.parsed, ConversionState())
            for condition in rule.detection.parsed_condition
        ]
    except RuleInvalid:
        raise
    except (SigmaError, NotImplementedError, TypeError, ValueError) as problem:
        raise RuleInvalid(
            f"rule {rule.title!r} cannot be written as SQL: {problem}",
            remedy="docs/detections.md lists the modifiers that rules may use",
        ) from problem
    return " or ".join(f"({condition})" for condition in conditions)


def event_types(rule: SigmaRule) -> frozenset[str] | None:
    """The event types that a rule can match at all; None where it is not bound to any."""
    bound: frozenset[str] | None = frozenset()
    for condition in rule.detection.parsed_condition:
        types = _types(condition.parsed)
        bound = None if types is None or bound is None else bound | types
    return bound


def fields(rule: SigmaRule) -> frozenset[str]:
    """The fields that a rule's detection looks at."""
    seen: set[str] = set()
    for name, value in comparisons(rule):
        seen |= {name, value.field} if isinstance(value, SigmaFieldReference) else {name}
    return frozenset(seen)


def comparisons(rule: SigmaRule) -> Iterator[tuple[str, SigmaType]]:
    """Each field that a rule's detection looks at, with what it is compared with."""

    def walk(node: Any) -> Iterator[tuple[str, SigmaType]]:
        if isinstance(node, ConditionFieldEqualsValueExpression):
            yield node.field, node.value
        for part in getattr(node, "args", ()):
            yield from walk(part)

    for condition in rule.detection.parsed_condition:
        yield from walk(condition.parsed)


def _types(node: Any) -> frozenset[str] | None:
    if isinstance(node, ConditionAND):
        bound = [types for part in node.args if (types := _types(part)) is not None]
        return frozenset.intersection(*bound) if bound else None
    if isinstance(node, ConditionOR):
        found = [_types(part) for part in node.args]
        return frozenset().union(*(t for t in found if t)) if all(t is not None for t in found) else None
    if (
        isinstance(node, ConditionFieldEqualsValueExpression)
        and node.field == "type"
        and isinstance(node.value, SigmaString)
        and not node.value.contains_special()
    ):
        return frozenset({str(node.value)})
    return None


@dataclass
class _Text:
    """A Sigma text taken apart: the pattern for LIKE, and whether it is one."""

    pattern: str
    wild: bool


class _Writer(TextQueryBackend):
    """pySigma's walk over the condition, with every leaf written here."""

    name: ClassVar[str] = "Ledgerline archive"
    precedence: ClassVar[tuple[type[ConditionItem], type[ConditionItem], type[ConditionItem]]] = (
        ConditionNOT,
        ConditionAND,
        ConditionOR,
    )
    group_expression: ClassVar[str] = "({expr})"
    or_token: ClassVar[str] = "or"  # noqa: S105
    and_token: ClassVar[str] = "and"  # noqa: S105
    not_token: ClassVar[str] = "not"  # noqa: S105
    eq_token: ClassVar[str] = "="  # noqa: S105

    def __init__(self, source: Source, dialect: Dialect) -> None:
        super().__init__()
        self._source = source
        self._dialect = dialect

    def convert_condition_field_eq_val_str(self, cond: Any, state: ConversionState) -> str:
        return self._text(cond.field, cond.value, cased=self._source.is_exact(cond.field))

    def convert_condition_field_eq_val_str_case_sensitive(self, cond: Any, state: ConversionState) -> str:
        return self._text(cond.field, cond.value, cased=True)

    def convert_condition_field_eq_val_num(self, cond: Any, state: ConversionState) -> str:
        value: SigmaNumber = cond.value
        return _leaf(f"{self._number(cond.field)} = {value.number}")

    def convert_condition_field_eq_val_bool(self, cond: Any, state: ConversionState) -> str:
        return _leaf(f"lower({self._source.sql(cond.field)}) = '{str(cond.value.boolean).lower()}'")

    def convert_condition_field_eq_val_re(self, cond: Any, state: ConversionState) -> str:
        value: SigmaRegularExpression = cond.value
        flags = "".join(sorted(flag.name[0].lower() for flag in value.flags))
        regex = f"(?{flags}){value.regexp}" if flags else str(value.regexp)
        return _leaf(f"{_REGEX[self._dialect]}({self._source.sql(cond.field)}, {literal(regex)})")

    def convert_condition_field_eq_val_cidr(self, cond: Any, state: ConversionState) -> str:
        value: SigmaCIDRExpression = cond.value
        field = self._source.sql(cond.field)
        patterns = [_like(SigmaString(part)).pattern for part in value.expand()]
        return _leaf(" or ".join(f"{field} like {literal(part)} escape '\\'" for part in patterns))

    def convert_condition_field_compare_op_val(self, cond: Any, state: ConversionState) -> str:
        value: SigmaCompareExpression = cond.value
        number = value.number
        if isinstance(number, SigmaTimestampPart):
            raise RuleInvalid("a part of a time is compared with =, not with < or >", remedy="list the hours")
        return _leaf(f"{self._number(cond.field)} {_COMPARE[value.op]} {number}")

    def convert_condition_field_eq_val_timestamp_part(self, cond: Any, state: ConversionState) -> str:
        value: SigmaTimestampPart = cond.value
        part = value.timestamp_part.name.lower()
        if part not in ("minute", "hour", "day", "week", "month", "year"):
            raise RuleInvalid(f"a time has no part {part!r}")
        return _leaf(f"extract({part} from {self._source.sql(cond.field)}) = {value.number}")

    def convert_condition_field_eq_val_null(self, cond: Any, state: ConversionState) -> str:
        return f"{self._source.sql(cond.field)} is null"

    def convert_condition_field_eq_val_exists(self, cond: Any, state: ConversionState) -> str:
        value: SigmaExists = cond.value
        return f"{self._source.sql(cond.field)} is {'not null' if value.exists else 'null'}"

    def convert_condition_field_eq_field(self, cond: Any, state: ConversionState) -> str:
        other = cond.value
        if other.starts_with or other.ends_with:
            raise RuleInvalid("fieldref takes no startswith or endswith")
        return _leaf(f"lower({self._source.sql(cond.field)}) = lower({self._source.sql(other.field)})")

    def convert_condition_val_str(self, cond: Any, state: ConversionState) -> str:
        raise RuleInvalid("a value without a field", remedy="name the field; keywords are not searched")

    convert_condition_val_num = convert_condition_val_str
    convert_condition_val_re = convert_condition_val_str

    def _number(self, field: str) -> str:
        return f"try_cast({self._source.sql(field)} as double)"

    def _text(self, field: str, value: SigmaString, *, cased: bool) -> str:
        column = self._source.sql(field)
        text = _like(value)
        pattern = text.pattern if cased else text.pattern.lower()
        if not cased:
            column = f"lower({column})"
        if self._source.is_list(field) and not text.wild:
            quoted = literal('%"' + pattern + '"%')
            return _leaf(f"{column} like {quoted} escape '\\'")
        if text.wild:
            return _leaf(f"{column} like {literal(pattern)} escape '\\'")
        plain = str(value.to_plain())
        return _leaf(f"{column} = {literal(plain if cased else plain.lower())}")


def _leaf(comparison: str) -> str:
    return f"coalesce({comparison}, false)"


def _like(value: SigmaString) -> _Text:
    """The pattern that LIKE takes, with the backslash as its escape."""
    pattern = ""
    wild = False
    for part in value.s:
        if part == SpecialChars.WILDCARD_MULTI:
            pattern, wild = pattern + "%", True
        elif part == SpecialChars.WILDCARD_SINGLE:
            pattern, wild = pattern + "_", True
        elif isinstance(part, str):
            pattern += _LIKE_SPECIAL.sub(r"\\\1", part)
        else:
            raise RuleInvalid("a placeholder is not filled in", remedy="write the value")
    return _Text(pattern, wild)
