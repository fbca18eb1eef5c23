"""The sealed tier: a day that will not change any more, in its final form.

Readers see each row once before, while and after a day is sealed (design section 7); so sealing can be done
late, twice or by two runs at once, and nothing has to wait for it.
"""

from collections.abc import Iterator
from datetime import date, timedelta

import dagster as dg

from assets.anchoring import anchor_checkpoint
from assets.audit import DAYS, GROUP, NIGHTLY, ONE_API_WINDOW, OWNERS, audit_events
from assets.column_schema import table
from assets.day_reports import coverage
from assets.failures import told_plainly
from assets.verdict_results import check_result, spec
from assets.verdicts import Verdict
from assets.workshop import Workshop
from warehouse.archive.state import LogState
from warehouse.tables.fold import STREAM
from warehouse.tables.schema import AUDIT_EVENTS, TABLE
from warehouse.tables.seal import seal_day, sealable_days, write_missing_markers


@dg.asset(
    deps=[audit_events],
    partitions_def=DAYS,
    backfill_policy=ONE_API_WINDOW,
    group_name=GROUP,
    kinds={"parquet"},
    owners=OWNERS,
    tags={"tier": "sealed"},
    freshness_policy=NIGHTLY,
    metadata=table("audit_event_versions", AUDIT_EVENTS),
)
def audit_events_sealed(
    context: dg.AssetExecutionContext, workshop: dg.ResourceParam[Workshop]
) -> dg.MaterializeResult[None]:
    """The final form of a day: its versions sorted by actor and time, in few files kept for the full term.

    - **Source**: `audit_events`.
    - **Grain**: one row per version.
    - **Window**: whole UTC days that are covered without a gap and were read again after they ended (02:30 the
      next morning, or by a backfill).
    - **Promise**: readers see each row once before, while and after a day is sealed; rows that come late make a
      further part.
    """
    with told_plainly():
        write_missing_markers(workshop.archive)
        for text in context.partition_keys:
            day = date.fromisoformat(text)
            reason = why_not_sealed(workshop.archive.refresh(), day, workshop.clock().date())
            sealed = seal_day(workshop.archive, day) if reason is None else None
            context.add_asset_metadata(
                {
                    "sealed": reason or "now",
                    "parts": sealed.parts if sealed else 0,
                    "rows": sealed.rows if sealed else 0,
                    "bytes": sealed.bytes if sealed else 0,
                    "dagster/partition_row_count": _sealed_rows(workshop.archive.state, text),
                },
                partition_key=text,
            )
        workshop.archive.settle()
        for finding in anchor_checkpoint(workshop).findings:
            context.log.warning(f"{finding['code']}: {finding['subject']}: {finding['detail']}")
    return dg.MaterializeResult()


def why_not_sealed(state: LogState, day: date, today: date) -> str | None:
    """Why a day has nothing to seal now, or None where it has."""
    if day in sealable_days(state, today):
        return "not now: a committed pull waits to be folded" if state.stream(STREAM).pending_fold else None
    text = day.isoformat()
    if day >= today:
        return "not yet: the day is not over"
    if not any(file.dt == text for file in state.table(TABLE).recent):
        return "before" if _sealed_rows(state, text) else "nothing to seal: the day has no events"
    whole, covered = coverage(state, day)
    if not whole:
        return f"not yet: covered is only {covered}"
    return "not yet: the day has not been read again after it ended"


def days_are_sealed(workshop: Workshop) -> Verdict:
    """Each day is sealed within two days of its end. When not, the evaluation names days and reasons: fill the
    gap or read the day again by materializing audit_events for it, then materialize audit_events_sealed."""
    state, today = workshop.archive.state, workshop.clock().date()
    overdue = sorted({file.dt for file in state.table(TABLE).recent if file.dt < str(today - timedelta(days=1))})
    facts = {"sealed days": len({file.dt for file in state.table(TABLE).sealed}), "overdue days": len(overdue)}
    if not overdue:
        return Verdict(True, "Every day that ended two days ago or earlier is sealed.", facts=facts)
    named = "; ".join(
        f"{day} ({why_not_sealed(state, date.fromisoformat(day), today) or 'ready'})" for day in overdue[:20]
    )
    return Verdict(
        False, f"{len(overdue)} days are not sealed: {named}. Materialize audit_events_sealed.", facts=facts
    )


@dg.multi_asset_check(name="audit_sealed_checks", specs=[spec("audit_events_sealed", days_are_sealed)])
def audit_sealed_checks(
    context: dg.AssetCheckExecutionContext, workshop: dg.ResourceParam[Workshop]
) -> Iterator[dg.AssetCheckResult]:
    """Whether sealing keeps up."""
    with told_plainly():
        workshop.archive.refresh()
        key = dg.AssetCheckKey(dg.AssetKey("audit_events_sealed"), days_are_sealed.__name__)
        yield check_result(context, key, days_are_sealed(workshop), workshop)


def _sealed_rows(state: LogState, day: str) -> int:
    return sum(file.rows for file in state.table(TABLE).sealed if file.dt == day)
