"""Fault switches of the intakes: what a receiver does wrong, how often, and to which event.

A fault fires with a probability, or for the next N requests; draws come from a seed, so a run repeats itself.
Set from the command line (`--faults splunk/error:next=3`), or by POST /_intakes/NAME/faults while it runs.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from random import Random
from threading import Lock
from typing import Any

from sandbox.faults import FaultError

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
_NUMBERS = ("next", "skip", "status", "code", "number")


@dataclass(slots=True)
class IntakeFault:
    """One switch that is on.

    probability: chance per request; next: how many more requests it hits; skip: how many pass unharmed first;
    seconds, status, code, number, id: the fault's own size. `id` hits only requests with that event in them.
    """

    kind: str
    probability: float = 1.0
    next: int | None = None
    skip: int = 0
    seconds: float | None = None
    status: int | None = None
    code: int | None = None
    number: int | None = None
    id: str | None = None

    @classmethod
    def of(cls, description: dict[str, Any], known: dict[str, str]) -> IntakeFault:
        """A checked fault from its JSON form; `known` are the kinds of that receiver. Raises FaultError."""
        kind = description.get("kind")
        if kind not in known:
            raise FaultError(f"unknown fault {kind!r}; known are {', '.join(known)}")
        unknown = set(description) - set(cls.__slots__)
        if unknown:
            raise FaultError(f"{kind}: unknown setting {sorted(unknown)}; known are {', '.join(cls.__slots__)}")
        try:
            fault = cls(**{name: _coerce(name, value) for name, value in description.items()})
        except (TypeError, ValueError):
            raise FaultError(f"{kind}: {', '.join((*_NUMBERS, 'seconds', 'probability'))} are numbers") from None
        if not 0 <= fault.probability <= 1:
            raise FaultError(f"{kind}: probability must be from 0 to 1, not {fault.probability}")
        return fault

    def describe(self) -> dict[str, Any]:
        """The JSON form, without settings that are not set."""
        return {name: value for name, value in asdict(self).items() if value is not None}


def parse(text: str) -> list[tuple[str, dict[str, Any]]]:
    """`splunk/error:next=3,datadog/retry_after:0.05` as pairs of intake and fault. Raises FaultError."""
    found = []
    for item in filter(None, text.split(",")):
        where, *settings = item.strip().split(":")
        intake, slash, kind = where.partition("/")
        if not slash:
            raise FaultError(f"{where!r} names no intake; write INTAKE/KIND, for example splunk/error:next=3")
        description: dict[str, Any] = {"kind": kind}
        for setting in settings:
            name, equals, value = setting.partition("=")
            description |= {name: value} if equals else {"probability": name}
        found.append((intake, description))
    return found


def _coerce(name: str, value: Any) -> Any:
    if value is None or name in ("kind", "id"):
        return value
    return int(value) if name in _NUMBERS else float(value)


class IntakeFaults:
    """The faults of one intake. Safe to change from another thread while the server runs."""

    def __init__(self, seed: str, known: dict[str, str]) -> None:
        self.known = known
        self._random = Random(seed)
        self._on: list[IntakeFault] = []
        self._lock = Lock()

    def on(self, kind: str, **settings: Any) -> IntakeFault:
        """Switch a fault on, e.g. `faults.on("error", next=2)`. Raises FaultError."""
        fault = IntakeFault.of({"kind": kind, **settings}, self.known)
        with self._lock:
            self._on.append(fault)
        return fault

    def clear(self) -> None:
        with self._lock:
            self._on.clear()

    def describe(self) -> list[dict[str, Any]]:
        with self._lock:
            return [fault.describe() for fault in self._on]

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

    def _fires(self, fault: IntakeFault) -> bool:
        if fault.next == 0:
            return False
        if fault.skip > 0:
            fault.skip -= 1
            return False
        if fault.probability < 1 and self._random.random() >= fault.probability:
            return False
        if fault.next is not None:
            fault.next -= 1
        return True
