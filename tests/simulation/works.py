"""What a process of a trial can do: the pipeline's own commands, over a bucket, a vendor, a receiver and a queue
in memory.

Promise: everything that a process touches is opened anew for it, as a run does; only the bucket, the machine's
cache folder and the world outside are there before and after.
"""

from __future__ import annotations

import logging
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import cache
from hashlib import sha256
from pathlib import Path
from random import Random
from types import SimpleNamespace
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

import assets.claims
from assets.claims import Announcer, Forwarded
from assets.delivering import deliver
from assets.period_books import bookkeeping
from assets.pulling import pull_activities
from assets.spend_pulling import pull_spend
from assets.workshop import PayerFiles, Workshop
from tests.simulation.api import KEY, Api
from tests.simulation.bucket import Bucket, View
from tests.simulation.claims import Box, SimulatedQueue
from tests.simulation.exports import file_named
from tests.simulation.judge_alerts import RULE
from tests.simulation.ledger import COST_CENTERS, Ledger
from tests.simulation.plan import Plan, Step
from tests.simulation.planting import instead
from tests.simulation.runtime import Runtime
from tests.simulation.scheduler import Process
from tests.simulation.siem import TRIES, Siem
from tests.simulation.vendor import FIRST, Vendor
from tests.simulation.world import World
from warehouse.anthropic.activities import ActivityFeed
from warehouse.anthropic.http import Client
from warehouse.anthropic.patience import Patience
from warehouse.anthropic.spend import SpendReports
from warehouse.anthropic.surfaces import ANALYTICS, COMPLIANCE, Surface
from warehouse.archive.adopt import adopt_orphans
from warehouse.archive.archive import Archive
from warehouse.archive.holds import complete, release_hold, set_hold
from warehouse.archive.rotate import rotate
from warehouse.archive.verify import verify
from warehouse.delivery.patience import Patience as DeliveryPatience
from warehouse.detections import rulebook
from warehouse.detections.rule import Rule, read
from warehouse.finops.periods import Period
from warehouse.tables.activities import Parser
from warehouse.tables.audit_export.committing import finish_imports, import_export
from warehouse.taxonomy import load
from warehouse.wire.times import midnight
from warehouse.wire.windows import Window

_MONTHS = {"": Period(2026, 10), "first": Period(2026, 10), "all": Period(2026, 11)}


@cache
def key_of(number: int) -> Ed25519PrivateKey:
    """The signing key of that number."""
    return Ed25519PrivateKey.from_private_bytes(sha256(b"plainly fake %d" % number).digest())


@cache
def _taxonomy() -> Any:
    return load()


@cache
def _rule() -> Rule:
    """The one rule of a trial: all that ship take seconds."""
    return read(RULE)


