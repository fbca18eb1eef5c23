"""The machines of a tenant at work: their sessions of some days, sent as OTLP over HTTP, gzipped protobuf.

Promise: a request is sent until it is acknowledged or refused for good; the sums told at the end are the clients'
own.
"""

from __future__ import annotations

import gzip
import time
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from itertools import islice
from typing import Any

import httpx

from sandbox.telemetry import messages
from sandbox.telemetry.sessions import Session, Sessions
from sandbox.tenant.world import World

_TRIES = 8
_AT_ONCE = 20  # sessions in one request, as a collector in between would batch them


@dataclass
class Totals:
    """What the clients counted themselves; amounts in millionths of a dollar, at list price."""

    sessions: int = 0
    people: int = 0
    requests: int = 0
    cost_micros: int = 0
    tokens: int = 0
    commits: int = 0
    pulls: int = 0
    lines_added: int = 0
    without_account: int = 0
    talking: int = 0
    exports: int = 0

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def play(
    world: World, days: Sequence[date], url: str, headers: dict[str, str] | None = None, *, quiet: bool = False
) -> Totals:
    """Send the sessions of some days to `url` (without /v1/...). Raises httpx.HTTPError where nobody takes
    them."""
    every, totals = Sessions(world, quiet=quiet), Totals()
    people: set[str] = set()
    with httpx.Client(base_url=url, headers=headers, timeout=30) as client:
        for day in days:
            sessions = every.of(day)
            while group := list(islice(sessions, _AT_ONCE)):
                _count(group, totals, people)
                totals.exports += _send(client, "/v1/logs", messages.logs(group))
                for part in range(3):
                    totals.exports += _send(client, "/v1/metrics", messages.metrics(group, part))
    totals.people = len(people)
    return totals


def _count(group: Iterable[Session], totals: Totals, people: set[str]) -> None:
    for session in group:
        people.add(session.machine.person.user_id)
        totals.sessions += 1
        totals.requests += len(session.requests)
        totals.cost_micros += sum(one.cost_micros for one in session.requests)
        totals.tokens += sum(sum(one.tokens) for one in session.requests)
        totals.commits += session.commits
        totals.pulls += session.pulls
        totals.lines_added += session.added
        totals.without_account += not session.machine.account
        totals.talking += session.machine.talks


def _send(client: httpx.Client, path: str, message: Any) -> int:
    body = gzip.compress(message.SerializeToString(), 6, mtime=0)
    headers = {"content-type": "application/x-protobuf", "content-encoding": "gzip"}
    for attempt in range(_TRIES):
        answer = client.post(path, content=body, headers=headers)
        if answer.status_code not in (429, 502, 503, 504):
            break
        time.sleep(min(2.0, 0.1 * 2**attempt))
    answer.raise_for_status()
    return 1
