"""When things run: the tail every five minutes, usage and cost when the vendor has refreshed them, yesterday again
each night, the week again each Sunday, upkeep daily.

All times are UTC. A run asks for days, never for windows: which windows are due follows from the archive's log,
so a tick that comes late, twice or not at all loses nothing.
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

import dagster as dg
from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition
from dagster._core.storage.dagster_run import NOT_FINISHED_STATUSES, RunsFilter
from dagster._core.storage.tags import (
    ASSET_PARTITION_RANGE_END_TAG,
    ASSET_PARTITION_RANGE_START_TAG,
    MAX_RUNTIME_SECONDS_TAG,
    PRIORITY_TAG,
)

from assets.archive_log import VerifyRun
from assets.audit import PullRun
from assets.failures import told_plainly
from assets.marts import MARTS
from assets.spend_pulling import figures_moved
from warehouse.anthropic.directory import Snapshot
from warehouse.anthropic.engagement_planning import SETTLES_AFTER
from warehouse.anthropic.http import Client
from warehouse.anthropic.planning import OVERLAP, horizon
from warehouse.config import ConfigError
from warehouse.tables.engagement.schema import MEASURES

_RUNNING = dg.DefaultScheduleStatus.RUNNING
_EVERY = timedelta(minutes=5)
# A run that is older than this has lost its worker: it must not keep the next ones from starting.
_STUCK_AFTER = timedelta(minutes=30)

_MARTS = dg.AssetSelection.assets(*(mart.name for mart in MARTS))

audit_tail = dg.define_asset_job(
    "audit_tail",
    selection=dg.AssetSelection.assets("audit_events", "alerts") | dg.AssetSelection.groups("siem"),
    description="What is due of the audit feed, the alerts that follow from it, what is due to the destinations, "
    "and the checks that cost nothing. Five minutes apart; dbt has no part in it.",
    tags={PRIORITY_TAG: "10", MAX_RUNTIME_SECONDS_TAG: str(int(_STUCK_AFTER.total_seconds()))},
)
audit_reread = dg.define_asset_job(
    "audit_reread",
    selection=dg.AssetSelection.assets("audit_events", "audit_events_sealed") | _MARTS,
    description="Whole days read again for what was indexed late, changed or withdrawn; then sealed; then "
    "the marts.",
)
archive_upkeep = dg.define_asset_job(
    "archive_upkeep",
    selection=dg.AssetSelection.assets("archive_log"),
    description="Objects of crashed runs signed in, the state snapshotted, the archive verified.",
)
export_import = dg.define_asset_job(
    "export_import",
    selection=dg.AssetSelection.assets("audit_export_rows"),
    description="Files of the console's audit-log export, imported and compared with the feed.",
)
spend_pull = dg.define_asset_job(
    "spend_pull",
    selection=dg.AssetSelection.assets("usage_rows", "cost_rows"),
    description="The days of usage and cost that are not final yet, and the checks that they add up.",
)
engagement_pull = dg.define_asset_job(
    "engagement_pull",
    selection=dg.AssetSelection.assets(*(measure.table for measure in MEASURES.values())),
    description="The days of engagement that the vendor has counted since, or may have revised.",
)
# One for each key that snapshots take, with a stream that the key opens.
_SNAPSHOTS: tuple[tuple[Snapshot, str, str], ...] = (
    ("users", "directory", "Members, groups, API keys and invitations"),
    ("organizations", "organization_settings", "The organisations, their settings and the tenant's keys"),
    ("spend_limits", "spend_limits", "What each member may spend, and who has asked for more,"),
)
SNAPSHOT_JOBS = {
    stream: dg.define_asset_job(
        f"{asset}_snapshot", selection=dg.AssetSelection.assets(asset), description=f"{words} as they are now."
    )
    for stream, asset, words in _SNAPSHOTS
}
monthly_certificate = dg.define_asset_job(
    "monthly_certificate",
    selection=dg.AssetSelection.assets("completeness_certificate", "evidence_report"),
    description="The certificate of completeness of a month and the auditor's page, signed, to hand out.",
)
JOBS = [
    audit_tail,
    audit_reread,
    archive_upkeep,
    export_import,
    spend_pull,
    engagement_pull,
    *SNAPSHOT_JOBS.values(),
    monthly_certificate,
]
# Days that the vendor may still restate, and the one that becomes final.
_UNSETTLED_DAYS = 31


def days_of_tail(tick: datetime, start: date) -> tuple[date, date] | None:
    """First and last day that the tail of a tick can touch; None before the first day is there."""
    end = horizon(tick)
    first = max((end - _EVERY - OVERLAP).date(), start)
    return (first, end.date()) if first <= end.date() else None


def days_to_reread(tick: datetime, days: int, start: date) -> tuple[date, date] | None:
    """The `days` UTC days before today; None where all of them lie before the first day."""
    last = tick.astimezone(UTC).date() - timedelta(days=1)
    first = max(last - timedelta(days=days - 1), start)
    return (first, last) if first <= last else None


def month_before(tick: datetime, start: date) -> date | None:
    """The first day of the month before a tick's; None where that lies before the month of the first day."""
    last = tick.astimezone(UTC).date().replace(day=1) - timedelta(days=1)
    month = last.replace(day=1)
    return month if month >= start.replace(day=1) else None


