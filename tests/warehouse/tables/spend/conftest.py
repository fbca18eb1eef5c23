"""An archive on disk with a clock of its own, and pulls of usage and cost committed without any network."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from tests.warehouse.tables.conftest import make_archive
from warehouse.archive.archive import Archive, ServedPage
from warehouse.archive.entry import Draft, Entry
from warehouse.tables import catalog
from warehouse.tables.spend.fold import FoldedDays, fold_days
from warehouse.wire.times import midnight, rfc3339
from warehouse.wire.windows import Window

__all__ = ["make_archive"]

DAY, NEXT = date(2026, 11, 20), date(2026, 11, 21)
WINDOW = Window(midnight(DAY), midnight(NEXT))
TWO_DAYS = Window(midnight(DAY), midnight(NEXT) + timedelta(days=1))
REFRESHED = "2026-11-22T08:00:00Z"


def cost(
    number: int, amount: Any = "100.000000", *, day: date = DAY, model: str = "claude-sonnet-5", **group: Any
) -> dict[str, Any]:
    """A grouped cost row; `amount` in cents, list price the same."""
    return {
        "starting_at": rfc3339(midnight(day)),
        "ending_at": rfc3339(midnight(day) + timedelta(days=1)),
        "group": {
            "product": "chat", "model": model, "context_window": "0-200k", "organization_id": "org_1",
            "actor": {"type": "user_actor", "user_id": f"user_{number}", "email_address": f"u{number}@example.com",
                      "name": "Ana Silva", "deleted": False},
            "cost_type": "tokens", "token_type": "output_tokens", "speed": None, **group,
        },
        "cost": {"amount": amount, "list_amount": amount, "currency": "USD", "requests": None},
    }  # fmt: skip


def usage(number: int, output: int = 10, *, day: date = DAY) -> dict[str, Any]:
    """A grouped usage row with `output` tokens and one request."""
    row = cost(number, day=day)
    del row["cost"]
    row["usage"] = {
        "uncached_input_tokens": 0, "cache_creation": {"ephemeral_5m_input_tokens": 0,
        "ephemeral_1h_input_tokens": 0}, "cache_read_input_tokens": 0, "output_tokens": output,
        "total_tokens": output, "server_tool_use": {"web_search_requests": 0}, "requests": 1,
    }  # fmt: skip
    return row


def total_of(rows: list[dict[str, Any]], stream: str = "cost") -> list[dict[str, Any]]:
    """The ungrouped rows that these grouped ones add up to."""
    days: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        days.setdefault(row["starting_at"], []).append(row)
    found = []
    for of_day in days.values():
        whole = {**of_day[0], "group": {"product": None, "actor": None}}
        if stream == "cost":
            amount = str(sum((Decimal(str(row["cost"]["amount"])) for row in of_day), Decimal(0)))
            whole["cost"] = {"amount": amount, "list_amount": amount, "currency": "USD", "requests": len(of_day)}
        else:
            tokens = sum(row["usage"]["output_tokens"] for row in of_day)
            requests = sum(row["usage"]["requests"] for row in of_day)
            whole["usage"] = {
                **of_day[0]["usage"], "output_tokens": tokens, "total_tokens": tokens, "requests": requests
            }  # fmt: skip
        found.append(whole)
    return found


def verbatim(rows: list[Any]) -> list[bytes]:
    return [row if isinstance(row, bytes) else json.dumps(row, separators=(",", ":")).encode() for row in rows]


@dataclass
class SpendBench:
    """An archive plus the shortest way to pull a window into it."""

    archive: Archive
    now: list[datetime]

    def advance(self, **delta: float) -> None:
        self.now[0] += timedelta(**delta)

    def commit(
        self,
        pages: list[tuple[str, str | None, list[Any]]],
        *,
        window: Window = WINDOW,
        stream: str = "cost",
        refreshed: str = REFRESHED,
        complete: bool = True,
    ) -> Entry:
        """Commit pages given as (query, cursor, rows)."""
        refs = []
        for index, (query, cursor, rows) in enumerate(pages, 1):
            records = verbatim(rows)
            body = (
                b'{"data":['
                + b",".join(records)
                + b'],"has_more":false,"data_refreshed_at":"%s"}' % (refreshed.encode())
            )
            page = ServedPage(
                index=index, body=body, records=records, status=200, request_id=f"req_{index}",
                requested_at=self.now[0], query=query, headers={}, cursor_in=cursor, last_id=None,
            )  # fmt: skip
            refs.append(self.archive.put_page(stream, window, page))
        draft = Draft(
            kind="pull", stream=stream, window=window.as_text(), complete=complete, objects=refs,
            data_refreshed_at=refreshed,
        )  # fmt: skip
        if not complete:
            draft.error = "the server failed"
        return self.archive.commit(draft)

    def pull(
        self, rows: list[Any], totals: list[Any] | None = None, *, stream: str = "cost", **how: Any
    ) -> FoldedDays:
        """Pull a total and grouped rows, and fold them."""
        totals = total_of(rows, stream) if totals is None else totals
        pages = [("limit=1000", None, totals), ("limit=1000&group_by%5B%5D=actor", None, rows)]
        folded = fold_days(self.archive, self.commit(pages, stream=stream, **how))
        assert folded is not None
        return folded

    def sql(self, query: str) -> list[tuple[Any, ...]]:
        with catalog.connect(self.archive) as db:
            return db.execute(query).fetchall()


@pytest.fixture
def bench(make_archive: Callable[[Callable[[], datetime]], Archive]) -> Iterator[SpendBench]:
    now = [datetime(2026, 11, 22, 10, tzinfo=UTC)]
    with make_archive(lambda: now[0]) as archive:
        yield SpendBench(archive, now)
