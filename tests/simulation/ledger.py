"""The vendor's cost report in memory: a few rows a day, published now and then, restated for up to thirty days.

Promise: every export that was ever published is remembered, so that each answer, each version of a day and each
statement can be judged by it. Amounts are whole millionths of a cent.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from random import Random
from urllib.parse import parse_qs

import httpx

from sandbox.clock import parse_moment
from tests.simulation.api import Api, Cut, spoilt

MICRO_IN_USD = 10**8
RESTATED_FOR = 30  # days
PEOPLE = ("ada", "bob", "")  # the last one is nobody: an organisation's own
PRODUCTS = ("chat", "claude_code")
# who pays, as the customer's file says
COST_CENTERS = (
    "user_email,user_id,cost_center,valid_from,valid_to\n"
    "ada@example.com,,platform,2026-01-01,\nbob@example.com,,data,2026-01-01,\n"
)
Key = tuple[str, str]  # person, product
Figures = dict[date, dict[Key, int]]


@dataclass(frozen=True)
class Answer:
    """One answer as it was served. `more`: there was a next page; `good`: it was a page."""

    query: dict[str, list[str]]
    body: bytes
    refreshed: str
    more: bool
    good: bool

    @property
    def grouped(self) -> bool:
        return "group_by[]" in self.query

    @property
    def first(self) -> bool:
        return "page" not in self.query


@dataclass
class Ledger(Api):
    """What an organisation costs from a first day on."""

    start: date = date(2026, 10, 1)
    figures: Figures = field(default_factory=dict)
    exports: dict[str, Figures] = field(default_factory=dict)
    served: dict[str, Answer] = field(default_factory=dict)
    cursors = (b"page=",)

    def __post_init__(self) -> None:
        super().__post_init__()
        self.publish()

    @property
    def refreshed(self) -> str:
        """How fresh the newest export is."""
        return next(reversed(self.exports))

    def publish(self) -> None:
        """A new export, of all days that are over."""
        now = self.scheduler.now
        day = self.start + timedelta(days=len(self.figures))
        while day < now.date():
            self.figures[day] = self._new(day)
            day += timedelta(days=1)
        self.exports[f"{now:%Y-%m-%dT%H:%M:%S.%fZ}"] = dict(self.figures)

    def _new(self, day: date) -> dict[Key, int]:
        rng = Random(f"{self.number}/{day}")
        keys = rng.sample([(who, what) for who in PEOPLE for what in PRODUCTS], rng.randint(1, 2))
        return {key: rng.randrange(1, 40_000_000_000) for key in keys}

    def change(self, what: str) -> None:
        """Restate a day that may still move: an amount changes, a row comes, a row goes; then publish."""
        self.scheduler.note("cost", what)
        today = self.scheduler.now.date()
        days = [day for day in self.figures if (today - day).days <= RESTATED_FOR]
        if what != "publish" and days:
            day = self.rng.choice(days)
            rows = dict(self.figures[day])
            key = (self.rng.choice(PEOPLE), self.rng.choice(PRODUCTS))
            if what == "row gone" and rows:
                del rows[self.rng.choice(sorted(rows))]
            else:
                rows[key] = self.rng.randrange(1, 40_000_000_000)
            self.figures[day] = rows
        self.publish()

    # the API

    def page(self, request: httpx.Request, kind: str) -> httpx.Response:
        query = parse_qs(request.url.query.decode())
        if request.url.path != "/v1/organizations/analytics/cost":
            return self.error(404, "not_found_error", "Not found")
        refreshed, offset = self.refreshed, 0
        if "page" in query:
            named, _, place = query["page"][0].rpartition("/")
            if named != refreshed:
                return self.error(410, "invalid_request_error", "the cursor is of an older export")
            offset = int(place)
        start, end = (parse_moment(query[name][0]).date() for name in ("starting_at", "ending_at"))
        rows = list(self._rows(start, end, "group_by[]" in query))
        limit = int(query["limit"][0])
        more = offset + limit < len(rows)
        beside = {
            "has_more": more,
            "next_page": f"{refreshed}/{offset + limit}" if more else None,
            "data_refreshed_at": refreshed,
        }
        body = json.dumps({"data": rows[offset : offset + limit], **beside}).encode()
        good = kind not in ("cut", "torn json", "not a page")
        body = spoilt(body, kind)
        request_id = self.request_id()
        self.served[request_id] = Answer(query, body, refreshed, more, good)
        if kind == "cut":
            return httpx.Response(200, stream=Cut(body), headers=self.headers(request_id))
        return httpx.Response(200, content=body, headers=self.headers(request_id))

    def _rows(self, start: date, end: date, grouped: bool) -> Iterator[dict[str, object]]:
        figures = self.exports[self.refreshed]
        for day in sorted(day for day in figures if start <= day < end):
            rows = figures[day]
            if grouped:
                for key in sorted(rows):
                    yield _row(day, key, rows[key])
            elif rows:
                yield _row(day, None, sum(rows.values()))


def _row(day: date, key: Key | None, micro: int) -> dict[str, object]:
    who, what = key or ("", None)
    actor = {"type": "user_actor", "user_id": f"user_01{who}", "email_address": f"{who}@example.com"}
    group = {
        "actor": actor if who else None,
        "product": what,
        "model": "claude-opus" if key else None,
        "cost_type": "tokens" if key else None,
        "token_type": "output_tokens" if key else None,
    }
    cents = f"{micro // 10**6}.{micro % 10**6:06}"
    return {
        "starting_at": _midnight(day),
        "ending_at": _midnight(day + timedelta(days=1)),
        "group": group,
        "cost": {"amount": cents, "list_amount": cents, "currency": "USD", "requests": None},
    }


def _midnight(day: date) -> str:
    return f"{datetime.combine(day, time(), UTC):%Y-%m-%dT%H:%M:%SZ}"
