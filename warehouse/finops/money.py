"""Exact money: texts into decimals, sums, splits by largest remainder, and the one rounding to cents.

Promise: no float, no hidden rounding. A split gives back exactly what was put in, the same way every time.
"""

import re
from collections.abc import Iterable, Mapping
from decimal import ROUND_HALF_UP, Context, Decimal, Inexact, InvalidOperation
from typing import TypeVar

from warehouse.finops.errors import AmountRefused, ConservationBroken

K = TypeVar("K")

ZERO = Decimal(0)
CENT = Decimal("0.01")
# The vendor writes cents with six decimals: dollars with eight. Nothing is split finer, unless it came finer.
SCALE = 8
# Enough digits that no sum of amounts is ever shortened; if one were, Inexact is raised and nothing comes out.
EXACT = Context(prec=200, traps=[Inexact, InvalidOperation])
_LONGEST = 80
_PLAIN = re.compile(r"-?[0-9]+(?:\.[0-9]+)?", re.ASCII)


def parse_amount(text: str) -> Decimal:
    """A plain decimal number of currency units, exact, with as many decimals as it has.

    Raises AmountRefused for everything else: exponents (`1e3`), empty texts, signs of plus, thousands marks.
    """
    if not _PLAIN.fullmatch(text) or len(text) > _LONGEST:
        raise AmountRefused(
            f"{_shown(text)} is no amount: {_why(text)}. Write it as a plain number, such as 1234.56"
        )
    return Decimal(text)


def parse_cents(text: str) -> Decimal:
    """The vendor's decimal string of cents, in dollars: `"41280.000000"` is 412.80000000. Raises AmountRefused."""
    return Decimal(f"{parse_amount(text)}E-2")


def _shown(text: str) -> str:
    return repr(text if len(text) <= _LONGEST else f"{text[:_LONGEST]}...")


def _why(text: str) -> str:
    if not text.strip():
        return "it is empty"
    if len(text) > _LONGEST:
        return f"it has more than {_LONGEST} characters"
    if re.fullmatch(r"[-+]?[0-9.]+[eE][-+]?[0-9]+", text):
        return "it has an exponent, and exponents have cost people factors of a thousand"
    if "," in text or "_" in text or "'" in text:
        return "it has thousands marks or a decimal comma"
    if text.startswith("+"):
        return "it begins with a plus"
    return "it is not a number in digits with at most one point"


def total(amounts: Iterable[Decimal]) -> Decimal:
    """The exact sum."""
    add, result = EXACT.add, ZERO
    for amount in amounts:
        result = add(result, amount)
    return result


def minus(left: Decimal, right: Decimal) -> Decimal:
    """The exact difference."""
    return EXACT.subtract(left, right)


def text(amount: Decimal, decimals: int = SCALE) -> str:
    """An amount as text with at least so many decimals, and more where it has more: never a rounded one."""
    if not amount:
        return f"{ZERO:.{decimals}f}"
    exponent = int(EXACT.plus(amount).normalize(EXACT).as_tuple().exponent)
    return f"{amount:.{max(decimals, -exponent)}f}"


def to_cents(amount: Decimal) -> Decimal:
    """Rounded to the cent, halves away from zero, as invoices are."""
    rounded = amount.quantize(CENT, rounding=ROUND_HALF_UP, context=Context(prec=200))
    return rounded if rounded else Decimal("0.00")


def split(amount: Decimal, weights: Mapping[str, Decimal | int]) -> dict[str, Decimal]:
    """Divide an amount by weights, without a remainder; what does not divide goes to the largest remainders.

    Keys of weight 0 get nothing and are left out. Ties go to the key that sorts first. The parts are as fine as
    the amount, at least eight decimals. Raises ConservationBroken where no weight is above 0.
    """
    used = {key: _whole(weight) for key, weight in weights.items()}
    finest = max((-exponent for _, exponent in used.values()), default=0)
    scaled = {key: value * 10 ** (finest + exponent) for key, (value, exponent) in used.items() if value}
    if not scaled or min(scaled.values()) < 0:
        raise ConservationBroken("an amount cannot be divided by weights that are all 0, or below 0")
    if len(scaled) == 1:
        return {next(iter(scaled)): amount}
    scale = max(SCALE, -int(amount.as_tuple().exponent))
    units = int(amount.scaleb(scale, EXACT))
    parts = _largest_remainder(abs(units), scaled)
    sign = -1 if units < 0 else 1
    return {key: Decimal(sign * part).scaleb(-scale, EXACT) for key, part in parts.items()}


def _whole(weight: Decimal | int) -> tuple[int, int]:
    """A weight as a whole number and a power of ten, at most 0."""
    if isinstance(weight, int):
        return weight, 0
    exponent = min(0, int(weight.as_tuple().exponent))
    return int(weight.scaleb(-exponent, EXACT)), exponent


def _largest_remainder(units: int, weights: Mapping[str, int]) -> dict[str, int]:
    whole = sum(weights.values())
    parts, remainders = {}, []
    for key in sorted(weights):
        part, remainder = divmod(units * weights[key], whole)
        parts[key] = part
        remainders.append((-remainder, key))
    for _, key in sorted(remainders)[: units - sum(parts.values())]:
        parts[key] += 1
    return parts


def round_pool(pool: Mapping[K, Decimal], target: Decimal | None = None) -> dict[K, Decimal]:
    """Round the members of a pool to cents so that they add up to the rounded total of the pool.

    The rule is the largest remainder, for debits and credits apart: a credit never pays for the rounding of a
    debit, except for the cent by which their two rounded sums may miss the total. Ties go to the key that sorts
    first; nothing is ever rounded away from 0.00. `target`, in whole cents, replaces the rounded total.
    """
    aim = _cents(to_cents(total(pool.values())) if target is None else target)
    minuses = {key: EXACT.minus(amount) for key, amount in pool.items() if amount < 0}
    pluses = {key: amount for key, amount in pool.items() if amount > 0}
    if not minuses and not pluses and aim:
        raise ConservationBroken(f"{aim} cents have no line to stand on")
    owed = _cents(to_cents(total(minuses.values()))) if pluses else -aim
    cents = {key: -part for key, part in _apportion(minuses, owed).items()} | _apportion(pluses, aim + owed)
    return {key: Decimal(cents.get(key, 0)).scaleb(-2, EXACT) for key in pool}


def _cents(amount: Decimal) -> int:
    return int(amount.scaleb(2, EXACT))


def _apportion(amounts: Mapping[K, Decimal], aim: int) -> dict[K, int]:
    """Whole cents for amounts above 0, `aim` of them altogether."""
    if not amounts:
        return {}
    order = sorted(amounts, key=sortable)
    cents, remainders = {}, []
    for place, key in enumerate(order):
        exact = amounts[key].scaleb(2, EXACT)
        cents[key] = int(exact)
        remainders.append((minus(Decimal(cents[key]), exact), place))
    missing = aim - sum(cents.values())
    if missing < 0:  # the target lies below: the greatest can spare it
        cents[max(order, key=lambda key: cents[key])] += missing
        return cents
    everyone, some = divmod(missing, len(order))
    for _, place in sorted(remainders)[:some]:
        cents[order[place]] += 1
    return {key: part + everyone for key, part in cents.items()}


def sortable(key: object) -> tuple[tuple[bool, str], ...]:
    """An order for keys in which some parts are None: those first, the others by their text."""
    parts = key if isinstance(key, tuple) else (key,)
    return tuple((part is not None, str(part)) for part in parts)
