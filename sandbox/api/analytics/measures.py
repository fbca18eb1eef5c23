"""The figures of a row on the wire: tokens, money as decimal strings in cents, and what rows can be ordered by."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sandbox.api.analytics.tally import Row, Sum
from sandbox.tenant.spend.prices import cents

USAGE_ORDERS = ("total_tokens", "output_tokens", "uncached_input_tokens", "requests", "time")
COST_ORDERS = ("amount", "list_amount", "time")
MEASURES: dict[str, Callable[[Row], int]] = {
    "total_tokens": lambda row: row.sum.total_tokens,
    "output_tokens": lambda row: row.sum.tokens[1],
    "uncached_input_tokens": lambda row: row.sum.tokens[0],
    "requests": lambda row: row.sum.requests,
    "amount": lambda row: row.sum.amount,
    "list_amount": lambda row: row.sum.list_amount,
    "time": lambda row: row.bucket,
}


def usage(total: Sum) -> dict[str, Any]:
    """The token fields of a usage row."""
    uncached, output, read, five, hour = total.tokens
    return {
        "uncached_input_tokens": uncached,
        "cache_creation": {"ephemeral_5m_input_tokens": five, "ephemeral_1h_input_tokens": hour},
        "cache_read_input_tokens": read,
        "output_tokens": output,
        "total_tokens": total.total_tokens,
        "server_tool_use": {"web_search_requests": total.searches},
        "requests": total.requests,
    }


def money(list_amount: int, amount: int, requests: int | None) -> dict[str, Any]:
    """The money fields of a cost row."""
    return {"amount": cents(amount), "list_amount": cents(list_amount), "currency": "USD", "requests": requests}


def cost(total: Sum) -> dict[str, Any]:
    """The money fields of a row that does not fan out."""
    return money(total.list_amount, total.amount, total.requests)


def fanned(total: Sum) -> list[tuple[tuple[str, str | None], dict[str, Any]]]:
    """The money fields of a row for each kind of cost in it, dearest first."""
    parts = sorted(total.parts.items(), key=lambda part: (-part[1][1], str(part[0])))
    return [(kind, money(listed, amount, None)) for kind, (listed, amount) in parts]
