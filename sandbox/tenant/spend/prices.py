"""List prices and the negotiated discount, in integers of micro-cents (1,000,000 = one cent).

$1 per million tokens is 100 micro-cents a token. Every amount is a product of integers, rounded down once for each
part of a line, so a sum of lines is a sum of parts whatever the grouping.
"""

from __future__ import annotations

from datetime import date
from functools import lru_cache
from typing import NamedTuple

MICRO = 1_000_000  # micro-cents in a cent
TOKEN_TYPES = (
    "uncached_input_tokens",
    "output_tokens",
    "cache_read_input_tokens",
    "cache_creation.ephemeral_5m_input_tokens",
    "cache_creation.ephemeral_1h_input_tokens",
)
NEW_MODELS_FROM = date(2026, 7, 1)
OLD_MODELS = ("claude-opus-4-6", "claude-sonnet-4-6", "claude-haiku-4-5")
NEW_MODELS = ("claude-opus-5-5", "claude-sonnet-5", "claude-haiku-4-5")
_DOLLARS = {  # per million tokens: input, output
    "claude-opus-4-6": (15, 75),
    "claude-sonnet-4-6": (3, 15),
    "claude-haiku-4-5": (1, 5),
    "claude-opus-5-5": (5, 25),
    "claude-sonnet-5": (3, 15),
}
WEB_SEARCH = 1 * MICRO  # a request
CODE_EXECUTION = 5 * MICRO // 60  # a minute of a session
SESSION = 8 * MICRO // 60  # a minute of a managed agent
_DISCOUNT = {  # per mille, by product; the rest of the tokens have 175
    "claude_code": 200,
    "messages_api": 150,
    "message_batches_api": 150,
    "managed_agents_api": 150,
    "other": 0,
}
_OTHER_DISCOUNT = {"web_search": 0, "code_execution": 100, "session_usage": 0}


class Part(NamedTuple):
    """A line's cost of one kind, in micro-cents: at list price, and after the discount."""

    cost_type: str
    token_type: str | None
    list_amount: int
    amount: int


@lru_cache(maxsize=512)
def _units(model: str, long: bool, fast: bool, batch: bool, us: bool) -> tuple[int, ...]:
    """Micro-cents per token of each of TOKEN_TYPES."""
    dollars_in, dollars_out = _DOLLARS[model]
    read_in, out = dollars_in * 100, dollars_out * 100
    if long:
        read_in, out = read_in * 2, out * 3 // 2
    units = [read_in, out, read_in // 10, read_in * 5 // 4, read_in * 2]
    if fast:
        units = [unit * 6 for unit in units]
    if batch:
        units = [unit // 2 for unit in units]
    if us:
        units = [unit * 11 // 10 for unit in units]
    return tuple(units)


def token_parts(
    product: str | None,
    model: str,
    tokens: tuple[int, ...],
    *,
    long: bool = False,
    fast: bool = False,
    batch: bool = False,
    us: bool = False,
) -> tuple[Part, ...]:
    """The parts of `tokens` (in the order of TOKEN_TYPES), those that are not zero."""
    kept = 1000 - _DISCOUNT.get(product or "", 175)
    units = _units(model, long, fast, batch, us)
    return tuple(
        [
            Part("tokens", kind, count * unit, count * unit * kept // 1000)
            for kind, count, unit in zip(TOKEN_TYPES, tokens, units, strict=True)
            if count
        ]
    )


def other_part(cost_type: str, quantity: int) -> Part:
    """The part for `quantity` web searches (requests), or minutes of code execution or of a session."""
    unit = {"web_search": WEB_SEARCH, "code_execution": CODE_EXECUTION, "session_usage": SESSION}[cost_type]
    listed = quantity * unit
    return Part(cost_type, None, listed, listed * (1000 - _OTHER_DISCOUNT[cost_type]) // 1000)


def repriced(part: Part, per_mille: int) -> Part:
    """The part with its amount scaled, the list price left alone: a discount granted or corrected later."""
    return part._replace(amount=part.amount * per_mille // 1000)


def cents(micro: int) -> str:
    """Micro-cents as the API writes money: a decimal string in cents with six places."""
    sign, micro = ("-", -micro) if micro < 0 else ("", micro)
    return f"{sign}{micro // MICRO}.{micro % MICRO:06}"
