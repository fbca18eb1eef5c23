"""Engagement as assets, one for each endpoint: who did how much with which product, skill, connector, plugin.

A partition is a UTC day, counted by the vendor at 10:00 UTC on the next one and revised for some days. What may
not be summed: everything that counts distinct things or people, which is said with each asset.
"""

from collections.abc import Iterator
from typing import Any, Final

import dagster as dg

from assets.analytics import DAYS, GROUP, POOL
from assets.audit import ONE_API_WINDOW, OWNERS
from assets.code_references import written_here
from assets.column_schema import table
from assets.engagement_pulling import due_or_requested, pull_engagement_windows, recover_engagement
from assets.engagement_verdicts import LATE, OF_ENGAGEMENT, TOO_LATE
from assets.failures import told_plainly
from assets.pull_report import PullReport
from assets.run_log import RunLog
from assets.verdict_results import check_result
from assets.workshop import Workshop
from warehouse.anthropic.engagement import ENDPOINTS, STREAMS, Engagement
from warehouse.anthropic.errors import WindowRefused
from warehouse.tables.engagement.schema import BY_STREAM
from warehouse.wire.times import midnight
from warehouse.wire.windows import Window

engagement_api = dg.AssetSpec(
    "engagement_api",
    metadata=written_here(),
    owners=OWNERS,
    group_name="vendor",
    kinds={"anthropic", "api"},
    description="Engagement of the Analytics API, `GET /v1/organizations/analytics/users`, `/summaries`, "
    "`/skills`, `/connectors`, `/plugins`, `/artifacts` and `/apps/chat/projects`: a day is counted at 10:00 UTC "
    "on the next one, revised for some days, and served for 90 days at least.",
)

# What a row is, and what must not be added up.
_TOLD: Final[dict[Engagement, tuple[str, str, str]]] = {
    "engagement_users": (
        "What each person did, product by product: messages, sessions, commits, lines, edits accepted.",
        "one row per day and person; whoever did nothing has none",
        "Columns with `distinct` in their name cannot be summed over days: a conversation of two counts twice.",
    ),
    "summaries": (
        "How many people were active, seats, invitations, adoption.",
        "one row per day of the whole organisation",
        "Nothing in it may be summed: the same people come every day. Weekly and monthly figures look back.",
    ),
    "skills": (
        "Which skills were used, and what they are estimated to cost.",
        "one row per day and skill",
        "`distinct_user_count` is no sum over anything. The amounts are an estimate, and part of `cost_rows`.",
    ),
    "connectors": (
        "Which connectors were used: calls that read, write, and neither.",
        "one row per day and connector",
        "Only the counts of calls may be summed; counts of people and of sessions overlap.",
    ),
    "plugins": (
        "Which plugins were used.",
        "one row per day and plugin",
        "Only `invocation_count` may be summed; `install_count` is a state, and counts of people overlap.",
    ),
    "projects": (
        "Which chat projects were worked on.",
        "one row per day and project",
        "Only `message_count` may be summed; counts of people and conversations overlap.",
    ),
    "artifacts": (
        "Which kinds of artifacts were made, and shared.",
        "one row per day, type, and whether it is shared",
        "`distinct_user_count` is no sum over anything.",
    ),
}


def _asset(stream: Engagement) -> dg.AssetsDefinition:
    name, (what, grain, warning) = BY_STREAM[stream].table, _TOLD[stream]

    @dg.asset(
        name=name,
        deps=[engagement_api],
        partitions_def=DAYS,
        backfill_policy=ONE_API_WINDOW,
        pool=POOL,
        group_name=GROUP,
        kinds={"parquet"},
        owners=OWNERS,
        freshness_policy=dg.FreshnessPolicy.time_window(fail_window=TOO_LATE, warn_window=LATE),
        metadata=table(name, BY_STREAM[stream].schema),
        description=f"""{what}

- **Source**: `GET {ENDPOINTS[stream].path}`, key with the scope `read:analytics`.
- **Grain**: {grain}.
- **Window**: whole UTC days, {"one request for all" if ENDPOINTS[stream].by_range else "one request for each"}.
- **Promise**: a later complete pull of a day is compared with what is held; what changed is a new version.
  {warning} Sum `{name}`, never its versions.""",
    )
    def engaged(
        context: dg.AssetExecutionContext, workshop: dg.ResourceParam[Workshop]
    ) -> dg.MaterializeResult[None]:
        return _materialize(context, workshop, stream)

    return engaged


ASSETS: Final[list[dg.AssetsDefinition | dg.AssetSpec]] = [engagement_api, *map(_asset, STREAMS)]


def _materialize(
    context: dg.AssetExecutionContext, workshop: Workshop, stream: Engagement
) -> dg.MaterializeResult[None]:
    with told_plainly():
        total = PullReport(stream)
        recover_engagement(workshop, stream, total)
        span = context.partition_time_window
        try:
            windows = due_or_requested(workshop, stream, max(span.start, midnight(workshop.start)), span.end)
        except WindowRefused as refused:
            context.log.info(str(refused))
            windows = []
        progress = RunLog(context.log)
        progress.start(len(windows))
        reports: list[tuple[Window, PullReport]] = []
        for window, report in pull_engagement_windows(workshop, stream, windows, progress=progress):
            reports.append((window, report))
            total.merge(report)
        workshop.archive.settle()
        if windows and not total.seqs:
            raise dg.Failure(
                f"None of the {len(windows)} windows could be read"
                + (f"; the newest: {total.failed[0]['error']}" if total.failed else "")
                + ".",
                allow_retries=False,
            )
        covered = workshop.archive.state.stream(stream).covered
        for day in context.partition_keys:
            context.add_asset_metadata(_metadata(day, covered, total), partition_key=day)
    return dg.MaterializeResult()


def _metadata(day: str, covered: list[Window], total: PullReport) -> dict[str, Any]:
    whole = any(window.start.date().isoformat() <= day < window.end.date().isoformat() for window in covered)
    names = ("requests", "records", "first", "revised", "withdrawn", "unchanged")
    return {
        "covered": "the whole day" if whole else "nothing: the day is not counted yet, or not served any more",
        **{f"{name} of the run": getattr(total, name) for name in names},
        "log_entries": ", ".join(map(str, total.seqs)) or "none",
    }


@dg.multi_asset_check(
    name="engagement_checks",
    specs=[
        dg.AssetCheckSpec(
            judge.__name__,
            asset=BY_STREAM[stream].table,
            description=" ".join((judge.__doc__ or "").split()),
        )
        for stream in STREAMS
        for judge in OF_ENGAGEMENT
    ],
    can_subset=True,
)
def engagement_checks(
    context: dg.AssetCheckExecutionContext, workshop: dg.ResourceParam[Workshop]
) -> Iterator[dg.AssetCheckResult]:
    """What the log says about engagement; it follows every run."""
    with told_plainly():
        workshop.archive.refresh()
        for stream in STREAMS:
            for judge in OF_ENGAGEMENT:
                key = dg.AssetCheckKey(dg.AssetKey(BY_STREAM[stream].table), judge.__name__)
                if key in context.selected_asset_check_keys:
                    yield check_result(context, key, judge(workshop, stream), workshop)
