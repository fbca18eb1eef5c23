"""The directory as assets, one for each key: members, groups, API keys and invitations; organisations with their
settings; spend limits. A snapshot a day, so that history can be told later.

The vendor serves only the present. What a snapshot did not see cannot be had afterwards.
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any, Final

import dagster as dg

from assets.audit import OWNERS
from assets.code_references import written_here
from assets.directory_pulling import pull_snapshot
from assets.failures import told_plainly
from assets.pull_report import PullReport
from assets.run_log import RunLog
from assets.status import snapshot_failed
from assets.workshop import Workshop
from warehouse.anthropic.directory import SNAPSHOTS, Snapshot
from warehouse.wire.times import parse_rfc3339

GROUP = "spend"
_COUNTS = ("records", "first", "revised", "withdrawn", "unchanged", "pages", "requests")
_LATE = timedelta(hours=36)

directory_api = dg.AssetSpec(
    "directory_api",
    metadata=written_here(),
    owners=OWNERS,
    group_name="vendor",
    kinds={"anthropic", "api"},
    description="User management of the Admin API: `GET /v1/organizations/users`, `/rbac_groups` with their "
    "members, `/api_keys`, `/invites`. Lists of the present; no history.",
)
organization_api = dg.AssetSpec(
    "organization_api",
    metadata=written_here(),
    owners=OWNERS,
    group_name="vendor",
    kinds={"anthropic", "api"},
    description="Organisation data of the Compliance API: `GET /v1/compliance/organizations` and each one's "
    "`/settings`, with the inventory of the tenant's keys. The present; no history.",
)
spend_limits_api = dg.AssetSpec(
    "spend_limits_api",
    metadata=written_here(),
    owners=OWNERS,
    group_name="vendor",
    kinds={"anthropic", "api"},
    description="Spend limits of the Admin API: `GET /v1/organizations/spend_limits/effective` and "
    "`/spend_limit_increase_requests`. The present; no history.",
)


@dg.asset(deps=[directory_api], pool="directory_api", group_name=GROUP, kinds={"parquet"}, owners=OWNERS)
def directory(
    context: dg.AssetExecutionContext, workshop: dg.ResourceParam[Workshop]
) -> dg.MaterializeResult[None]:
    """Who is a member, in which group, who is invited, and who made which key.

    - **Source**: `directory_api`, key with the scopes `read:members` and `read:rbac_groups`.
    - **Grain**: one row per version of a member, group, membership, key or invitation: `directory_users`,
      `directory_groups`, `directory_group_members`, `directory_api_keys`, `directory_invites`.
    - **Window**: none; a snapshot of now, daily.
    - **Promise**: who left stays, marked `withdrawn`; a snapshot that was not read to its end withdraws nobody.
    """
    return _snapshots(context, workshop, SNAPSHOTS)


@dg.asset(deps=[organization_api], pool="directory_api", group_name=GROUP, kinds={"parquet"}, owners=OWNERS)
def organization_settings(
    context: dg.AssetExecutionContext, workshop: dg.ResourceParam[Workshop]
) -> dg.MaterializeResult[None]:
    """The organisations, how each is set up, and which keys of the tenant there are with which scopes.

    - **Source**: `organization_api`, key with the scope `read:compliance_org_data`.
    - **Grain**: one row per version of an organisation, setting or key: `directory_organizations`,
      `directory_settings`, `directory_enterprise_keys`. A setting that is missing cannot be controlled; it is not
      off.
    - **Window**: none; a snapshot of now, daily.
    - **Promise**: a setting that changed is a new version, whether or not an activity says who changed it.
    """
    return _snapshots(context, workshop, ("organizations",))


@dg.asset(deps=[spend_limits_api], pool="directory_api", group_name=GROUP, kinds={"parquet"}, owners=OWNERS)
def spend_limits(
    context: dg.AssetExecutionContext, workshop: dg.ResourceParam[Workshop]
) -> dg.MaterializeResult[None]:
    """What each member may spend in a period, where that limit comes from, and who has asked for a higher one.

    - **Source**: `spend_limits_api`, key with the scope `read:spend_limits`.
    - **Grain**: one row per version of a member's limit for a period, and of a request: `spend_limits`,
      `spend_limit_requests`. Never sum the limits: most members share one that stands on a tier or a group.
    - **Window**: none; a snapshot of now, daily.
    - **Promise**: a limit that changed is a new version. What was spent so far makes none: it is in `cost_rows`.
    """
    return _snapshots(context, workshop, ("spend_limits",))


def _snapshots(
    context: dg.AssetExecutionContext, workshop: Workshop, streams: Sequence[Snapshot]
) -> dg.MaterializeResult[None]:
    with told_plainly():
        log = RunLog(context.log, "lists")
        reports = {stream: pull_snapshot(workshop, stream, progress=log) for stream in streams}
    failed = [failure for report in reports.values() for failure in report.failed]
    if failed:
        raise dg.Failure(
            f"{len(failed)} of {len(reports)} lists could not be read: {failed[0]['error']}", allow_retries=False
        )
    return dg.MaterializeResult(metadata=_facts(reports))


def _facts(reports: dict[Any, PullReport]) -> dict[str, Any]:
    shown = [
        dg.TableRecord({"list": stream, **{name: getattr(report, name) for name in _COUNTS}})
        for stream, report in reports.items()
    ]
    return {
        **{name: sum(getattr(report, name) for report in reports.values()) for name in _COUNTS},
        "by list": dg.MetadataValue.table(shown),
    }


def _freshness(asset: dg.AssetsDefinition, schedule: str, streams: Sequence[Snapshot]) -> dg.AssetChecksDefinition:
    @dg.asset_check(
        name="snapshot_is_fresh",
        asset=asset,
        description="The newest snapshot is whole and not older than 36 hours. When it is not, what came, changed "
        f"and went meanwhile was never seen: see that the schedule {schedule} is running, and that its last run "
        "did not fail.",
    )
    def snapshot_is_fresh(workshop: dg.ResourceParam[Workshop]) -> dg.AssetCheckResult:
        """Looks at the log."""
        with told_plainly():
            state = workshop.archive.refresh()
        failed = {stream: snapshot_failed(workshop, state, stream) for stream in streams}
        last = [state.stream(stream).last_pull_at if failed[stream] is None else None for stream in streams]
        oldest = min((parse_rfc3339(text) for text in last if text), default=None)
        good = None not in last and oldest is not None and workshop.clock() - oldest <= _LATE
        return dg.AssetCheckResult(
            passed=good,
            severity=dg.AssetCheckSeverity.WARN,
            description=next(
                (f"The last snapshot of {stream} failed: {error}" for stream, error in failed.items() if error),
                f"The oldest of the lists was read at {oldest}." if oldest else "No list was read yet.",
            ),
            metadata={stream: text or "never" for stream, text in zip(streams, last, strict=True)},
        )

    return snapshot_is_fresh


APIS: Final = (directory_api, organization_api, spend_limits_api)
ASSETS: Final = (directory, organization_settings, spend_limits)
CHECKS: Final = (
    _freshness(directory, "directory_daily", SNAPSHOTS),
    _freshness(organization_settings, "organization_settings_daily", ("organizations",)),
    _freshness(spend_limits, "spend_limits_daily", ("spend_limits",)),
)
