"""A receiver of events in memory, and the destination module that speaks to it.

Promise: what was stored is told by the receiver and never by the sender. One event in eleven is one that it
refuses for ever (`is_poison`), whatever it comes with.
"""

from __future__ import annotations

import zlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import msgspec

from tests.simulation.scheduler import Process
from tests.simulation.world import World
from warehouse.delivery.port import Limits, Outcome, Refused, Request, Response, all_of

CHECKPOINT = "ledgerline_checkpoint"
TRIES = 3  # sendings of a batch before it is judged


def is_poison(event_id: str) -> bool:
    """Whether the receiver will never take this event."""
    return not event_id.startswith(CHECKPOINT) and zlib.crc32(event_id.encode()) % 11 == 0


@dataclass
class Siem:
    """`stored` counts how often each (event, version) was stored, `failed` how often a request with it was not."""

    world: World
    stored: Counter[tuple[str, int]] = field(default_factory=Counter)
    failed: Counter[tuple[str, int]] = field(default_factory=Counter)
    senders: set[str] = field(default_factory=set)  # processes that sent anything

    def destination(self, process: Process) -> Any:
        """The module of a type, as `destinations/` has them."""
        siem = self

        class Transport:
            def send(self, request: Request) -> Response:
                return siem.take(request, process)

            def close(self) -> None:
                pass

        return SimpleNamespace(
            Settings=SimpleNamespace,
            LIMITS=Limits(events=4, raw=100_000, concurrency=2),
            encode=_encode,
            pack=_pack,
            classify=_classify,
            connect=lambda settings: Transport(),
        )

    def take(self, request: Request, process: Process) -> Response:
        number = process.begin_step()
        self.senders.add(process.name)
        kind = self.world.meet("siem", process, f"POST {request.count} events")
        events = [msgspec.json.decode(line) for line in request.body.splitlines()]
        names = [(event["id"], event["version"]) for event in events]
        refused = self._refused(kind, names)
        if refused is not None:
            self.failed.update(names)
            return refused
        self.stored.update(names)
        process.end_step(number)
        if kind == "lost answer":
            return Response(status=0, error="no answer in time")
        return Response(status=200, ack="taken")

    def _refused(self, kind: str, names: list[tuple[str, int]]) -> Response | None:
        if kind == "refused connection":
            return Response(status=0, error="no connection", sent=False)
        status = {"error 503": 503, "rate limit": 429, "unauthorized": 401}.get(kind)
        if kind == "too large" and len(names) > 1:  # no event is too large by itself
            status = 413
        if status is None and any(is_poison(event_id) for event_id, _ in names):
            status = 400
        return Response(status=status) if status is not None else None


def _encode(event: Any, settings: Any, restamp: str | None) -> bytes | Refused:
    return msgspec.json.encode({"id": event.id, "version": event.version, "fold": event.fold})


def _pack(frames: Sequence[bytes], settings: Any) -> Request:
    body = b"\n".join(frames)
    return Request(body=body, raw=len(body), count=len(frames))


def _classify(response: Response, count: int) -> list[Outcome]:
    if response.status == 200:
        return all_of(count, Outcome(kind="delivered", ack=response.ack))
    if response.status in (400, 413):
        return all_of(count, Outcome(kind="split", reason=f"answered {response.status}"))
    if response.status == 401:
        return all_of(count, Outcome(kind="halt", reason="the credential is refused"))
    after = 2.0 if response.status == 429 else None
    return all_of(
        count, Outcome(kind="retry", reason=response.error or f"answered {response.status}", after=after)
    )
