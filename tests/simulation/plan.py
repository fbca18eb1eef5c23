"""What happens in a trial, drawn from its seed: steps with their faults, as plain data that can be cut and
written down.

Promise: a step means the same whatever was cut around it, so that a failing plan can be made smaller.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from random import Random

from tests.simulation.world import KINDS, Fault

CHANGES = ("restate", "reorder", "withdraw", "bring back", "redact", "late")


@dataclass(frozen=True)
class Writer:
    """One process of a step. dies_at: number of its operation at which it is killed, and whether before its
    effect.
    """

    dies_at: tuple[int, bool] | None = None
    skew: float = 0.0


@dataclass(frozen=True)
class Step:
    """do: pull (what is due), range (days again), deliver, rotate, adopt, change, wait. number: its own source of
    chance. stale: seconds by which listings lag. changes: what the vendor does to the past at which request."""

    do: str
    number: int
    writers: tuple[Writer, ...] = (Writer(),)
    faults: tuple[Fault, ...] = ()
    changes: tuple[tuple[int, str], ...] = ()
    stale: float = 0.0
    seconds: float = 0.0
    what: str = ""


@dataclass(frozen=True)
class Plan:
    """cache: whether the machine keeps its local copy of the state. deliver: whether there is a destination."""

    seed: int
    steps: tuple[Step, ...]
    page_limit: int = 4
    day: int = 0
    hour: int = 6
    cache: bool = False
    deliver: bool = False

    def as_text(self) -> str:
        """One line for each step, with what goes wrong in it."""
        lines = [
            f"seed {self.seed}: page limit {self.page_limit}, begins on day {self.day} at {self.hour}:20"
            + (", with a local cache" if self.cache else "")
            + (", with a destination" if self.deliver else "")
        ]
        for step in self.steps:
            told = {
                name: value
                for name, value in asdict(step).items()
                if value not in ((), 0.0, "", 0) and name not in ("do", "number", "writers")
            }
            writers = [{name: value for name, value in asdict(one).items() if value} for one in step.writers]
            if writers != [{}]:
                told["writers"] = writers
            lines.append(f"  {step.do:8} {json.dumps(told)}")
        return "\n".join(lines)


def draw(seed: int) -> Plan:
    """The plan of a seed."""
    rng = Random(f"plan {seed}")
    deliver = rng.random() < 0.2
    count = rng.randint(2, 5)
    steps = tuple(_step(rng, number, deliver) for number in range(count))
    if deliver and not any(step.do == "deliver" for step in steps):
        steps = (*steps, Step("deliver", count))
    if deliver:  # there is something to deliver, or all of it would wait for the end
        steps = (Step("pull", count + 1), *steps)
    return Plan(
        seed,
        steps,
        page_limit=rng.choice((2, 3, 5, 12)),
        day=rng.choice((0, 0, 1)),
        hour=rng.choice((0, 1, 2, 6, 13, 23)),
        cache=rng.random() < 0.25,
        deliver=deliver,
    )


def _step(rng: Random, number: int, deliver: bool) -> Step:
    do = rng.choices(
        ("pull", "range", "deliver", "rotate", "adopt", "change", "wait"),
        (10, 3, 12 if deliver else 0, 1, 1, 3, 3),
    )[0]
    if do == "change":
        return Step(do, number, what=rng.choice(CHANGES))
    if do == "wait":
        return Step(do, number, seconds=rng.choice((30, 300, 1200, 3 * 3600, 20 * 3600)))
    two = rng.random() < 0.35
    writers = tuple(_writer(rng) for _ in range(1 + two))
    faults = tuple(_faults(rng, do))
    changes = tuple(
        (rng.randint(1, 10), rng.choice(CHANGES)) for _ in range(rng.choice((0, 0, 0, 1, 2))) if do != "deliver"
    )
    stale = rng.choice((0, 0, 0, 0, 20, 300))
    return Step(do, number, writers, faults, changes, stale, what=rng.choice(("", "first", "all")))


def _writer(rng: Random) -> Writer:
    dies = (rng.randint(1, 12 if rng.random() < 0.2 else 110), rng.random() < 0.5) if rng.random() < 0.45 else None
    skew = rng.choice((0.0, 0.0, 0.0, 0.0, 40.0, -40.0, 4000.0, -4000.0, 90_000.0, -90_000.0))
    return Writer(dies, skew)


def _faults(rng: Random, do: str) -> Iterator[Fault]:
    devices = {
        "pull": ("store", "vendor"),
        "range": ("store", "vendor"),
        "deliver": ("store", "siem", "siem", "siem"),
    }
    for _ in range(rng.choice((0, 0, 1, 1, 2, 4))):
        device = rng.choice(devices.get(do, ("store",)))
        most = {"store": 110, "vendor": 14, "siem": 12}[device]
        yield device, rng.randint(1, most), rng.choice(KINDS[device])
    if rng.random() < (
        0.4 if do == "deliver" else 0.05
    ):  # the disk stays full, the API or the receiver stays down
        lasting = (("siem", "error 503"), ("siem", "refused connection"), ("siem", "lost answer"))
        if do != "deliver":
            lasting = (("store", "full"), ("vendor", "error 503"), ("vendor", "refused connection"))
        device, kind = rng.choice(lasting)
        begin = rng.randint(1, 60 if device == "store" else 6)
        for number in range(begin, begin + 60):
            yield device, number, kind


Fails = Callable[[Plan], bool]


def shrunk(plan: Plan, fails: Fails, tries: int = 250) -> Plan:
    """A smaller plan that still fails: steps, writers, faults, changes and settings taken away one by one."""
    left = [tries]

    def still(smaller: Plan) -> bool:
        left[0] -= 1
        return left[0] >= 0 and fails(smaller)

    changed = True
    while changed and left[0] > 0:
        changed = False
        for smaller in _smaller(plan):
            if still(smaller):
                plan, changed = smaller, True
                break
    return plan


def _smaller(plan: Plan) -> Iterator[Plan]:
    for at in range(len(plan.steps)):
        yield replace(plan, steps=plan.steps[:at] + plan.steps[at + 1 :])
    for at, step in enumerate(plan.steps):
        for simpler in _simpler(step):
            yield replace(plan, steps=(*plan.steps[:at], simpler, *plan.steps[at + 1 :]))
    if plan.cache:
        yield replace(plan, cache=False)
    if plan.deliver and not any(step.do == "deliver" for step in plan.steps):
        yield replace(plan, deliver=False)


def _simpler(step: Step) -> Iterator[Step]:
    if len(step.faults) > 4:
        half = len(step.faults) // 2
        yield replace(step, faults=step.faults[:half])
        yield replace(step, faults=step.faults[half:])
    else:
        for at in range(len(step.faults)):
            yield replace(step, faults=step.faults[:at] + step.faults[at + 1 :])
    for at in range(len(step.changes)):
        yield replace(step, changes=step.changes[:at] + step.changes[at + 1 :])
    if len(step.writers) > 1:
        for writer in step.writers:
            yield replace(step, writers=(writer,))
    for at, writer in enumerate(step.writers):
        for simpler in (Writer(None, writer.skew), Writer(writer.dies_at, 0.0)):
            if simpler != writer:
                yield replace(step, writers=(*step.writers[:at], simpler, *step.writers[at + 1 :]))
    if step.stale:
        yield replace(step, stale=0.0)
    if step.what and step.do != "change":
        yield replace(step, what="")
