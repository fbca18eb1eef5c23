"""Many seeds on all cores, and what is told of a seed that fails: a smaller plan, its trace, and how to see it
again.
"""

from __future__ import annotations

import json
import os
import re
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from multiprocessing import get_context
from pathlib import Path

import msgspec

from tests.simulation.mutations import MUTATIONS
from tests.simulation.plan import Plan, draw, shrunk
from tests.simulation.reaching import reached
from tests.simulation.trial import Outcome, run

REGRESSIONS = Path(__file__).with_name("regressions.jsonl")
_AT_ONCE = 25
_TRACE_LINES = 80
_READING = re.compile(r"store \d+: (get|head|list) [^*]*$")  # what only reads, and goes well


@dataclass
class Tally:
    """What a campaign came to."""

    seeds: int = 0
    seconds: float = 0.0
    failed: dict[int, str] = field(default_factory=dict)
    happened: Counter[str] = field(default_factory=Counter)


def regressions() -> list[tuple[str, Plan]]:
    """Plans that once failed, each with what was wrong then."""
    lines = REGRESSIONS.read_text(encoding="utf-8").splitlines()
    return [(one["what"], msgspec.convert(one["plan"], Plan)) for one in map(json.loads, lines)]


def explore(seeds: Iterable[int], *, mutation: str | None = None, seconds: float | None = None) -> Tally:
    """Run seeds in this process until one fails, they end, or the time is up. A seed whose plan cannot show the
    planted fault counts, and is not run."""
    tally, began = Tally(), time.monotonic()
    for seed in seeds:
        if seconds is not None and time.monotonic() - began > seconds:
            break
        plan = draw(seed)
        tally.seeds += 1
        if not reached(mutation, plan):
            continue
        outcome = run_with(plan, mutation)
        tally.happened.update(outcome.figures)
        if outcome.violation is not None:
            tally.failed[seed] = outcome.violation
            break
    tally.seconds = time.monotonic() - began
    return tally


def run_with(plan: Plan, mutation: str | None = None, *, trace: bool = False) -> Outcome:
    """A trial of the pipeline as it is, or with one of the planted faults."""
    with ExitStack() as stack:
        if mutation is not None:
            stack.enter_context(MUTATIONS[mutation]())
        return run(plan, trace=trace)


def explore_widely(first: int, count: int, *, seconds: float | None = None, workers: int | None = None) -> Tally:
    """The same with a process for each core; a failing seed does not stop the others."""
    whole, began = Tally(), time.monotonic()
    workers = workers or len(os.sched_getaffinity(0))
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        parts = _parts(first, count)
        waiting = [pool.submit(_part, *part) for _, part in zip(range(workers * 2), parts, strict=False)]
        while waiting:
            part = waiting.pop(0).result()
            whole.seeds += part.seeds
            whole.failed.update(part.failed)
            whole.happened.update(part.happened)
            late = seconds is not None and time.monotonic() - began > seconds
            if not late and not whole.failed and (more := next(parts, None)) is not None:
                waiting.append(pool.submit(_part, *more))
    whole.seconds = time.monotonic() - began
    return whole


def _parts(first: int, count: int) -> Iterator[tuple[int, int]]:
    for begin in range(first, first + count, _AT_ONCE):
        yield begin, min(begin + _AT_ONCE, first + count)


def _part(begin: int, end: int) -> Tally:
    tally = Tally()
    for seed in range(begin, end):
        one = explore([seed])
        tally.seeds += one.seeds
        tally.failed.update(one.failed)
        tally.happened.update(one.happened)
    return tally


def explained(seed: int, mutation: str | None = None) -> str:
    """A failing seed for somebody who has to mend it: the smallest plan that fails in the same way, and its
    trace.
    """
    plan = draw(seed)
    violation = run_with(plan, mutation).violation
    if violation is None:
        return f"seed {seed} does not fail"
    kind = _kind(violation)
    small = shrunk(plan, lambda one: _kind(run_with(one, mutation).violation or "") == kind)
    outcome = run_with(small, mutation, trace=True)
    planted = f" --planted {mutation}" if mutation is not None else ""
    told = [line for line in outcome.trace if not _READING.search(line)]
    left = len(told) - _TRACE_LINES
    return "\n".join(
        [
            f"seed {seed}: {violation}",
            f"again: python -m tests.simulation --seed {seed}{planted} --trace",
            "",
            "the smallest plan that fails so:",
            small.as_text(),
            "",
            "the same for regressions.jsonl:",
            json.dumps({"what": "", "plan": asdict(small)}),
            "",
            f"it ends with: {outcome.violation}",
            "",
            *([f"(the first {left} writes and questions are left out)"] if left > 0 else []),
            *told[-_TRACE_LINES:],
        ]
    )


def _kind(violation: str) -> str:
    """The promise, or the kind of error, of a violation."""
    return (
        ":".join(violation.split(":")[:2])
        if violation.startswith("no error")
        else violation.split(":", maxsplit=1)[0]
    )
