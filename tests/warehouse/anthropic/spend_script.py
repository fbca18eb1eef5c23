"""Scripted answers of the Analytics API's usage and cost, for what no well-behaved server gives."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.warehouse.anthropic.scripted import Asked, Given, Time, client_of
from warehouse.anthropic.spend import SpendReports
from warehouse.anthropic.spend_queries import Stream
from warehouse.anthropic.surfaces import ANALYTICS
from warehouse.wire.windows import Window

REFRESHED = "2026-11-22T08:00:00Z"
WINDOW = Window(datetime(2026, 11, 20, tzinfo=UTC), datetime(2026, 11, 22, tzinfo=UTC))


def groups(asked: Asked) -> list[str]:
    """The `group_by[]` of a request."""
    return parse_qs(urlsplit(asked.target).query).get("group_by[]", [])


def row(number: int = 0, amount: str = "100.000000", day: datetime = WINDOW.start) -> dict[str, Any]:
    """A cost row of a user."""
    return {
        "starting_at": day.strftime("%Y-%m-%dT00:00:00Z"),
        "ending_at": (day + timedelta(days=1)).strftime("%Y-%m-%dT00:00:00Z"),
        "group": {"product": "chat", "model": "claude-sonnet-5", "actor": {
            "type": "user_actor", "user_id": f"user_{number}", "email_address": f"u{number}@example.com",
            "name": None, "deleted": False}},
        "cost": {"amount": amount, "list_amount": amount, "currency": "USD", "requests": None},
    }  # fmt: skip


def spend_page(
    rows: list[dict[str, Any]], next_page: str | None = None, *, refreshed: str | None = REFRESHED, **given: Any
) -> Given:
    """A 200 with these rows; `next_page` means that there is more."""
    body: dict[str, Any] = {"data": rows, "has_more": next_page is not None, "next_page": next_page}
    if refreshed is not None:
        body["data_refreshed_at"] = refreshed
    return Given(body=body, **{"headers": {"request-id": "req_page"}, **given})


def report_of(count: int) -> Callable[[Asked], Given]:
    """A report with so many grouped rows; the total is one row."""

    def answer(asked: Asked) -> Given:
        if not groups(asked):
            return spend_page([row()])
        limit, begin = int(asked.query["limit"]), int(asked.query.get("page", "0"))
        end = min(count, begin + limit)
        return spend_page([row(number) for number in range(begin, end)], str(end) if end < count else None)

    return answer


def reports(
    url: str, stream: Stream = "cost", page_limit: int = 1000, times: Time | None = None, **more: Any
) -> SpendReports:
    """The report of a scripted server, with waits that cost nothing."""
    return SpendReports(client_of(url, times, ANALYTICS, **more), stream, page_limit)