def schedules(start: date, prune_runs: dg.JobDefinition) -> list[dg.ScheduleDefinition]:
    """The schedules of a pipeline whose partitions begin at `start`."""

    @dg.schedule(
        job=audit_tail,
        cron_schedule="*/5 * * * *",
        execution_timezone="UTC",
        default_status=_RUNNING,
        description="What came since the newest window, and any hole before it.",
    )
    def audit_tail_every_5_minutes(
        context: dg.ScheduleEvaluationContext,
    ) -> Iterator[dg.RunRequest | dg.SkipReason]:
        days = days_of_tail(context.scheduled_execution_time, start)
        if days is None:
            yield dg.SkipReason(f"the first day, {start}, is still to come")
        elif _unfinished(context, audit_tail):
            yield dg.SkipReason("the last tail has not finished; the next one takes everything up to then")
        else:
            yield _range(days, dg.RunConfig(ops={"audit_events": PullRun(only_due=True)}))

    @dg.schedule(
        job=spend_pull,
        cron_schedule="20 * * * *",
        execution_timezone="UTC",
        default_status=_RUNNING,
        required_resource_keys={"workshop"},
        description="Asks the vendor one small question, have the figures moved?, and reads the last 31 days of "
        "usage and cost only if they have.",
    )
    def spend_when_refreshed(
        context: dg.ScheduleEvaluationContext,
    ) -> Iterator[dg.RunRequest | dg.SkipReason]:
        days = days_to_reread(context.scheduled_execution_time, _UNSETTLED_DAYS, start)
        if days is None:
            yield dg.SkipReason(f"the first day, {start}, is not over yet")
        elif _unfinished(context, spend_pull):
            yield dg.SkipReason("the last run has not finished; it reads what was refreshed up to now")
        else:
            workshop = context.resources.workshop
            missing = _missing_key(workshop.spend_reports("cost").client)
            if missing is not None:
                yield missing
                return
            with told_plainly():
                refreshed, moved = figures_moved(workshop)
            if moved:
                yield _range(days)
            else:
                yield dg.SkipReason(f"the vendor's figures are still those of {refreshed}")

    @dg.schedule(
        job=engagement_pull,
        cron_schedule="40 10 * * *",
        execution_timezone="UTC",
        default_status=_RUNNING,
        required_resource_keys={"workshop"},
        description="The last seven days of engagement, once a day, when the vendor has counted yesterday.",
    )
    def engagement_daily(context: dg.ScheduleEvaluationContext) -> Iterator[dg.RunRequest | dg.SkipReason]:
        days = days_to_reread(context.scheduled_execution_time, SETTLES_AFTER, start)
        missing = _missing_key(context.resources.workshop.engagement_reports("summaries").client)
        if days is None:
            yield dg.SkipReason(f"the first day, {start}, is not over yet")
        else:
            yield missing if missing is not None else _range(days)

    @dg.schedule(
        job=monthly_certificate,
        cron_schedule="30 6 3 * *",
        execution_timezone="UTC",
        default_status=_RUNNING,
        description="The certificate of last month, when its last days have been read again.",
    )
    def certificate_of_last_month(
        context: dg.ScheduleEvaluationContext,
    ) -> Iterator[dg.RunRequest | dg.SkipReason]:
        month = month_before(context.scheduled_execution_time, start)
        if month is None:
            yield dg.SkipReason(f"the month of the first day, {start}, is not over yet")
        else:
            yield dg.RunRequest(partition_key=month.isoformat())

    def daily_snapshot(number: int, stream: Snapshot, job: UnresolvedAssetJobDefinition) -> dg.ScheduleDefinition:

        @dg.schedule(
            name=f"{job.name.removesuffix('_snapshot')}_daily",
            job=job,
            cron_schedule=f"{10 + 5 * number} 5 * * *",
            execution_timezone="UTC",
            default_status=_RUNNING,
            required_resource_keys={"workshop"},
            description=f"{job.description} Once a day: the vendor keeps no past of it.",
        )
        def once(context: dg.ScheduleEvaluationContext) -> Iterator[dg.RunRequest | dg.SkipReason]:
            missing = _missing_key(context.resources.workshop.lists_of(stream).client)
            yield missing if missing is not None else dg.RunRequest()

        return once

    def reread(name: str, cron: str, days: int, words: str) -> dg.ScheduleDefinition:
        @dg.schedule(
            name=name,
            job=audit_reread,
            cron_schedule=cron,
            execution_timezone="UTC",
            default_status=_RUNNING,
            description=words,
        )
        def again(context: dg.ScheduleEvaluationContext) -> Iterator[dg.RunRequest | dg.SkipReason]:
            asked = days_to_reread(context.scheduled_execution_time, days, start)
            yield _range(asked) if asked else dg.SkipReason(f"the first day, {start}, is not over yet")

        return again

    def upkeep(name: str, cron: str, words: str, config: VerifyRun) -> dg.ScheduleDefinition:
        return dg.ScheduleDefinition(
            name=name,
            job=archive_upkeep,
            cron_schedule=cron,
            execution_timezone="UTC",
            default_status=_RUNNING,
            description=words,
            run_config=dg.RunConfig(ops={"archive_log": config}),
        )

    return [
        audit_tail_every_5_minutes,
        spend_when_refreshed,
        engagement_daily,
        *(daily_snapshot(at, *one) for at, one in enumerate(SNAPSHOT_JOBS.items())),
        certificate_of_last_month,
        reread(
            "audit_reread_yesterday", "30 2 * * *", 1, "Yesterday again: read, sealed, and built into the marts."
        ),
        reread(
            "audit_reread_last_week", "30 3 * * 0", 7, "The seven days before today again, and what came late."
        ),
        upkeep("archive_upkeep_daily", "30 4 * * 1-6", "Upkeep; the objects of two days read back.", VerifyRun()),
        upkeep("archive_upkeep_weekly", "30 4 * * 0", "Upkeep; every object read back.", VerifyRun(days=0)),
        dg.ScheduleDefinition(
            name="prune_runs_daily",
            job=prune_runs,
            cron_schedule="45 5 * * *",
            execution_timezone="UTC",
            default_status=_RUNNING,
            description="Dagster's own old runs and their files.",
        ),
    ]


def _range(days: tuple[date, date], config: dg.RunConfig | None = None) -> dg.RunRequest:
    """One run over a range of daily partitions, as a backfill would ask for it."""
    first, last = days
    return dg.RunRequest(
        tags={
            ASSET_PARTITION_RANGE_START_TAG: first.isoformat(),
            ASSET_PARTITION_RANGE_END_TAG: last.isoformat(),
        },
        run_config=config,
    )


def _missing_key(client: Client) -> dg.SkipReason | None:
    """Why there is nothing to ask: an installation need not have a key for every API."""
    try:
        client.check_key()
    except ConfigError as error:
        return dg.SkipReason(f"{error} Stop this schedule if you do not want it.")
    return None


def _unfinished(context: dg.ScheduleEvaluationContext, job: UnresolvedAssetJobDefinition) -> bool:
    since = datetime.now(UTC) - _STUCK_AFTER
    waiting = RunsFilter(job_name=job.name, statuses=NOT_FINISHED_STATUSES, created_after=since)
    return context.instance.get_runs_count(waiting) > 0
