"""One trial: the pipeline's own code through the steps of a plan, then through a calm end, judged after each step.

Promise: the same plan gives the same trial, on any machine. What the pipeline raises must be one of its own
errors; all else is a violation, as are the judgements of the judges.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from hashlib import sha256
from random import Random
from typing import Any

from tests.simulation.judge import Judge
from tests.simulation.judge_alerts import AlertsJudge
from tests.simulation.judge_books import BooksJudge
from tests.simulation.judge_delivery import DeliveryJudge
from tests.simulation.judge_holds import HoldsJudge
from tests.simulation.judge_imports import ImportsJudge
from tests.simulation.judge_queue import QueueJudge
from tests.simulation.judging import Violation
from tests.simulation.plan import Plan, Step, Writer
from tests.simulation.runtime import Runtime
from tests.simulation.scheduler import Crash, Process, Scheduler, Stuck, Task
from tests.simulation.vendor import FIRST
from tests.simulation.works import Works, key_of
from tests.simulation.world import World
from warehouse.anthropic.errors import AnthropicError
from warehouse.archive.errors import ArchiveError
from warehouse.archive.note import Signer
from warehouse.delivery.errors import DeliveryError, QueueUnreachable
from warehouse.finops.errors import FinopsError

# errors of the pipeline, with words for a user
ITS_OWN = (ArchiveError, AnthropicError, DeliveryError, FinopsError)
_CALM = Writer()
_LATER = 20  # minutes: what the feed shows by then is settled


@dataclass
class Outcome:
    """What became of a trial. `figures` say how much happened in it; the trace is empty unless it was asked
    for.
    """

    plan: Plan
    violation: str | None
    trace: list[str] = field(default_factory=list)
    figures: dict[str, int] = field(default_factory=dict)
    digest: str = ""


def run(plan: Plan, *, trace: bool = False) -> Outcome:
    """Go through a plan. Never raises for what the pipeline does wrong: that is the outcome's `violation`."""
    trial = _Trial(plan, trace)
    violation = None
    try:
        with trial.runtime.running(), trial.works.wired():
            trial.go()
    except Violation as found:
        violation = str(found)
    except Stuck as stuck:
        violation = f"stuck: {stuck}"
    finally:
        trial.works.clean_up()
    return Outcome(
        plan, violation, trial.scheduler.trace or [], dict(trial.world.happened) | trial.figures(), trial.digest()
    )


