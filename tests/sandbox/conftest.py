"""A small tenant whose clock stands at a Sunday morning, and an HTTP client for it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import httpx
import pytest

from sandbox import Served, Tenant, serve

NOW = "2026-11-22T10:00:00Z"
FEED = "/v1/compliance/activities"


@pytest.fixture(scope="module")
def quiet() -> Iterator[Served]:
    """A tenant shared by the tests of a module; they only read."""
    with serve(Tenant(seed=7, users=12, days=4, clock=NOW, rate_limit=0)) as served:
        yield served


@pytest.fixture
def start() -> Iterator[Callable[..., Served]]:
    """Start a tenant of one's own: `start(users=3, rate_limit=2)`."""
    with ExitStack() as stack:

        def _start(**settings: Any) -> Served:
            defaults: dict[str, Any] = {"seed": 7, "users": 6, "days": 3, "clock": NOW}
            return stack.enter_context(serve(Tenant(**{**defaults, **settings})))

        yield _start


@pytest.fixture
def get() -> Iterator[Callable[..., httpx.Response]]:
    """Ask the feed with the compliance key (or `headers`): `get(served, {"limit": 5})`."""
    with httpx.Client(timeout=5) as client:

        def _get(
            served: Served, params: Any = None, *, headers: dict[str, str] | None = None, path: str = FEED
        ) -> httpx.Response:
            sent = {"x-api-key": served.keys["compliance"]} if headers is None else headers
            return client.get(served.url + path, params=params, headers=sent)

        yield _get


@pytest.fixture
def walk(get: Callable[..., httpx.Response]) -> Callable[..., list[dict[str, Any]]]:
    """All pages of a question, as parsed bodies, following `last_id` by `after_id`."""

    def _walk(served: Served, **params: Any) -> list[dict[str, Any]]:
        pages: list[dict[str, Any]] = []
        cursor: dict[str, str] = {}
        while not pages or pages[-1]["has_more"]:
            answer = get(served, params | cursor)
            assert answer.status_code == 200, answer.text
            pages.append(answer.json())
            cursor = {"after_id": pages[-1]["last_id"]}
        return pages

    return _walk


BETA = {"anthropic-beta": "analytics-usage-cost-2026-08-24"}
ANALYTICS = "/v1/organizations/analytics"


@pytest.fixture(scope="module")
def spending() -> Iterator[Served]:
    """A tenant for questions about spend, shared by the tests of a module; they only read."""
    tenant = Tenant(seed=7, users=40, days=1, clock=NOW, analytics_rate_limit=0, directory_rate_limit=0)
    with serve(tenant) as served:
        yield served


@pytest.fixture
def ask() -> Iterator[Callable[..., httpx.Response]]:
    """Ask usage and cost with the analytics key: `ask(served, "cost", starting_at=...)`."""
    with httpx.Client(timeout=10) as client:

        def _ask(
            served: Served, path: str, *, key: str | None = "analytics", headers: Any = None, **params: Any
        ) -> httpx.Response:
            sent = {**BETA, **({"x-api-key": served.keys[key]} if key else {})} if headers is None else headers
            url = served.url + (path if path.startswith("/") else f"{ANALYTICS}/{path}")
            return client.get(url, params=params, headers=sent)

        yield _ask


@pytest.fixture
def rows_of(ask: Callable[..., httpx.Response]) -> Callable[..., list[dict[str, Any]]]:
    """All rows of a question about usage or cost, over all its pages."""

    def _rows(served: Served, path: str, **params: Any) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = []
        cursor: dict[str, str] = {}
        while True:
            answer = ask(served, path, **{"limit": 1000, **params, **cursor})
            assert answer.status_code == 200, answer.text
            body = answer.json()
            rows += body["data"]
            if not body["has_more"]:
                assert body["next_page"] is None
                return rows
            cursor = {"page": body["next_page"]}

    return _rows
