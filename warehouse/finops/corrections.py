"""Late changes of closed periods: what was booked is taken back and what is right is booked, in the next open one.

Promise: original + reversal + rebooking = the statement that the period would have today, line by line and in
cents. Rule book: reference finops, sections 1.3 and 5 (append-only, accounting style).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal

from warehouse.finops.money import EXACT, sortable, total
from warehouse.finops.periods import Period
from warehouse.finops.statement import Key, Line, Statement


def booked(period: Period, statements: Iterable[Statement]) -> dict[Key, Line]:
    """What closed statements have booked for a period so far: its own lines and the corrections of it, summed."""
    sums: dict[Key, Line] = {}
    for statement in statements:
        own = statement.period == period
        for line in statement.lines:
            if line.original_period == period or (own and line.original_period is None):
                before = sums.get(line.key)
                sums[line.key] = _plus(before, line) if before else _plain(line)
    return {key: line for key, line in sums.items() if line.exact or line.billed}


def corrections_of(period: Period, before: Mapping[Key, Line], now: Sequence[Line]) -> list[Line]:
    """The lines that turn what was booked for a period into what is right, sorted; none where nothing differs.

    `before` is what `booked` gives, `now` the lines of the period as its rows and the mapping say today.
    """
    after = {line.key: line for line in now if line.exact or line.billed}
    lines = []
    for key in sorted(before.keys() | after.keys(), key=sortable):
        old, new = before.get(key), after.get(key)
        if old is not None and new is not None and _same(old, new):
            continue
        if old is not None:
            lines.append(replace(_negative(old), original_period=period, reversal=True))
        if new is not None:
            lines.append(replace(new, original_period=period, reversal=False))
    return lines


def explained(period: Period, corrections: Iterable[Line]) -> dict[str, Decimal]:
    """The corrections of one period in sums: what was taken back, what was booked, and the difference, in
    cents."""
    own = [line for line in corrections if line.original_period == period]
    back, booked_now = (total(line.billed for line in own if line.reversal is side) for side in (True, False))
    return {"reversed": back, "rebooked": booked_now, "difference": EXACT.add(back, booked_now)}


def _same(old: Line, new: Line) -> bool:
    return (old.exact, old.billed, old.list_amount) == (new.exact, new.billed, new.list_amount)


def _plain(line: Line) -> Line:
    return replace(line, original_period=None, reversal=False)


def _plus(left: Line, right: Line) -> Line:
    return replace(
        left,
        exact=EXACT.add(left.exact, right.exact),
        billed=EXACT.add(left.billed, right.billed),
        list_amount=_sum(left.list_amount, right.list_amount),
        quantity=_sum(left.quantity, right.quantity),
    )


def _negative(line: Line) -> Line:
    return replace(
        line,
        exact=EXACT.minus(line.exact),
        billed=EXACT.minus(line.billed),
        list_amount=None if line.list_amount is None else EXACT.minus(line.list_amount),
        quantity=None if line.quantity is None else EXACT.minus(line.quantity),
    )


def _sum(left: Decimal | None, right: Decimal | None) -> Decimal | None:
    if left is None or right is None:
        return left if right is None else right
    return EXACT.add(left, right)
