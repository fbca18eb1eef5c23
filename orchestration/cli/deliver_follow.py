"""`ledgerline deliver --follow` with a queue: deliver when a claim check comes and each minute, until interrupted.

Promise: on SIGINT or SIGTERM what is on its way is put on record first. `--json` prints a line for each round that
has news.
"""

import logging
import signal
import threading
from collections.abc import Sequence
from contextlib import suppress
from types import FrameType

from assets.claims import Forwarded
from assets.claims import follow as follow_claims
from assets.workshop import Workshop
from orchestration.alerting import tell
from orchestration.cli.deliver import as_dict, show
from orchestration.cli.output import Output, counted, to_json
from warehouse.delivery.engine import Report


def follow(workshop: Workshop, names: Sequence[str], output: Output) -> int:
    """Forward until interrupted. 1 when an event or message became dead, or a destination stands still."""
    assert workshop.queue is not None
    log, stop = logging.getLogger("ledgerline"), threading.Event()

    def end(_number: int, _frame: FrameType | None) -> None:
        stop.set()
        raise KeyboardInterrupt  # a delivery under way puts on record what it has, and ends

    before = {number: signal.signal(number, end) for number in (signal.SIGINT, signal.SIGTERM)}
    queue = workshop.queue()
    last: dict[str, Report] = {}
    dead = 0

    def told(done: Forwarded) -> None:
        nonlocal dead
        dead += done.dead + sum(report.dead for report in done.reports)
        news = [one for one in done.reports if one.selected or _trouble(one) != _trouble(last.get(one.name))]
        last.update({report.name: report for report in done.reports})
        if output.json and (news or done.claims or done.poison):
            row = {"claims": done.claims, "unusable": done.poison, "destinations": [as_dict(one) for one in news]}
            print(to_json(row, indent=None), file=output.out, flush=True)
        for reason in done.poison:
            output.line(f"a message in the {queue.name} queue cannot be used: {reason}")
        for report in news:
            show(report, output)

    output.line(f"following the {queue.name} queue for {counted(len(names), 'destination')}; Ctrl-C ends it")
    try:
        with suppress(KeyboardInterrupt):
            follow_claims(
                workshop,
                queue,
                lambda subject, text: tell(log, severity="ERROR", subject=subject, text=text),
                names=names,
                stop=stop,
                each=told,
            )
    finally:
        queue.close()
        for number, handler in before.items():
            signal.signal(number, handler)
    return 1 if dead or any(_trouble(one) for one in last.values()) else 0


def _trouble(report: Report | None) -> str:
    """Why a destination stopped; empty where it did not, or where we were interrupted."""
    said = str(report.stopped.reason) if report is not None and report.stopped is not None else ""
    return "" if said == "stopped by hand" else said
