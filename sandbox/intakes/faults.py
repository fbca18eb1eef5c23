"""Fault switches of the intakes: what a receiver does wrong, how often, and to which event.

A fault fires with a probability, or for the next N requests; draws come from a seed, so a run repeats itself.
Set from the command line (`--faults splunk/error:next=3`), or by POST /_intakes/NAME/faults while it runs.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sandbox.switches import FaultError, Switch, Switches, described

FAULTS = {
    "retry_after": "429 with Retry-After (`seconds`, default 1), in the receiver's own words; nothing is stored",
    "error": "500 (or `status`) in the receiver's own words; nothing is stored",
    "gateway": "502 (or `status`) with a load balancer's HTML; nothing is stored",
    "too_large": "says that the body is too large, whatever its size",
    "unauthorized": "says that the credential is not known",
    "forbidden": "says that the credential may not do this",
    "redirect": "301 to another place",
    "bad_event": "refuses the event with the number `number` (from 0), or with the id `id`, as the receiver would",
    "cut": "closes the connection before anything is stored",
    "cut_before_reply": "stores, then closes the connection before it answers",
    "slow": "hangs for `seconds` (default 120), then goes on as usual",
    "malformed_reply": "stores, then answers with the right status and a body that nobody can read",
}


@dataclass(slots=True)
class IntakeFault(Switch):
    """One switch that is on.

    probability: chance per request; next: how many more requests it hits; skip: how many pass unharmed first;
    seconds, status, code, number, id: the fault's own size. `id` hits only requests with that event in them.
    """

    TEXTS = frozenset({"kind", "id"})

    code: int | None = None
    number: int | None = None
    id: str | None = None


def parse(text: str) -> list[tuple[str, dict[str, Any]]]:
    """`splunk/error:next=3,datadog/retry_after:0.05` as pairs of intake and fault. Raises FaultError."""
    found = []
    for item in filter(None, text.split(",")):
        where, *settings = item.strip().split(":")
        intake, slash, kind = where.partition("/")
        if not slash:
            raise FaultError(f"{where!r} names no intake; write INTAKE/KIND, for example splunk/error:next=3")
        found.append((intake, described(kind, settings)))
    return found


class IntakeFaults(Switches[IntakeFault]):
    """The faults of one intake. Safe to change from another thread while the server runs."""

    def __init__(self, seed: str, known: dict[str, str]) -> None:
        super().__init__(seed)
        self.known = known

    def on(self, kind: str, **settings: Any) -> IntakeFault:
        """Switch a fault on, e.g. `faults.on("error", next=2)`. Raises FaultError."""
        fault = IntakeFault.checked({"kind": kind, **settings}, self.known)
        self.add(fault)
        return fault

    def draw(self, *kinds: str) -> IntakeFault | None:
        """The first of `kinds` that hits this request; counts it. One with an `id` is counted by `spend`."""
        with self._lock:
            for fault in self._on:
                if fault.kind not in kinds:
                    continue
                if fault.id is not None:
                    if fault.next != 0:
                        return fault
                elif self._fires(fault):
                    return fault
        return None

    def spend(self, fault: IntakeFault) -> None:
        """Count a fault with an `id` that found its event."""
        with self._lock:
            if fault.next is not None:
                fault.next -= 1
