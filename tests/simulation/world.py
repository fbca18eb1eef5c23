"""The world outside of the pipeline, as one trial sees it: which operation goes wrong, how, and how long each
takes.

A fault is `(device, number, kind)`: the operation of that number on that device, counted over a step of the plan,
fails in that way. Devices are `store`, `vendor`, `siem` and `queue`. Everything that is not named goes well.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from random import Random

from tests.simulation.scheduler import Process, Scheduler

Fault = tuple[str, int, str]

STORE_FAULTS = ("unreachable", "lost answer", "client retried", "denied", "full", "slow")
VENDOR_FAULTS = (
    "refused connection", "timeout", "lost answer", "cut", "torn json", "not a page", "empty and more",
    "former page", "error 500", "error 502", "error 503", "overloaded", "rate limit", "stale cursor", "doubled",
    "slow", )  # fmt: skip
SIEM_FAULTS = ("refused connection", "lost answer", "error 503", "rate limit", "too large", "slow", "unauthorized")
QUEUE_FAULTS = ("unreachable", "lost answer", "twice", "slow")
KINDS = {"store": STORE_FAULTS, "vendor": VENDOR_FAULTS, "siem": SIEM_FAULTS, "queue": QUEUE_FAULTS}


@dataclass
class World:
    """faults: of the step that runs now. stale: seconds for which a listing does not show what was put."""

    scheduler: Scheduler
    rng: Random
    faults: dict[tuple[str, int], str] = field(default_factory=dict)
    counts: Counter[str] = field(default_factory=Counter)
    stale: float = 0.0
    happened: Counter[str] = field(default_factory=Counter)

    def begin(self, faults: list[Fault], stale: float) -> None:
        """A new step of the plan begins."""
        self.faults = {(device, number): kind for device, number, kind in faults}
        self.counts.clear()
        self.stale = stale

    def meet(self, device: str, process: Process, what: str) -> str:
        """One operation begins, and takes its time; returns how it goes wrong ("" where it does not)."""
        self.counts[device] += 1
        kind = self.faults.get((device, self.counts[device]), "")
        slow = kind == "slow"
        if kind:
            self.happened[f"{device}: {kind}"] += 1
        if self.scheduler.trace is not None:
            number = self.counts[device]
            self.scheduler.note(process.name, f"{device} {number}: {what}{f'  ** {kind}' if kind else ''}")
        self.scheduler.wait(seconds=self.rng.uniform(20, 70) if slow else self.rng.uniform(0.001, 0.05))
        return "" if slow else kind
