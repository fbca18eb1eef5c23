"""`ledgerline deliver --follow`: deliver what the log adds, or when a claim check comes, until interrupted.

Promise: on SIGINT or SIGTERM what is on its way is put on record first. A destination that stops, or has new dead
letters, is told to a human once. `--json` prints a line for each round that has news.
"""

import logging
import signal
import threading
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from types import FrameType

from assets.claims import Forwarded
from assets.claims import follow as follow_claims
from assets.delivering import BY_HAND
from assets.workshop import Workshop
from orchestration.alerting import tell
from orchestration.cli.deliver import as_dict, show
from orchestration.cli.output import Output, counted, to_json
from warehouse.delivery.chunk import Report
from warehouse.delivery.queues.log import LogQueue

_LOG_SECONDS = 5.0  # the log is asked so often where no queue tells of a commit
_QUEUE_SECONDS = 60.0


def follow(workshop: Workshop, names: Sequence[str], output: Output) -> int:
    """Forward until interrupted. 1 when an event or message became dead, or a destination stands still."""
    log, stop = logging.getLogger("ledgerline"), threading.Event()

    def end(_number: int, _frame: FrameType | None) -> None:
        if stop.is_set():
            raise KeyboardInterrupt  # somebody who asks twice does not want to wait
        stop.set()  # a delivery under way puts on record what it has, and is told

    before = {number: signal.signal(number, end) for number in (signal.SIGINT, signal.SIGTERM)}
    queue = workshop.queue() if workshop.queue is not None else LogQueue(stop)
    told = _Told(log, output, queue.name)
    what = f"the {queue.name} queue" if workshop.queue is not None else "the log"
    output.line(f"following {what} for {counted(len(names), 'destination')}; Ctrl-C ends it")
    try:
        with suppress(KeyboardInterrupt):
            follow_claims(
                workshop,
                queue,
                lambda subject, text: tell(log, severity="ERROR", subject=subject, text=text),
                names=names,
                stop=stop,
                every_seconds=_LOG_SECONDS if workshop.queue is None else _QUEUE_SECONDS,
                each=told.round,
            )
    finally:
        queue.close()
        for number, handler in before.items():
            signal.signal(number, handler)
    return told.code


class _Told:
    """What was said of each round, so that the same trouble is said once, and an alert that nobody heard again."""

    def __init__(self, log: logging.Logger, output: Output, queue: str) -> None:
        self._log, self._output, self._queue = log, output, queue
        self._last: dict[str, Report] = {}
        self._heard: dict[str, str] = {}  # the trouble of each destination that a human was told
        self._unheard: Counter[str] = Counter()  # dead letters that no human was told of yet
        self._dead = 0

    @property
    def code(self) -> int:
        return 1 if self._dead or any(_trouble(one) for one in self._last.values()) else 0

    def round(self, done: Forwarded) -> None:
        """Say what is new; nobody sees the exit code of what does not end."""
        output = self._output
        self._dead += done.dead + sum(report.dead for report in done.reports)
        news = [one for one in done.reports if one.selected or _trouble(one) != _trouble(self._last.get(one.name))]
        if output.json and (news or done.claims or done.poison):
            row = {"claims": done.claims, "unusable": done.poison, "destinations": [as_dict(one) for one in news]}
            print(to_json(row, indent=None), file=output.out, flush=True)
        for reason in done.poison:
            output.line(f"a message in the {self._queue} queue cannot be used: {reason}")
        for report in news:
            show(report, output)
        for report in done.reports:
            self._tell(report)
        self._last.update({report.name: report for report in done.reports})

    def _tell(self, report: Report) -> None:
        name, trouble = report.name, _trouble(report)
        if trouble != self._heard.get(name, ""):
            text = f"{report.stopped} When that is mended: `ledgerline deliver {name}`"
            if not trouble or tell(self._log, severity="ERROR", subject=f"{name} stopped", text=text):
                self._heard[name] = trouble
        self._unheard[name] += report.dead
        if self._unheard[name]:
            text = f"{counted(self._unheard[name], 'event')}; `ledgerline dead-letters {name}` says why"
            if tell(self._log, severity="ERROR", subject=f"{name} has dead letters", text=text):
                self._unheard[name] = 0


def _trouble(report: Report | None) -> str:
    """Why a destination stopped; empty where it did not, or where we were interrupted."""
    said = str(report.stopped.reason) if report is not None and report.stopped is not None else ""
    return "" if said == BY_HAND else said