class Works:
    """The world of a trial, and what can be done in it, by the name that a step has for it."""

    def __init__(self, plan: Plan, world: World, runtime: Runtime) -> None:
        self.plan, self.world, self.runtime = plan, world, runtime
        scheduler, seed = world.scheduler, plan.seed
        self.bucket = Bucket()
        self.vendor = Vendor(scheduler, world, Random(f"vendor {seed}"), seed)
        self.ledger = Ledger(scheduler, world, Random(f"ledger {seed}"), seed)
        self.siem = Siem(world)
        self.box = Box(lambda: sum(name.startswith("log/entry/") for name in self.bucket.names))
        self.key_number = 0
        self.handed_in: set[str] = set()
        self.forwarders: set[str] = set()  # processes that may say that the queue does not answer
        self.folder: Path | None = None
        self.by_name: dict[str, Callable[[Process, Step], Any]] = {
            "pull": self.pull,
            "range": self.pull,
            "deliver": self.deliver,
            "forward": self.forward,
            "adopt": self.adopt,
            "rotate": self.rotate,
            "import": self.hand_in,
            "hold": self.hold,
            "release": self.release,
            "spend": self.spend,
            "close": self.close,
            "reopen": self.reopen,
        }

    @contextmanager
    def wired(self) -> Iterator[None]:
        """While this lasts, whoever forwards claims delivers to the receiver of this trial, and alerts are of its
        rule."""

        def deliver_here(workshop: Workshop, names: Any = None, *, stop: Any = None) -> Any:
            task = self.world.scheduler.current
            assert task is not None
            return self._deliver(task.process, workshop, names, stop)

        log = logging.getLogger("ledgerline.claims")  # a queue that is down is said, which here is nothing new
        with (
            instead(assets.claims, "deliver", deliver_here),
            instead(rulebook, "load", lambda _folders: [_rule()]),
            instead(log, "disabled", True),
        ):
            yield

    def clean_up(self) -> None:
        if self.folder is not None:
            shutil.rmtree(self.folder, ignore_errors=True)

    # what is opened

    def archive(self, process: Process) -> Archive:
        number = self.key_number
        kept = self.plan.cache or self.plan.deliver or self.plan.books
        archive: Archive

        def announce(entry: Any) -> None:
            if self.plan.queue:
                announcer(entry)

        announcer = Announcer(lambda: SimulatedQueue(self.box, self.world, process), lambda: archive.state.origin)
        archive = Archive(
            View(self.bucket, self.world, process),
            key=lambda: key_of(number),
            clock=process.clock,
            cache=self._folder() / "state" if kept else None,
            writer=process.name,
            on_append=announce,
        )
        return archive

    def _folder(self) -> Path:
        if self.folder is None:
            shared = Path("/dev/shm")
            self.folder = Path(tempfile.mkdtemp(prefix="simulation-", dir=shared if shared.is_dir() else None))
        return self.folder

    def _client(self, process: Process, surface: Surface, api: Api) -> Client:
        client = Client(
            surface,
            base_url="http://127.0.0.1:9",
            key=lambda: KEY,
            writer=process.name,
            patience=Patience(tries=3, longest=60),
            clock=process.clock,
            sleep=self.runtime.sleep,
            monotonic=self.runtime.time.monotonic,
        )
        client._http._transport = api.transport(process)
        return client

    def _workshop(self, process: Process, archive: Archive) -> Workshop:
        feed = self._client(process, COMPLIANCE, self.vendor)
        return Workshop(
            archive=archive,
            feed=ActivityFeed(feed, self.plan.page_limit),
            start=FIRST,
            marts=Path("nowhere"),
            clock=process.clock,
            parser=Parser(_taxonomy()),
            destinations=[self._destination()],
        )

    def _destination(self) -> Any:
        slice = "alerts" if self.plan.alerts else "all"
        return SimpleNamespace(name="soc", type="sim", slice=slice, late=None, batch_events=None, batch_bytes=None)

    def _counting_house(self, process: Process, archive: Archive) -> Workshop:
        """The workshop of cost and its months."""
        mapping = self._folder() / "cost_centers.csv"
        if not mapping.exists():
            mapping.write_text(COST_CENTERS)
        client = self._client(process, ANALYTICS, self.ledger)
        return Workshop(
            archive=archive,
            feed=None,
            start=self.ledger.start,
            marts=Path("nowhere"),
            clock=process.clock,
            spend={"cost": SpendReports(client, "cost", self.plan.page_limit * 8)},
            payers=PayerFiles(cost_centers=mapping, telemetry_cost_centers=False),
        )

    # the feed

    def pull(self, process: Process, step: Step | None) -> None:
        with self.archive(process) as archive:
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

    def deliver(self, process: Process, step: Step | None) -> Any:
        with self.archive(process) as archive:
            return self._deliver(process, self._workshop(process, archive))

    def _deliver(self, process: Process, workshop: Workshop, names: Any = None, stop: Any = None) -> Any:
        return deliver(
            workshop,
            names,
            patience=DeliveryPatience(tries=TRIES),
            load=lambda _type: self.siem.destination(process),
            stop=stop,
        )

    def forward(self, process: Process, step: Step | None) -> Forwarded:
        """One round of whoever waits at the queue."""
        self.forwarders.add(process.name)
        with self.archive(process) as archive:
            workshop = self._workshop(process, archive)
            queue = SimulatedQueue(self.box, self.world, process)
            return assets.claims.forward_once(workshop, queue, self.box.tell)

    # the archive

    def adopt(self, process: Process, step: Step | None) -> None:
        with self.archive(process) as archive:
            adopt_orphans(archive)

    def adopt_all(self, process: Process) -> None:
        with self.archive(process) as archive:
            adopt_orphans(archive, grace=timedelta(0), look_back=timedelta(days=5))

    def rotate(self, process: Process, step: Step | None) -> None:
        """A new key; who is killed on the way does it again, as docs/operations.md says."""
        with self.archive(process) as archive:
            self.key_number += 1
            rotate(archive, key_of(self.key_number))

    def rotated_to(self, process: Process, number: int) -> None:
        with self.archive(process) as archive:
            rotate(archive, key_of(number))

    def hold(self, process: Process, step: Step) -> None:
        days = {"first": (0, 1), "": (0, 2), "all": (1, 9)}[step.what]
        window = Window(*(midnight(FIRST) + timedelta(days=number) for number in days))
        with self.archive(process) as archive:
            set_hold(archive, f"case-{step.what or 'two'}", window, reason="litigation")

    def release(self, process: Process, step: Step) -> None:
        with self.archive(process) as archive:
            release_hold(archive, f"case-{step.what or 'two'}", reason="over")

    def complete_holds(self, process: Process) -> None:
        with self.archive(process) as archive:
            complete(archive)

    def verified(self, process: Process) -> Any:
        return verify(View(self.bucket, self.world, process), deep=True, clock=process.clock)

    def state(self, process: Process) -> Any:
        with self.archive(process) as archive:
            return archive.refresh()

    # files that are handed in

    def hand_in(self, process: Process, step: Step) -> None:
        name = {"first": "one.csv", "": "two.csv", "all": "three.csv"}[step.what]
        self.handed_in.add(name)
        self._import(process, [name])

    def hand_in_again(self, process: Process) -> None:
        """Whoever was told that an import failed does it again."""
        self._import(process, sorted(self.handed_in))

    def _import(self, process: Process, names: list[str]) -> None:
        with self.archive(process) as archive:
            for name in names:
                import_export(archive, file_named(name), name)
            finish_imports(archive)
            archive.settle()

    # cost and its months

    def spend(self, process: Process, step: Step | None) -> None:
        with self.archive(process) as archive:
            workshop = self._counting_house(process, archive)
            again = step is not None and step.what == "all"
            start = midnight(self.ledger.start) if again else None
            try:
                pull_spend(workshop, "cost", start=start)
            finally:
                workshop.spend["cost"].client.close()

    def close(self, process: Process, step: Step) -> None:
        with self.archive(process) as archive:
            workshop = self._counting_house(process, archive)
            if not archive.refresh().size:
                return  # nothing was pulled, so nobody thinks of it
            with bookkeeping(workshop) as desk:
                desk.close(_MONTHS[step.what], by="ana@example.com", reason="the auditors are here", forced=True)

    def reopen(self, process: Process, step: Step) -> None:
        with self.archive(process) as archive:
            workshop = self._counting_house(process, archive)
            if not archive.refresh().size:
                return
            with bookkeeping(workshop) as desk:
                desk.reopen(_MONTHS[step.what], by="ana@example.com", reason="a rule was wrong")

    def open_statements(self, process: Process) -> dict[str, dict[str, Any]]:
        """What the months that are not closed would be now, up to this one."""
        with self.archive(process) as archive:
            workshop = self._counting_house(process, archive)
            with bookkeeping(workshop) as desk:
                months = [Period.of(self.ledger.start)]
                while months[-1] < Period.of(process.clock().date()):
                    months.append(months[-1].next)
                return {
                    str(month): desk.prepare(month).statement.document()
                    for month in months
                    if desk.books.state(month) != "closed"
                }
