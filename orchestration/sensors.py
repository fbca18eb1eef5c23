"""What is watched between schedules: runs that fail, checks that fail, export files that arrive.

Promise: a human is told once per incident. A job that goes on failing is one incident until it succeeds; a
check is one until it passes again, gets worse, or counts more than it did.
"""

import json
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
from dagster._core.execution.plan.objects import StepFailureData
from dagster._core.storage.dagster_run import RunsFilter

from assets.verdict_results import last_evaluation
from orchestration.alerting import tell
from orchestration.schedules import export_import

_RUNNING = dg.DefaultSensorStatus.RUNNING
_ORDER = {"WARN": 1, "ERROR": 2}


@dg.run_failure_sensor(
    default_status=_RUNNING,
    minimum_interval_seconds=30,
    description="Tells a human of a run that failed, once, with what to do.",
)
def failed_runs(context: dg.RunFailureSensorContext) -> None:
    """Tell of a run that failed, unless the run of its job before it had failed too."""
    run = context.dagster_run
    if _failed_before(context.instance, run):
        context.log.info(f"{run.job_name} still fails; a human has been told")
        return
    data = [event.event_specific_data for event in context.get_step_failure_events()]
    causes = [_cause(failure) for failure in data if isinstance(failure, StepFailureData)]
    text = causes[0] if causes else context.failure_event.message or "no reason was recorded"
    tell(context.log, severity="ERROR", subject=f"{run.job_name} failed (run {run.run_id})", text=text)


def _cause(failure: StepFailureData) -> str:
    """What a person is told: our own words where we had some, else the first error's, without its traceback."""
    said = failure.user_failure_data
    if said is not None and said.description:
        return said.description
    error = failure.error
    while error is not None and error.cause is not None:
        error = error.cause
    return error.message if error is not None else failure.error_display_string


def _failed_before(instance: dg.DagsterInstance, run: dg.DagsterRun) -> bool:
    """Whether the newest finished run of the same job before this one had failed. Backfills stand for
    themselves."""
    if run.job_name.startswith("__"):
        return False
    done = RunsFilter(job_name=run.job_name, statuses=[dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE])
    runs = [other for other in instance.get_runs(done, limit=10) if other.run_id != run.run_id]
    return bool(runs) and runs[0].status == dg.DagsterRunStatus.FAILURE


@dg.sensor(
    default_status=_RUNNING,
    minimum_interval_seconds=60,
    description="Tells a human of checks that begin to fail, get worse, or count more than at the last word.",
)
def failing_checks(context: dg.SensorEvaluationContext) -> dg.SkipReason:
    """Tell of asset checks that have begun to fail, got worse, or count more than when a human was last told."""
    assert context.repository_def is not None
    keys = list(context.repository_def.asset_graph.asset_check_keys)
    told: dict[str, list[int]] = json.loads(context.cursor or "{}")
    for key in keys:
        name = f"{key.asset_key.to_user_string()}: {key.name}"
        found = _standing(last_evaluation(context.instance, key))
        if found is None:
            continue
        badness, text = found
        if badness[0] == 0:
            if told.pop(name, None):
                context.log.info(f"{name} passes again")
        elif badness > told.get(name, [0, 0]):
            severity = "ERROR" if badness[0] == _ORDER["ERROR"] else "WARN"
            if tell(context.log, severity=severity, subject=name, text=text):
                told[name] = badness
    context.update_cursor(json.dumps(told, sort_keys=True))
    return dg.SkipReason(f"{len(told)} of {len(keys)} checks fail, and a human has been told of each")


def _standing(evaluation: dg.AssetCheckEvaluation | None) -> tuple[list[int], str] | None:
    """How bad a check stands, `[severity, count]` with `[0, 0]` for good; None before its first evaluation."""
    if evaluation is None:
        return None
    if evaluation.passed:
        return [0, 0], ""
    total = evaluation.metadata.get("total")
    count = int(str(total.value)) if total is not None else 0
    return [_ORDER[evaluation.severity.value], count], evaluation.description or ""


def export_files(folder: Path) -> dg.SensorDefinition:
    """A sensor that imports each audit-log export laid into `folder`, once."""

    @dg.sensor(
        name="export_files",
        job=export_import,
        default_status=_RUNNING,
        minimum_interval_seconds=60,
        description="Imports each file of the console's audit-log export that is laid into the folder exports/.",
    )
    def arrived(context: dg.SensorEvaluationContext) -> Iterator[dg.RunRequest | dg.SkipReason]:
        files = sorted(path for path in folder.glob("*") if path.is_file()) if folder.is_dir() else []
        if not files:
            yield dg.SkipReason(f"no file in {folder}")
        for path in files:
            seen = path.stat()
            yield dg.RunRequest(
                run_key=f"{path.name}-{seen.st_size}-{seen.st_mtime_ns}",
                run_config={"ops": {"audit_export_rows": {"config": {"files": [str(path)]}}}},
            )

    return arrived
