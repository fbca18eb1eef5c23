"""One trial: the pipeline's own code through the steps of a plan, then through a calm end, judged after each step.

Promise: the same plan gives the same trial, on any machine. What the pipeline raises must be one of its own
errors; all else is a violation, as are the judgements of `judge`.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from functools import cache
from hashlib import sha256
from pathlib import Path
from random import Random
from types import SimpleNamespace
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from assets.delivering import deliver
from assets.pulling import pull_activities
from assets.workshop import Workshop
from tests.simulation.bucket import Bucket, View
from tests.simulation.judge import Judge, Violation
from tests.simulation.plan import Plan, Step, Writer
from tests.simulation.runtime import Runtime
from tests.simulation.scheduler import Crash, Process, Scheduler, Stuck, Task
from tests.simulation.siem import TRIES, Siem
from tests.simulation.vendor import FIRST, KEY, Vendor
from tests.simulation.world import World
from warehouse.anthropic.activities import ActivityFeed
from warehouse.anthropic.errors import AnthropicError
from warehouse.anthropic.http import Client
from warehouse.anthropic.patience import Patience
from warehouse.anthropic.surfaces import COMPLIANCE
from warehouse.archive.adopt import adopt_orphans
from warehouse.archive.archive import Archive
from warehouse.archive.errors import ArchiveError
from warehouse.archive.note import Signer
from warehouse.archive.rotate import rotate
from warehouse.archive.verify import verify
from warehouse.delivery.errors import DeliveryError
from warehouse.delivery.patience import Patience as DeliveryPatience
from warehouse.tables.activities import Parser
from warehouse.taxonomy import load
from warehouse.wire.times import midnight

ITS_OWN = (ArchiveError, AnthropicError, DeliveryError)  # errors of the pipeline, with words for a user
DESTINATION = SimpleNamespace(name="soc", type="sim", slice="all", late=None, batch_events=None, batch_bytes=None)
_CALM = Writer()


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
        with trial.runtime.running():
            trial.go()
    except Violation as found:
        violation = str(found)
    except Stuck as stuck:
        violation = f"stuck: {stuck}"
    finally:
        trial.close()
    return Outcome(
        plan, violation, trial.scheduler.trace or [], dict(trial.world.happened) | trial.figures(), trial.digest()
    )


@cache
def _key(number: int) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(sha256(b"plainly fake %d" % number).digest())


@cache
def _taxonomy() -> Any:
    return load()


class _Trial:
    def __init__(self, plan: Plan, trace: bool) -> None:
        self.plan = plan
        begun = datetime.combine(FIRST + timedelta(days=plan.day), time(plan.hour, 20), UTC)
        self.scheduler = Scheduler(Random(f"turns {plan.seed}"), begun, [] if trace else None)
        self.runtime = Runtime(self.scheduler, f"runtime {plan.seed}")
        self.world = World(self.scheduler, Random(f"world {plan.seed}"))
        self.vendor = Vendor(self.scheduler, self.world, Random(f"vendor {plan.seed}"), plan.seed)
        self.siem = Siem(self.world)
        self.bucket = Bucket()
        self.judge = Judge(self.bucket, self.vendor, self.siem)
        self.key_number = 0
        self.born = 0
        self.folder: Path | None = None

    def go(self) -> None:
        for step in self.plan.steps:
            self._draw_from(f"{self.plan.seed}/{step.number}")
            self.scheduler.note("plan", f"--- {step.do} {step.what}")
            self.world.begin(list(step.faults), step.stale)
            self.vendor.begin(dict(step.changes))
            self._step(step)
            self.judge.look()
            self.scheduler.pass_time(45)
        self._draw_from(f"{self.plan.seed}/end")
        self._end()

    def close(self) -> None:
        if self.folder is not None:
            shutil.rmtree(self.folder, ignore_errors=True)

    def digest(self) -> str:
        """Of everything in the bucket: two runs of one plan have the same."""
        whole = sha256()
        for name, kept in sorted(self.bucket.objects.items()):
            whole.update(name.encode() + kept.data)
        return whole.hexdigest()

    def figures(self) -> dict[str, int]:
        entries = sum(name.startswith("log/entry/") for name in self.bucket.names)
        return {"entries": entries, "objects": len(self.bucket.names), "rows": self.judge.row_count}

    def _draw_from(self, seed: str) -> None:
        for name, source in enumerate((self.scheduler.rng, self.runtime.rng, self.world.rng, self.vendor.rng)):
            source.seed(f"{name}/{seed}")

    def _step(self, step: Step) -> None:
        if step.do == "wait":
            self.scheduler.pass_time(step.seconds)
        elif step.do == "change":
            self.vendor.change(step.what)
        else:
            works = {
                "pull": self._pull, "range": self._pull, "deliver": self._deliver, "adopt": self._adopt,
                "rotate": self._rotate,
            }  # fmt: skip
            self._together(step.writers, lambda process: works[step.do](process, step))

    def _together(self, writers: tuple[Writer, ...], work: Callable[[Process], Any]) -> list[Task]:
        """Processes at once, to their ends; an error that is none of the pipeline's own is a violation."""
        processes = []
        for writer in writers:
            self.born += 1
            skew = timedelta(seconds=writer.skew)
            processes.append(Process(f"w{self.born}", self.scheduler, skew, writer.dies_at))
        tasks = self.scheduler.together([(one, lambda one=one: work(one)) for one in processes])
        for task in tasks:
            if task.error is None or isinstance(task.error, Crash):
                continue
            self.scheduler.note(task.process.name, f"{type(task.error).__name__}: {task.error}")
            if isinstance(task.error, Violation):
                raise task.error
            if not isinstance(task.error, ITS_OWN):
                raise Violation(f"no error of its own: {type(task.error).__name__}: {task.error}") from task.error
        return tasks

    # what a process does

    def _archive(self, process: Process) -> Archive:
        cache = self._cache() if self.plan.cache or self.plan.deliver else None
        number = self.key_number
        return Archive(
            View(self.bucket, self.world, process),
            key=lambda: _key(number),
            clock=process.clock,
            cache=cache,
            writer=process.name,
        )

    def _cache(self) -> Path:
        if self.folder is None:
            shared = Path("/dev/shm")
            self.folder = Path(tempfile.mkdtemp(prefix="simulation-", dir=shared if shared.is_dir() else None))
        return self.folder / "state"

    def _workshop(self, process: Process, archive: Archive) -> Workshop:
        client = Client(
            COMPLIANCE,
            base_url="http://127.0.0.1:9",
            key=lambda: KEY,
            writer=process.name,
            patience=Patience(tries=3, longest=60),
            clock=process.clock,
            sleep=self.runtime.sleep,
            monotonic=self.runtime.time.monotonic,
        )
        client._http._transport = self.vendor.transport(process)
        return Workshop(
            archive=archive,
            feed=ActivityFeed(client, self.plan.page_limit),
            start=FIRST,
            marts=Path("nowhere"),
            clock=process.clock,
            parser=Parser(_taxonomy()),
            destinations=[DESTINATION],
        )

    def _pull(self, process: Process, step: Step | None) -> None:
        with self._archive(process) as archive:
            workshop = self._workshop(process, archive)
            try:
                if step is not None and step.do == "range":
                    start = midnight(FIRST)
                    end = {"first": start + timedelta(days=1), "": start + timedelta(hours=30)}.get(step.what)
                    pull_activities(workshop, start=start, end=end)
                else:
                    pull_activities(workshop)
            finally:
                workshop.activity_feed().client.close()

    def _deliver(self, process: Process, step: Step | None) -> Any:
        with self._archive(process) as archive:
            workshop = self._workshop(process, archive)
            return deliver(
                workshop,
                patience=DeliveryPatience(tries=TRIES),
                load=lambda _type: self.siem.destination(process),
            )

    def _adopt(self, process: Process, step: Step | None) -> None:
        with self._archive(process) as archive:
            adopt_orphans(archive)

    def _rotate(self, process: Process, step: Step | None) -> None:
        """A new key; who is killed on the way does it again, as docs/operations.md says."""
        with self._archive(process) as archive:
            self.key_number += 1
            rotate(archive, _key(self.key_number))

    # the end

    def _end(self) -> None:
        """Calm: clocks right, nothing fails. One run more, and everything must be as promised."""
        self.world.begin([], 0)
        self.vendor.begin({})
        self._settle_key()
        self.scheduler.pass_time(20 * 60)
        self._calmly(lambda process: self._pull(process, None))
        self._calmly(lambda process: self._pull(process, Step("range", 0, what="all")))
        if self.plan.deliver:
            reports = self._calmly(lambda process: self._deliver(process, None))
            if any(report.stopped for report in reports):
                raise Violation(f"the destination stopped in calm weather: {reports[0].stopped}")
        self.scheduler.pass_time(3600)
        self._calmly(self._adopt_all)
        self.judge.look()
        self._calmly(self._verified)
        with_state = self._calmly(self._state)
        self.judge.finish(with_state, delivered=self.plan.deliver)

    def _settle_key(self) -> None:
        """A hand-over that was cut short is done again, with the key before at hand; then the one that the log
        names is configured (docs/operations.md)."""
        state = self._calmly(self._state)
        if state.origin is None:
            return
        numbers = {Signer(state.origin, _key(n)).verifier.vkey: n for n in range(self.key_number + 1)}
        signed = [numbers[one.public_key] for one in state.signed_from]
        if len(signed) > 1:
            self.key_number = signed[-2]
            self._calmly(lambda process: self._rotated(process, signed[-1]))
        self.key_number = signed[-1]

    def _rotated(self, process: Process, number: int) -> None:
        with self._archive(process) as archive:
            rotate(archive, _key(number))

    def _adopt_all(self, process: Process) -> None:
        with self._archive(process) as archive:
            adopt_orphans(archive, grace=timedelta(0), look_back=timedelta(days=5))

    def _verified(self, process: Process) -> None:
        result = verify(View(self.bucket, self.world, process), deep=True, clock=process.clock)
        if result.findings or result.unread:
            raise Violation(f"verify: {[*result.findings, *result.unread][:3]}")

    def _state(self, process: Process) -> Any:
        with self._archive(process) as archive:
            return archive.refresh()

    def _calmly(self, work: Callable[[Process], Any]) -> Any:
        (task,) = self._together((_CALM,), work)
        if task.error is not None:
            with suppress(Crash):
                raise Violation(f"in calm weather: {type(task.error).__name__}: {task.error}") from task.error
        return task.result
