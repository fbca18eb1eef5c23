"""The audit feed as assets: who did what in Claude, pulled, archived write-once, folded into versions.

A partition is a UTC day of event time. "Materialized" says that a run was there; the checks say whether the day
is whole. Everything an asset knows comes from the archive's log, so a rerun completes what any earlier run
left.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta

import dagster as dg
from pydantic import Field

from assets.code_references import written_here
from assets.column_schema import table
from assets.day_reports import DayReports
from assets.failures import told_plainly
from assets.pull_report import PullReport
from assets.pulling import pull_windows, recover
from assets.run_log import RunLog
from assets.verdict_results import check_result, spec
from assets.verdicts import LATE, OF_THE_FEED, TOO_LATE
from assets.workshop import Workshop
from warehouse.anthropic.planning import due_windows, horizon
from warehouse.tables.fold import STREAM
from warehouse.tables.schema import AUDIT_EVENTS
from warehouse.wire.times import midnight
from warehouse.wire.windows import Window, split_days

GROUP = "audit"
OWNERS = ["team:platform", "team:audit"]
# From the first day there can be anything; orchestration begins them at the configured day.
DAYS = dg.DailyPartitionsDefinition(start_date="2023-01-01", timezone="UTC", end_offset=1)
_PER_RUN = 31
# What is made every night is late when a night was left out.
NIGHTLY = dg.FreshnessPolicy.time_window(fail_window=timedelta(hours=50), warn_window=timedelta(hours=26))
ONE_API_WINDOW = dg.BackfillPolicy.multi_run(max_partitions_per_run=_PER_RUN)

activity_feed = dg.AssetSpec(
    "activity_feed",
    metadata=written_here(),
    owners=OWNERS,
    group_name="vendor",
    kinds={"anthropic", "api"},
    description="The Activity Feed of the Compliance API, `GET /v1/compliance/activities`: 514 listed event "
    "types and whatever the vendor adds, kept there for six years, shown about a minute after "
    "they happen.",
)

audit_pages = dg.AssetSpec(
    "audit_pages",
    metadata={**written_here(), "dagster/table_name": "audit_pages"},
    deps=[activity_feed],
    partitions_def=DAYS,
    group_name=GROUP,
    kinds={"json", "zstd"},
    owners=OWNERS,
    tags={"tier": "evidence"},
    description="""Every response of the feed, byte for byte as it was served.

- **Source**: `activity_feed`. Written by the runs that materialize `audit_events`, which report it here.
- **Grain**: one object per page; one log entry per window `[start, end)`.
- **Promise**: no archived byte ever changes; a later pull adds. SQL: `audit_pages`, `log_entries`.""",
)


class PullRun(dg.Config):
    """How a run reads its days."""

    only_due: bool = Field(
        default=False,
        description="Read only what is due (what came since the newest window, and holes before it) instead "
        "of the whole days. The five-minute tail sets this.",
    )


@dg.asset(
    deps=[audit_pages],
    partitions_def=DAYS,
    backfill_policy=ONE_API_WINDOW,
    pool="compliance_api",
    group_name=GROUP,
    kinds={"parquet"},
    owners=OWNERS,
    tags={"tier": "recent"},
    freshness_policy=dg.FreshnessPolicy.time_window(fail_window=TOO_LATE, warn_window=LATE),
    metadata=table("audit_events", AUDIT_EVENTS),
)
def audit_events(
    context: dg.AssetExecutionContext, config: PullRun, workshop: dg.ResourceParam[Workshop]
) -> dg.MaterializeResult[None]:
    """Who did what in Claude: every version of every event of the Activity Feed.

    - **Source**: `audit_pages`, read from the Compliance API with the scope `read:compliance_activities`.
    - **Grain**: one row per version of an event. In SQL `audit_events` shows the current ones,
      `audit_event_versions` all, `audit_events_as_of(ts)` those known at a time. Count `audit_events`,
      never versions.
    - **Window**: whole UTC days, newest first, up to two minutes ago. The tail reads from ten minutes before the
      newest window on, every five minutes.
    - **Promise**: every record served is kept; a changed or withdrawn one is a new version; what a killed run left
      is completed by the next.
    """
    with told_plainly():
        days, archive = DayReports(context.partition_keys), workshop.archive
        left = PullReport()
        recover(workshop, left)
        if left.seqs:
            context.log.info(f"finished what an earlier run left: entries {left.seqs}")
        windows = _windows(
            workshop, context.partition_time_window.start, context.partition_time_window.end, config
        )
        progress = RunLog(context.log)
        progress.start(len(windows))
        for window, report in pull_windows(workshop, windows, progress=progress):
            days.add(window, report)
        archive.settle()
        not_tried = days.not_tried
        if windows and len(days.failed) + not_tried == len(windows):
            raise dg.Failure(
                f"None of the {len(windows)} windows could be read; the newest: {days.failed[-1]['error']}",
                allow_retries=False,
            )
        for day in days:
            facts = days.metadata(day, archive.state)
            context.log_event(dg.AssetMaterialization("audit_pages", partition=day, metadata=facts))
            if day in days.asked:
                context.add_asset_metadata(facts, partition_key=day)
            else:  # a hole that the tail filled on another day than the one it runs for
                context.log_event(dg.AssetMaterialization("audit_events", partition=day, metadata=facts))
        if not_tried:  # the days of these windows must not count as done
            raise dg.Failure(
                f"The server could not be reached any more, so {not_tried} more windows were not tried: "
                f"{days.failed[-1]['error']}",
                allow_retries=False,
            )
    return dg.MaterializeResult()


def _windows(workshop: Workshop, start: datetime, end: datetime, config: PullRun) -> list[Window]:
    """What to ask for, cut at midnights, newest first; nothing past the settled present."""
    now = workshop.activity_feed().client.server_clock.now()
    if config.only_due:
        covered = workshop.archive.state.stream(STREAM).covered
        # What lies before the first pull is no hole but history: that is a backfill's, a month at a time.
        return due_windows(covered, now, start=covered[0].start if covered else start)[:_PER_RUN]
    first, last = max(start, midnight(workshop.start)), min(end, horizon(now))
    return split_days(Window(first, last))[::-1] if first < last else []


@dg.multi_asset_check(
    name="audit_feed_checks", specs=[spec("audit_events", judge) for judge in OF_THE_FEED], can_subset=True
)
def audit_feed_checks(
    context: dg.AssetCheckExecutionContext, workshop: dg.ResourceParam[Workshop]
) -> Iterator[dg.AssetCheckResult]:
    """What the log says about the feed's promises; milliseconds, so it follows every run."""
    with told_plainly():
        workshop.archive.refresh()
        for judge in OF_THE_FEED:
            key = dg.AssetCheckKey(dg.AssetKey("audit_events"), judge.__name__)
            if key in context.selected_asset_check_keys:
                yield check_result(context, key, judge(workshop), workshop)
