"""An HTTP API of the vendor in memory: keys, request ids, the Date header, and whatever may go wrong on the way.

What it serves is the business of `vendor` (the activity feed) and `ledger` (cost).
"""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass, field
from email.utils import format_datetime
from random import Random

import httpx

from tests.simulation.scheduler import Process, Scheduler
from tests.simulation.world import World

KEY = "sk-ant-api01-sandbox-simulation-0000"
_ERRORS = (("error 500", 500), ("error 502", 502), ("error 503", 503), ("overloaded", 529))


@dataclass
class Api(ABC):
    """One API of one tenant of one trial. changes: what happens to its past when the request of that number comes,
    in a step.
    """

    scheduler: Scheduler
    world: World
    rng: Random
    number: int
    changes: dict[int, str] = field(default_factory=dict)
    keys_seen: set[str] = field(default_factory=set)
    cursors = (b"after_id",)

    def __post_init__(self) -> None:
        self._count = self._asked = 0

    def begin(self, changes: dict[int, str]) -> None:
        self.changes, self._asked = changes, 0

    def transport(self, process: Process) -> httpx.BaseTransport:
        return _Line(self, process)

    @abstractmethod
    def change(self, what: str) -> None:
        """The vendor changes its past."""

    @abstractmethod
    def page(self, request: httpx.Request, kind: str) -> httpx.Response:
        """A good answer, or one that is spoilt in this way."""

    def answer(self, request: httpx.Request, process: Process) -> httpx.Response:
        """One request, whole, with its fault; raises httpx errors for what the network does."""
        process.begin_step()
        self._asked += 1
        kind = self.world.meet("vendor", process, f"GET {request.url.query.decode()}")
        if process.dead:
            process.end_step(0)
        if self._asked in self.changes:
            self.change(self.changes[self._asked])
        if kind == "refused connection":
            raise httpx.ConnectError("connection refused", request=request)
        if kind == "timeout":
            self.scheduler.wait(seconds=60)
            raise httpx.ReadTimeout("timed out", request=request)
        refused = self._refused(kind, request)
        if refused is not None:
            return refused
        response = self.page(request, kind)
        process.end_step(process.steps)
        if kind == "lost answer":
            raise httpx.ReadError("connection reset", request=request)
        return response

    def _refused(self, kind: str, request: httpx.Request) -> httpx.Response | None:
        self.keys_seen.add(request.headers.get("x-api-key", ""))
        if request.headers.get("x-api-key") != KEY:
            return self.error(401, "authentication_error", "invalid x-api-key")
        for name, status in _ERRORS:
            if kind == name:
                return self.error(status, "api_error", "try again")
        if kind == "rate limit":
            return self.error(429, "rate_limit_error", "slow down", {"retry-after": "3"})
        if kind == "stale cursor" and any(one in request.url.query for one in self.cursors):
            return self.error(400, "invalid_request_error", "cursor is no longer valid")
        return None

    def error(self, status: int, kind: str, message: str, headers: dict[str, str] | None = None) -> httpx.Response:
        body = json.dumps({"type": "error", "error": {"type": kind, "message": message}}).encode()
        return httpx.Response(status, content=body, headers=self.headers(self.request_id()) | (headers or {}))

    def request_id(self) -> str:
        self._count += 1
        return f"req_{type(self).__name__.lower()}{self._count:06d}"

    def headers(self, request_id: str) -> dict[str, str]:
        return {
            "request-id": request_id,
            "date": format_datetime(self.scheduler.now, usegmt=True),
            "content-type": "application/json",
        }


def spoilt(body: bytes, kind: str) -> bytes:
    """A body after what kills it before it is sent."""
    if kind == "torn json":
        return body[: len(body) * 2 // 3]
    if kind == "not a page":
        return b"<html><body>Please sign in to the proxy</body></html>"
    return body


class _Line(httpx.BaseTransport):
    def __init__(self, api: Api, process: Process) -> None:
        self._api, self._process = api, process

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        return self._api.answer(request, self._process)


class Cut(httpx.SyncByteStream):
    """The first half of a body; then the connection breaks."""

    def __init__(self, body: bytes) -> None:
        self._body = body

    def __iter__(self) -> Iterator[bytes]:
        yield self._body[: len(self._body) // 2]
        raise httpx.ReadError("connection reset")
