"""The forwarder in Dagster: a run for what waits in the queue of claim checks, one at a time.

Promise: with no queue, or nothing in it, no run is made. What a lost claim misses is delivered by the next one,
and by the schedule of the destinations.
"""

from collections.abc import Iterator

import dagster as dg
from dagster._core.storage.dagster_run import NOT_FINISHED_STATUSES, RunsFilter

from assets.claims import forward_once
from assets.failures import told_plainly
from assets.workshop import Workshop
from orchestration.alerting import tell
from orchestration.opening import queue_of
from warehouse.config import Settings
from warehouse.delivery.errors import DeliveryError

_ROUNDS = 20  # of up to ten claims each; what is left is for the next run


@dg.op(description="Deliver what the claims in the queue say, then take them out of it.")
def forward(context: dg.OpExecutionContext, workshop: dg.ResourceParam[Workshop]) -> None:
    """Receive claims until none comes, and deliver what is due."""
    if workshop.queue is None:
        context.log.info("no queue is configured: [delivery] queue is log")
        return
    claims = poison = dead = delivered = 0
    with told_plainly():
        queue = workshop.queue()
        try:
            for _ in range(_ROUNDS):
                done = forward_once(
                    workshop,
                    queue,
                    lambda subject, text: tell(context.log, severity="ERROR", subject=subject, text=text),
                    wait_seconds=1.0,
                )
                claims, poison, dead = claims + done.claims, poison + len(done.poison), dead + done.dead
                delivered += sum(report.delivered for report in done.reports)
                if not done.claims and not done.poison:
                    break
        finally:
            queue.close()
    context.add_output_metadata({"claims": claims, "delivered": delivered, "unusable": poison, "dead": dead})


@dg.job(description="What the queue of claim checks holds, delivered.")
def forward_claims() -> None:
    forward()


def waiting_claims(settings: Settings) -> dg.SensorDefinition:
    """A sensor that starts `forward_claims` when the queue holds something, or does not tell."""

    @dg.sensor(
        name="waiting_claims",
        job=forward_claims,
        default_status=dg.DefaultSensorStatus.RUNNING,
        minimum_interval_seconds=30,
        description="Starts a delivery when a claim check waits in the queue.",
    )
    def waiting(context: dg.SensorEvaluationContext) -> Iterator[dg.RunRequest | dg.SkipReason]:
        opened = queue_of(settings)
        if opened is None:
            yield dg.SkipReason("no queue is configured: [delivery] queue is log")
            return
        unfinished = RunsFilter(job_name=forward_claims.name, statuses=list(NOT_FINISHED_STATUSES))
        if context.instance.get_runs(unfinished, limit=1):
            yield dg.SkipReason("a delivery runs already")
            return
        try:
            queue = opened()
            try:
                count = queue.waiting()
            finally:
                queue.close()
        except DeliveryError as problem:
            yield dg.SkipReason(f"{problem}. {problem.remedy}".rstrip())
            return
        if count == 0:
            yield dg.SkipReason("the queue is empty")
        else:
            yield dg.RunRequest()

    return waiting
