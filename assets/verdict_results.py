"""Verdicts as asset checks: the description says what a failure asks for, the evaluation what was found.

Promise: a check over a count that never falls fails for a week after it last rose and then turns good again, so
that the next rise is seen; the archive's findings (`ledgerline status`) name it for ever.
"""

from collections.abc import Callable
from inspect import getdoc

import dagster as dg
from dagster._core.storage.asset_check_execution_record import AssetCheckExecutionRecordStatus

from assets.verdicts import Verdict, still_news
from assets.workshop import Workshop
from warehouse.wire.times import rfc3339

_DONE = {AssetCheckExecutionRecordStatus.SUCCEEDED, AssetCheckExecutionRecordStatus.FAILED}
_TOTAL, _ROSE_AT = "total", "last rose"


def spec(asset: str, judge: Callable[[Workshop], Verdict]) -> dg.AssetCheckSpec:
    """The check that a verdict function stands for: its name, and its docstring in one paragraph."""
    return dg.AssetCheckSpec(judge.__name__, asset=asset, description=" ".join((getdoc(judge) or "").split()))


def check_result(
    context: dg.AssetCheckExecutionContext, key: dg.AssetCheckKey, verdict: Verdict, workshop: Workshop
) -> dg.AssetCheckResult:
    """A verdict as the evaluation of a check. Bad is WARN, severely bad is ERROR."""
    good, facts = verdict.good, dict(verdict.facts)
    if verdict.total is not None or verdict.good:
        total = verdict.total or 0
        before, rose_at = _last(context, key)
        news, rose_at = still_news(total, before, rose_at, rfc3339(workshop.clock()))
        facts |= {_TOTAL: total, _ROSE_AT: rose_at or "never"} if total or rose_at else {}
        good = verdict.good or not news
    return dg.AssetCheckResult(
        passed=good,
        asset_key=key.asset_key,
        check_name=key.name,
        severity=dg.AssetCheckSeverity.ERROR if verdict.severe else dg.AssetCheckSeverity.WARN,
        description=verdict.text if verdict.good == good else f"Known for more than a week: {verdict.text}",
        metadata=facts,
    )


def _last(context: dg.AssetCheckExecutionContext, key: dg.AssetCheckKey) -> tuple[int, str | None]:
    """The count at this check's last evaluation, and when it had last risen by then."""
    evaluation = last_evaluation(context.instance, key)
    if evaluation is None or _TOTAL not in evaluation.metadata:
        return 0, None
    total, rose_at = evaluation.metadata[_TOTAL].value, evaluation.metadata[_ROSE_AT].value
    return int(str(total)), None if rose_at == "never" else str(rose_at)


def last_evaluation(instance: dg.DagsterInstance, key: dg.AssetCheckKey) -> dg.AssetCheckEvaluation | None:
    """What a check found last; None before its first evaluation. A run in progress does not count yet."""
    storage = instance.event_log_storage
    for record in storage.get_asset_check_execution_history(key, limit=1, status=_DONE):
        return record.evaluation
    return None