class _Trial:
    def __init__(self, plan: Plan, trace: bool) -> None:
        self.plan = plan
        begun = datetime.combine(FIRST + timedelta(days=plan.day), time(plan.hour, 20), UTC)
        self.scheduler = Scheduler(Random(f"turns {plan.seed}"), begun, [] if trace else None)
        self.runtime = Runtime(self.scheduler, f"runtime {plan.seed}")
        self.world = World(self.scheduler, Random(f"world {plan.seed}"))
        self.works = works = Works(plan, self.world, self.runtime)
        self.judge = Judge(
            works.bucket,
            works.vendor,
            DeliveryJudge(works.bucket, works.siem),
            BooksJudge(works.bucket, works.ledger),
            ImportsJudge(works.bucket),
            HoldsJudge(works.bucket),
            AlertsJudge(works.bucket) if plan.alerts else None,
        )
        self.queue = QueueJudge(works.box, works.siem)
        self.born = 0
        self.killed = False

    def go(self) -> None:
        for step in self.plan.steps:
            self._draw_from(f"{self.plan.seed}/{step.number}")
            self.scheduler.note("plan", f"--- {step.do} {step.what}")
            self.world.begin(list(step.faults), step.stale)
            self.works.vendor.begin(dict(step.changes))
            self.works.ledger.begin(dict(step.changes))
            self._step(step)
            self._look()
            self.scheduler.pass_time(45)
        self._draw_from(f"{self.plan.seed}/end")
        self._end()

    def _look(self) -> None:
        self.judge.look()
        self.queue.look(self.judge.entries)

    def digest(self) -> str:
        """Of everything in the bucket: two runs of one plan have the same."""
        whole = sha256()
        for name, kept in sorted(self.works.bucket.objects.items()):
            whole.update(name.encode() + kept.data)
        return whole.hexdigest()

    def figures(self) -> dict[str, int]:
        names, judge = self.works.bucket.names, self.judge
        return {
            "entries": sum(name.startswith("log/entry/") for name in names),
            "objects": len(names),
            "rows": judge.row_count,
            "versions of days of cost": sum(number for number, _ in judge.books.newest.values()),
            "months closed": sum(judge.books.numbers.values()),
            "alerts": len(judge.alerts.alerts) if judge.alerts is not None else 0,
            "rows imported": len(judge.imports.rows),
            "claims taken out": len(self.works.box.removed),
            "objects on hold": len(self.works.bucket.held),
        }

    def _draw_from(self, seed: str) -> None:
        works = self.works
        sources = (self.scheduler.rng, self.runtime.rng, self.world.rng, works.vendor.rng, works.ledger.rng)
        for name, source in enumerate(sources):
            source.seed(f"{name}/{seed}")

    def _step(self, step: Step) -> None:
        match step.do:
            case "wait":
                self.scheduler.pass_time(step.seconds)
            case "change":
                self.works.vendor.change(step.what)
            case "publish":
                self.works.ledger.change(step.what)
            case "stranger":
                self.works.box.stranger(step.what)
            case _:
                work = self.works.by_name[step.do]
                self._together(step.writers, lambda process: work(process, step))

    def _together(self, writers: tuple[Writer, ...], work: Callable[[Process], Any]) -> list[Task]:
        """Processes at once, to their ends; an error that is none of the pipeline's own is a violation."""
        processes = []
        for writer in writers:
            self.born += 1
            skew = timedelta(seconds=writer.skew)
            processes.append(Process(f"w{self.born}", self.scheduler, skew, writer.dies_at))
            self.judge.look()
            self.judge.books.begins(processes[-1].name)
        tasks = self.scheduler.together([(one, lambda one=one: work(one)) for one in processes])
        for task in tasks:
            if task.error is None:
                continue
            if isinstance(task.error, Crash):
                self.killed = True
                continue
            self.scheduler.note(task.process.name, f"{type(task.error).__name__}: {task.error}")
            if isinstance(task.error, Violation):
                raise task.error
            if isinstance(task.error, QueueUnreachable) and task.process.name not in self.works.forwarders:
                raise Violation(f"promise 9: a queue that is down fails what only announces: {task.error}")
            if not isinstance(task.error, ITS_OWN):
                raise Violation(f"no error of its own: {type(task.error).__name__}: {task.error}") from task.error
        return tasks

    # the end

    def _end(self) -> None:
        """Calm: clocks right, nothing fails. One run more, and everything must be as promised."""
        self.world.begin([], 0)
        self.works.vendor.begin({})
        self.works.ledger.begin({})
        self._settle_key()
        self.scheduler.pass_time(_LATER * 60)
        works = self.works
        if self.plan.books:
            self._calmly(lambda process: works.spend(process, None))
        else:
            self._calmly(lambda process: works.pull(process, None))
            self._calmly(lambda process: works.pull(process, Step("range", 0, what="all")))
        if works.handed_in:
            self._calmly(works.hand_in_again)
        self._calmly(works.complete_holds)
        if self.plan.queue:
            self._empty_the_queue()
        if self.plan.deliver:
            reports = self._calmly(lambda process: works.deliver(process, None))
            if any(report.stopped for report in reports):
                raise Violation(f"the destination stopped in calm weather: {reports[0].stopped}")
        self.scheduler.pass_time(3600)
        self._calmly(works.adopt_all)
        self._look()
        result = self._calmly(works.verified)
        if result.findings or result.unread:
            raise Violation(f"verify: {[*result.findings, *result.unread][:3]}")
        if self.plan.books:
            self.judge.all_is_stored()
            self.judge.books.finish(self._calmly(works.open_statements))
        else:
            self.judge.finish(self._calmly(works.state), delivered=self.plan.deliver)
        self.judge.imports.finish(works.handed_in)

    def _empty_the_queue(self) -> None:
        """Hidden messages come back, and each round may judge what is no claim once more."""
        for _ in range(12):
            self.works.box.hidden_are_back()
            self._calmly(lambda process: self.works.forward(process, None))
        self.queue.finish(killed=self.killed)

    def _settle_key(self) -> None:
        """A hand-over that was cut short is done again, with the key before at hand; then the one that the log
        names is configured (docs/operations.md)."""
        works = self.works
        state = self._calmly(works.state)
        if state.origin is None:
            return
        numbers = {Signer(state.origin, key_of(n)).verifier.vkey: n for n in range(works.key_number + 1)}
        signed = [numbers[one.public_key] for one in state.signed_from]
        if len(signed) > 1:
            works.key_number = signed[-2]
            self._calmly(lambda process: works.rotated_to(process, signed[-1]))
        works.key_number = signed[-1]

    def _calmly(self, work: Callable[[Process], Any]) -> Any:
        (task,) = self._together((_CALM,), work)
        if task.error is not None:
            with suppress(Crash):
                raise Violation(f"in calm weather: {type(task.error).__name__}: {task.error}") from task.error
        return task.result
