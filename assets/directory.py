"""The directory as an asset: members, groups, API keys, one snapshot a day, so that history can be told later.

The vendor serves only the present. What a snapshot did not see cannot be had afterwards.
"""

from datetime import timedelta
from typing import Any

import dagster as dg

from assets.audit import OWNERS
from assets.directory_pulling import pull_snapshot
from assets.failures import told_plainly
from assets.pull_report import PullReport
from assets.run_log import RunLog
from assets.workshop import Workshop
from warehouse.anthropic.directory import SNAPSHOTS
from warehouse.wire.times import parse_rfc3339

GROUP = "spend"
_COUNTS = ("records", "first", "revised", "withdrawn", "unchanged", "pages", "requests")
_LATE = timedelta(hours=36)

directory_api = dg.AssetSpec(
    "directory_api",
    group_name="vendor",
    kinds={"anthropic", "api"},
    description="User management of the Admin API: `GET /v1/organizations/users`, `/rbac_groups` with their "
    "members, `/api_keys`. Lists of the present; no history.",
)


@dg.asset(
    deps=[directory_api],
    pool="directory_api",
    group_name=GROUP,
    kinds={"parquet"},
    owners=OWNERS,
)
def directory(
    context: dg.AssetExecutionContext, workshop: dg.ResourceParam[Workshop]
) -> dg.MaterializeResult[None]:
    """Who is a member, in which group, and who made which key.

    - **Source**: `directory_api`, key with the scopes `read:members` and `read:rbac_groups`.
    - **Grain**: one row per version of a member, group, membership or key: `directory_users`, `directory_groups`,
      `directory_group_members`, `directory_api_keys`.
    - **Window**: none; a snapshot of now, daily.
    - **Promise**: who left stays, marked `withdrawn`; a snapshot that was not read to its end withdraws nobody.
    """
    with told_plainly():
        log = RunLog(context.log, "lists")
        reports = {stream: pull_snapshot(workshop, stream, progress=log) for stream in SNAPSHOTS}
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


@dg.asset_check(
    asset=directory,
    description="The newest snapshot is not older than 36 hours. When it is, people who came and went meanwhile "
    "were never seen: see that the schedule directory_daily is running, and that its last run did not fail.",
)
def snapshot_is_fresh(workshop: dg.ResourceParam[Workshop]) -> dg.AssetCheckResult:
    """Looks at the log."""
    with told_plainly():
        state = workshop.archive.refresh()
    last = [state.stream(stream).last_pull_at for stream in SNAPSHOTS]
    oldest = min((parse_rfc3339(text) for text in last if text), default=None)
    good = None not in last and oldest is not None and workshop.clock() - oldest <= _LATE
    return dg.AssetCheckResult(
        passed=good,
        severity=dg.AssetCheckSeverity.WARN,
        description=f"The oldest of the lists was read at {oldest}." if oldest else "No list was read yet.",
        metadata={stream: text or "never" for stream, text in zip(SNAPSHOTS, last, strict=True)},
    )
