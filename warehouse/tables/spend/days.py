"""A day's sums, and whether its grouped rows add up to the total that the vendor gives for the same day.

Promise: sums are exact, over what was served and not over what a column could hold; amounts may differ by no more
than the rounding of the rows themselves, counts not at all.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Context, Decimal
from typing import Any

from warehouse.tables.spend.money import DECIMALS, Money, decimals_of
from warehouse.tables.spend.rows import Row
from warehouse.tables.spend.schema import TOKENS, Report

_EXACT = Context(prec=400)
_UNIT = Decimal(1).scaleb(-DECIMALS)
_HALF = Decimal("0.5")


@dataclass(frozen=True)
class DayValues:
    """columns: the sums for the days table. facts: what a person reads. disagreement: None where all adds up."""

    columns: dict[str, Any]
    facts: dict[str, Any]
    disagreement: str | None
    unreadable: bool


def day_values(report: Report, rows: list[Row], totals: list[Row]) -> DayValues:
    """The sums of one day from its grouped rows and its total (one row; none for a day without any spend)."""
    if report.figures == "usage":
        return _usage(rows, totals, part=report.legacy)
    return _cost(rows, totals, part=report.legacy)


def _cost(rows: list[Row], totals: list[Row], *, part: bool) -> DayValues:
    """`part`: the rows may add up to less than the total, never to more."""
    grouped, total = _cents(row.amount for row in rows), _cents(row.amount for row in totals)
    listed, total_listed = _cents(row.list_amount for row in rows), _cents(row.list_amount for row in totals)
    rounding = _rounding([row.amount for row in [*rows, *totals]])
    said = []
    for name, mine, theirs in (("amount", grouped, total), ("list_amount", listed, total_listed)):
        if mine - theirs > rounding or (theirs - mine > rounding and not part):
            said.append(
                f"{name}: the grouped rows add up to {_usd(mine):f} USD, the total is {_usd(theirs):f} USD "
                f"({_usd(theirs - mine):f} more)"
            )
    columns = {
        "amount": _usd(grouped),
        "list_amount": _usd(listed),
        "total_amount": _usd(total),
        "total_list_amount": _usd(total_listed),
        "total_requests": _sum(row.values.get("requests") for row in totals),
        "difference": _usd(total - grouped),
        "agrees": not said,
    }
    return DayValues(
        columns,
        {"amount": _usd(grouped), "list_amount": _usd(listed), "total_amount": _usd(total)},
        "; ".join(said) or None,
        any(money.cents is None for row in [*rows, *totals] for money in (row.amount, row.list_amount)),
    )


def _usage(rows: list[Row], totals: list[Row], *, part: bool) -> DayValues:
    said = []
    for name in TOKENS:
        mine, theirs = _sum(row.values[name] for row in rows), _sum(row.values[name] for row in totals)
        if mine > theirs or (mine < theirs and not part):
            said.append(f"{name}: the grouped rows add up to {mine}, the total is {theirs}")
    tokens = _sum(row.values["total_tokens"] for row in rows)
    total = _sum(row.values["total_tokens"] for row in totals)
    columns = {
        "tokens": tokens,
        "requests": _sum(row.values["requests"] for row in rows),
        "total_tokens": total,
        "total_requests": _sum(row.values["requests"] for row in totals),
        "difference": total - tokens,
        "agrees": not said,
    }
    unreadable = any("(no whole number)" in name for row in [*rows, *totals] for name in row.strange)
    return DayValues(
        columns, {"total_tokens": tokens, "requests": columns["requests"]}, "; ".join(said) or None, unreadable
    )


def _cents(amounts: Iterable[Money]) -> Decimal:
    found = Decimal(0)
    for money in amounts:
        if money.cents is not None:
            found = _EXACT.add(found, money.cents)
    return found


def _rounding(amounts: list[Money]) -> Decimal:
    """How far exact sums of rounded rows may lie apart, in cents: half a unit of the last place for each."""
    decimals = max((decimals_of(money.cents) for money in amounts if money.cents is not None), default=0)
    return len(amounts) * _HALF.scaleb(-decimals)


def _usd(cents: Decimal) -> Decimal:
    return cents.scaleb(-2, _EXACT).quantize(_UNIT, context=_EXACT)


def _sum(values: Iterable[int | None]) -> int:
    return sum(value for value in values if value is not None)
