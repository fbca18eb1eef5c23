"""Money from the wire: decimal texts in cents into USD with eight decimals, exactly or with a word why not.

Promise: no float ever; what does not fit a column is named, and the text as served is kept beside it.
"""

import re
from decimal import ROUND_HALF_EVEN, Context, Decimal
from typing import Any, NamedTuple

DECIMALS = 8
_PLAIN = re.compile(r"-?\d{1,60}(?:\.\d{1,60})?", re.ASCII)
_LONGEST = 200  # characters of a text that is no number; the whole of it is in the record
_UNIT = Decimal(1).scaleb(-DECIMALS)
_WIDEST = Decimal(10) ** (38 - DECIMALS)  # DECIMAL(38, 8) holds less than this
# Wide enough for any text that a page can hold within reason; nothing is rounded unseen.
_EXACT = Context(prec=200)


class Money(NamedTuple):
    """One amount. cents: exact, None where it cannot be read. usd: what the column holds. text: as served.

    problem: why `usd` is not the whole truth, or None.
    """

    cents: Decimal | None
    usd: Decimal | None
    text: str | None
    problem: str | None


ABSENT = Money(None, None, None, None)


def read_money(value: Any) -> Money:
    """An `amount` or `list_amount` as decoded (reference 3.5): a decimal text in cents; null stays null."""
    if value is None:
        return ABSENT
    number = isinstance(value, int | Decimal) and not isinstance(value, bool)
    text = value if isinstance(value, str) else str(value) if number else None
    if text is None or not _PLAIN.fullmatch(text):
        return Money(None, None, text[:_LONGEST] if text is not None else None, "no decimal number")
    problem = None if isinstance(value, str) else "not text"  # a number's digits were kept exactly
    cents = Decimal(text)
    exact = cents.scaleb(-2, _EXACT)
    if abs(exact) >= _WIDEST:
        return Money(cents, None, text, "too large")
    usd = exact.quantize(_UNIT, ROUND_HALF_EVEN, _EXACT)
    if usd != exact:
        problem = f"more than {DECIMALS} decimals"
    return Money(cents, usd, text, problem)


def decimals_of(cents: Decimal) -> int:
    """How many decimals an amount was served with."""
    exponent = cents.as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else 0
