"""A day's sums, and whether its grouped rows add up to the total that the vendor gives for the same day.

Promise: sums are exact, over what was served and not over what a column could hold; amounts may differ by no more
than the rounding of the rows themselves, counts not at all.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Context, Decimal
from typing import Any

from warehouse.tables.spend.money import DECIMALS, decimals_of
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


@dataclass
class Sums:
    """What rows add up to, in cents and in counts by column; `decimals`: the most that an amount was served with.
    `unreadable`: whether a figure of any is no number."""

    rows: int = 0
    amount: Decimal = Decimal(0)
    list_amount: Decimal = Decimal(0)
    decimals: int = 0
    counts: Counter[str] = field(default_factory=Counter)
    unreadable_amount: bool = False
    unreadable_count: bool = False

    @classmethod
    def of(cls, rows: Iterable[Row]) -> "Sums":
        found = cls()
        for row in rows:
            found.add(row)
        return found

    def add(self, row: Row) -> None:
        self.rows += 1
        if row.amount.cents is not None:
            self.amount = _EXACT.add(self.amount, row.amount.cents)
            self.decimals = max(self.decimals, decimals_of(row.amount.cents))
        if row.list_amount.cents is not None:
            self.list_amount = _EXACT.add(self.list_amount, row.list_amount.cents)
        self.unreadable_amount |= row.amount.cents is None or row.list_amount.cents is None
        for name in TOKENS:
            self.counts[name] += row.values.get(name) or 0
        self.unreadable_count |= any("(no whole number)" in name for name in row.strange)


def day_values(report: Report, rows: Sums, totals: Sums) -> DayValues:
    """The sums of one day from its grouped rows and its total (one row; none for a day without any spend)."""
    if report.figures == "usage":
        return _usage(rows, totals, part=report.legacy)
    return _cost(rows, totals, part=report.legacy)


def _cost(rows: Sums, totals: Sums, *, part: bool) -> DayValues:
    """`part`: the rows may add up to less than the total, never to more."""
    # Half a unit of the last place for each: so far exact sums of rounded rows may lie apart.
    rounding = (rows.rows + totals.rows) * _HALF.scaleb(-max(rows.decimals, totals.decimals))
    said = []
    for name, mine, theirs in (
        ("amount", rows.amount, totals.amount),
        ("list_amount", rows.list_amount, totals.list_amount),
    ):
        if mine - theirs > rounding or (theirs - mine > rounding and not part):
            said.append(
                f"{name}: the grouped rows add up to {_usd(mine):f} USD, the total is {_usd(theirs):f} USD "
                f"({_usd(theirs - mine):f} more)"
            )
    facts = {
        "amount": _usd(rows.amount),
        "list_amount": _usd(rows.list_amount),
        "total_amount": _usd(totals.amount),
    }
    columns = {
        **facts,
        "total_list_amount": _usd(totals.list_amount),
        "total_requests": totals.counts["requests"],
        "difference": _usd(totals.amount - rows.amount),
        "agrees": not said,
    }
    unreadable = rows.unreadable_amount or totals.unreadable_amount
    return DayValues(columns, facts, "; ".join(said) or None, unreadable)


def _usage(rows: Sums, totals: Sums, *, part: bool) -> DayValues:
    said = []
    for name in TOKENS:
        mine, theirs = rows.counts[name], totals.counts[name]
        if mine > theirs or (mine < theirs and not part):
            said.append(f"{name}: the grouped rows add up to {mine}, the total is {theirs}")
    tokens, total = rows.counts["total_tokens"], totals.counts["total_tokens"]
    columns = {
        "tokens": tokens,
        "requests": rows.counts["requests"],
        "total_tokens": total,
        "total_requests": totals.counts["requests"],
        "difference": total - tokens,
        "agrees": not said,
    }
    facts = {"total_tokens": tokens, "requests": columns["requests"]}
    unreadable = rows.unreadable_count or totals.unreadable_count
    return DayValues(columns, facts, "; ".join(said) or None, unreadable)


def _usd(cents: Decimal) -> Decimal:
    return cents.scaleb(-2, _EXACT).quantize(_UNIT, context=_EXACT)
