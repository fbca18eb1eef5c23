"""What happens in a trial, drawn from its seed: steps with their faults, as plain data that can be cut and
written down.

Promise: a step means the same whatever was cut around it, so that a failing plan can be made smaller.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from random import Random

from tests.simulation.world import KINDS, Fault

CHANGES = ("restate", "reorder", "withdraw", "bring back", "redact", "late")
CHANGES_OF_COST = ("publish", "amount", "amount", "row comes", "row gone")
STRANGERS = ("hello", "{", "of another log", '{"v": 2}')


@dataclass(frozen=True)
class Writer:
    """One process of a step. dies_at: number of its operation at which it is killed, and whether before its
    effect.
    """

    dies_at: tuple[int, bool] | None = None
    skew: float = 0.0


@dataclass(frozen=True)
class Step:
    """do: pull (what is due), range (days again), deliver, forward (whoever waits at the queue), rotate, adopt,
    import, hold, release, spend, close, reopen, change (of the feed), publish (of cost), stranger (a message in
    the queue), wait. number: its own source of chance. stale: seconds by which listings lag. changes: what the
    vendor does to the past at which request."""

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
    """cache: whether the machine keeps its local copy of the state. deliver: whether there is a destination, of
    events or (alerts) of alerts. queue: whether commits are announced to a queue. books: cost and its months
    instead of the feed."""

    seed: int
    steps: tuple[Step, ...]
    page_limit: int = 4
    day: int = 0
    hour: int = 6
    cache: bool = False
    deliver: bool = False
    queue: bool = False
    books: bool = False
    alerts: bool = False

    def as_text(self) -> str:
        """One line for each step, with what goes wrong in it."""
        lines = [
            f"seed {self.seed}: page limit {self.page_limit}, begins on day {self.day} at {self.hour}:20"
            + (", with a local cache" if self.cache else "")
            + (f", with a destination of {'alerts' if self.alerts else 'events'}" if self.deliver else "")
            + (", with a queue" if self.queue else "")
            + (", cost and its months" if self.books else "")
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
    if rng.random() < 0.08:
        return _of_books(rng, seed)
    deliver = rng.random() < 0.2
    queue = deliver and rng.random() < 0.4
    weights = {
        "pull": 10, "range": 3, "rotate": 1, "adopt": 1, "change": 3, "wait": 3, "import": 0.7, "hold": 0.7,
        "release": 0.3, "deliver": (6 if queue else 12) * deliver, "forward": 9 * queue, "stranger": 2 * queue,
    }  # fmt: skip
    count = rng.randint(2, 5)
    steps = tuple(_step(rng, number, weights) for number in range(count))
    if deliver and not any(step.do in ("deliver", "forward") for step in steps):
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
        queue=queue,
        # from a source of its own, so that every other seed stays what it was
        alerts=deliver and not queue and Random(f"alerts {seed}").random() < 0.4,
    )


def _of_books(rng: Random, seed: int) -> Plan:
    """Cost, two months of it, restated, closed and reopened."""
    weights = {"spend": 8, "publish": 5, "close": 5, "reopen": 2, "wait": 2, "rotate": 0.5}
    count = rng.randint(3, 6)
    steps = (Step("spend", count), *(_step(rng, number, weights) for number in range(count)))
    return Plan(
        seed,
        steps,
        page_limit=rng.choice((2, 3, 12)),
        day=rng.choice((0, 15, 20)),
        hour=rng.choice((0, 6, 23)),
        books=True,
    )


def _step(rng: Random, number: int, weights: Mapping[str, float]) -> Step:
    do = rng.choices(list(weights), list(weights.values()))[0]
    if do == "change":
        return Step(do, number, what=rng.choice(CHANGES))
    if do == "publish":
        return Step(do, number, what=rng.choice(CHANGES_OF_COST))
    if do == "stranger":
        return Step(do, number, what=rng.choice(STRANGERS))
    if do == "wait":
        hours = (0.01, 0.1, 0.35, 3, 20, *((72, 24 * 16) if "spend" in weights else ()))
        return Step(do, number, seconds=3600 * rng.choice(hours))
    two = rng.random() < 0.35
    writers = tuple(_writer(rng) for _ in range(1 + two))
    faults = tuple(_faults(rng, do, "forward" in weights and weights["forward"] > 0))
    changing = CHANGES_OF_COST if do == "spend" else CHANGES
    changes = tuple(
        (rng.randint(1, 10), rng.choice(changing))
        for _ in range(rng.choice((0, 0, 0, 1, 2)))
        if do in ("pull", "range", "spend")
    )
    stale = rng.choice((0, 0, 0, 0, 20, 300))
    return Step(do, number, writers, faults, changes, stale, what=rng.choice(("", "first", "all")))


def _writer(rng: Random) -> Writer:
    dies = (rng.randint(1, 12 if rng.random() < 0.2 else 110), rng.random() < 0.5) if rng.random() < 0.45 else None
    skew = rng.choice((0.0, 0.0, 0.0, 0.0, 40.0, -40.0, 4000.0, -4000.0, 90_000.0, -90_000.0))
    return Writer(dies, skew)


def _faults(rng: Random, do: str, queue: bool) -> Iterator[Fault]:
    devices: tuple[str, ...] = ("store",)
    if do in ("pull", "range", "spend"):
        devices = ("store", "vendor", "queue") if queue else ("store", "vendor")
    elif do == "deliver":
        devices = ("store", "siem", "siem", "siem")
    elif do == "forward":
        devices = ("store", "siem", "siem", "queue")
    for _ in range(rng.choice((0, 0, 1, 1, 2, 4))):
        device = rng.choice(devices)
        most = {"store": 110, "vendor": 14, "siem": 12, "queue": 4}[device]
        yield device, rng.randint(1, most), rng.choice(KINDS[device])
    lasts = {"deliver": 0.4, "forward": 0.4, "spend": 0.2}.get(do, 0.05)
    if rng.random() < lasts:  # the disk stays full, the API or the receiver stays down
        lasting = (("siem", "error 503"), ("siem", "refused connection"), ("siem", "lost answer"))
        if do not in ("deliver", "forward"):
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
    if plan.queue and not any(step.do == "forward" for step in plan.steps):
        yield replace(plan, queue=False)
    if plan.deliver and not any(step.do in ("deliver", "forward") for step in plan.steps):
        yield replace(plan, deliver=False, alerts=False)


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
